//! The header policy: which headers of a failed response its page keeps.
//!
//! It is an allow-list: what the configuration keeps, and a few headers that belong to the request
//! rather than to the body. A page with the failed response's cookies, validators or caching rules
//! would be worse than the failure itself.

/// Marks a page of Tidegate, so that an outer Tidegate (a gateway in front of a sidecar) leaves it
/// alone. The value is the reason.
pub const MARKER: &str = "x-tidegate-page";

/// Headers that are kept unless the configuration removes them: they describe the request, its way or
/// the client's credentials, not the body that is replaced.
const ALWAYS_KEPT: &[&str] = &[
    "www-authenticate",
    "x-request-id",
    "traceparent",
    "via",
    "proxy-status",
    "nel",
    "report-to",
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

/// Returns whether a page keeps the header `name` without being configured to.
pub fn is_always_kept(name: &str) -> bool {
    ALWAYS_KEPT.contains(&name)
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
