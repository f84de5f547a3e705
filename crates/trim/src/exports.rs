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

/// Everything that stays exported. A name that the module does not export is an error of the build.
pub const KEPT: &[Export] = &[
    export(
        "memory",
        "the host reads arguments from it and writes answers into it",
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
        "tells the host which interface this is; never called",
    ),
    export(
        "proxy_on_context_create",
        "makes the context of a plugin or of a request",
    ),
    export(
        "proxy_on_vm_start",
        "the host refuses a plugin whose start it cannot ask for",
    ),
    export("proxy_on_configure", "reads the filter configuration"),
    export(
        "proxy_on_tick",
        "moves breakers in time, shares them between workers, sets gauges",
    ),
    export(
        "proxy_on_request_headers",
        "takes the request's facts; rejects while the circuit is open",
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
        "proxy_on_response_trailers",
        "sees grpc-status; ends a rewritten body that had trailers",
    ),
    export(
        "proxy_on_log",
        "the outcome, also of requests that never had a response",
    ),
    export("proxy_on_done", "lets the context go at once"),
    export(
        "proxy_on_delete",
        "frees the context: without it the memory of a worker grows",
    ),
];
