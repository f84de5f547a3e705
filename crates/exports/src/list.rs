//! The one list of what the module exports to Envoy.
//!
//! Envoy calls a callback because it is exported, even when it is empty, and each call costs
//! (docs/benchmarks.md). A callback is listed here only if the filter does something in it.

/// An export that stays, and what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Export {
    /// Its name in the module.
    pub name: &'static str,
    /// Why it is worth a call.
    pub reason: &'static str,
}

const fn export(name: &'static str, reason: &'static str) -> Export {
    Export { name, reason }
}

/// Everything that stays exported. A name that the module does not export is a build error, and a test
/// compares the callbacks with those that `src/` implements.
pub const KEPT: &[Export] = &[
    export(
        "memory",
        "the host reads and writes arguments that are passed by address",
    ),
    export(
        "malloc",
        "the host allocates memory for every result that carries data",
    ),
    export(
        "_initialize",
        "sets the logger and the panic hook, registers the contexts",
    ),
    export(
        "proxy_abi_version_0_2_1",
        "names the version of the interface; never called",
    ),
    export(
        "proxy_on_context_create",
        "creates the context of the plugin and of each request; no other call says to which plugin a request belongs",
    ),
    export("proxy_on_configure", "reads the filter configuration"),
    export(
        "proxy_on_request_headers",
        "reads the request headers for a reply that may be needed: Envoy has released them when the response comes",
    ),
    export(
        "proxy_on_response_headers",
        "sees the failure; sets status and headers of the page",
    ),
    export(
        "proxy_on_response_body",
        "replaces the upstream's body by the page",
    ),
    export(
        "proxy_on_tick",
        "publishes what this worker counted, and reads what the others published",
    ),
    export(
        "proxy_on_log",
        "returns a probe's permit if the client went away; sets filter state for the access log, for which the deletion comes too late",
    ),
    export(
        "proxy_on_response_trailers",
        "drops the trailers of a body that the page replaced",
    ),
    export(
        "proxy_on_delete",
        "frees the context: without it a worker's memory grows with each request",
    ),
];

/// Those of [`KEPT`] that the SDK implements, so that `src/` contains nothing for them.
pub const SDK: &[&str] = &[
    "memory",
    "malloc",
    "_initialize",
    "proxy_abi_version_0_2_1",
    "proxy_on_context_create",
    "proxy_on_delete",
];
