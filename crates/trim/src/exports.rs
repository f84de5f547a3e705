//! The one list of what the module shows to Envoy.
//!
//! Envoy calls a callback because it is exported, even when it is empty, and each call costs
//! (docs/benchmarks.md): so a callback is here only when the filter does something in it. The SDK
//! exports all of them.

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

/// Everything that stays exported. A name that the module does not export is an error of the build,
/// and a test compares the callbacks with those that the adapter implements.
pub const KEPT: &[Export] = &[
    export(
        "memory",
        "the host reads and writes what is passed by address",
    ),
    export(
        "malloc",
        "the host asks for room for every answer that carries data",
    ),
    export(
        "_initialize",
        "sets log level and panic hook, registers the contexts",
    ),
    export(
        "proxy_abi_version_0_2_1",
        "says which interface this is; never called",
    ),
    export(
        "proxy_on_context_create",
        "makes the context of the plugin, and that of each request: nothing else says whose request it is",
    ),
    export("proxy_on_configure", "reads the filter configuration"),
    export(
        "proxy_on_request_headers",
        "takes the request's facts, for the answer that it may need: Envoy has let go of them when the response comes",
    ),
    export(
        "proxy_on_response_headers",
        "sees the failure; sets status and headers of the page",
    ),
    export(
        "proxy_on_response_body",
        "puts the page in place of the upstream's body",
    ),
    export(
        "proxy_on_tick",
        "tells the other workers what this one counted, and learns from them",
    ),
    export(
        "proxy_on_log",
        "gives a probe's permit back when the client went away; tells the access log why an answer broke off, for which the deletion comes too late",
    ),
    export(
        "proxy_on_response_trailers",
        "drops the trailers of a body that the page replaced",
    ),
    export(
        "proxy_on_delete",
        "frees the context: without it a worker's memory grows by each request",
    ),
];

/// Those of [`KEPT`] that the SDK answers by itself, so that the adapter implements nothing for them.
pub const SDK: &[&str] = &[
    "memory",
    "malloc",
    "_initialize",
    "proxy_abi_version_0_2_1",
    "proxy_on_context_create",
    "proxy_on_delete",
];
