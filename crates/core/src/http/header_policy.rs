//! The header policy: which headers of a failed response its page keeps.
//!
//! It is an allow-list: what the configuration keeps, and a few headers that belong to the request
//! rather than to the body. A page with the failed response's cookies, validators or caching rules
//! would be worse than the failure itself.

/// Marks a page of Tidegate, so that an outer Tidegate (a gateway in front of a sidecar) leaves it
/// alone. The value is the reason.
pub const MARKER: &str = "x-tidegate-page";

/// Headers that are kept unless the configuration removes them: they describe the request or its way,
/// not the body that is replaced. (`via` and `proxy-status`: as far as `http::forwarding` says.)
const ALWAYS_KEPT: &[&str] = &[
    "x-request-id",
    "traceparent",
    "via",
    "proxy-status",
    "nel",
    "report-to",
    // How much a client may still ask for: the draft of the IETF, and what Envoy sends.
    "ratelimit",
    "ratelimit-policy",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
];

/// Headers that are never kept, whatever the configuration says: they describe the body that is
/// replaced or act for it, make the page cacheable, or name the software behind the proxy.
const NEVER_KEPT: &[&str] = &[
    "set-cookie",
    "content-encoding",
    "content-length",
    "content-type",
    "content-language",
    "transfer-encoding",
    "trailer",
    "etag",
    "last-modified",
    "accept-ranges",
    "content-range",
    "content-disposition",
    "digest",
    "content-digest",
    "repr-digest",
    "content-md5",
    "expires",
    "age",
    "cache-control",
    "cdn-cache-control",
    "surrogate-control",
    "location",
    "refresh",
    "link",
    "clear-site-data",
    "content-security-policy",
    "content-security-policy-report-only",
    "server",
    "x-powered-by",
    "retry-after",
    "connection",
    "keep-alive",
    "upgrade",
    MARKER,
];

/// Returns whether a page with this status keeps the header `name` without being configured to.
///
/// A challenge belongs to a 401: with any other status it only tells how the upstream authenticates.
pub fn is_always_kept(name: &str, status: u16) -> bool {
    ALWAYS_KEPT.contains(&name) || (name == "www-authenticate" && matches!(status, 401 | 403))
}

/// Returns whether a page never keeps the header `name`, whatever the configuration says.
pub fn is_never_kept(name: &str) -> bool {
    name.starts_with(':') || NEVER_KEPT.contains(&name)
}

/// Returns whether a page cannot do without the header `name`: the page would be unreadable, or an
/// outer Tidegate would replace it again.
pub fn is_essential(name: &str) -> bool {
    matches!(name, "content-type" | "cache-control" | MARKER) || name.starts_with("grpc-")
}

#[cfg(test)]
pub(crate) fn never_kept() -> impl Iterator<Item = &'static str> {
    NEVER_KEPT.iter().copied()
}
