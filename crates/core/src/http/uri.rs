//! Parts of URLs: the scheme, the path without its query, the host without its port.

/// Returns the scheme of a URL as it was written; `None` for a relative URL.
pub(crate) fn scheme(url: &str) -> Option<&str> {
    let end = url.find([':', '/', '?', '#'])?;
    let (scheme, rest) = url.split_at_checked(end)?;
    rest.starts_with(':').then_some(scheme)
}

/// Returns a path without its query and fragment.
pub fn without_query(path: &[u8]) -> &[u8] {
    path.split(|&b| b == b'?' || b == b'#')
        .next()
        .unwrap_or_default()
}

/// Returns the query of a path, without its `?`; empty if there is none.
pub(crate) fn query(path: &[u8]) -> &[u8] {
    let rest = path.get(without_query(path).len()..).unwrap_or_default();
    let query = rest.strip_prefix(b"?").unwrap_or_default();
    query.split(|&b| b == b'#').next().unwrap_or_default()
}

/// Returns the host without its port; an IPv6 address keeps its brackets.
pub fn without_port(authority: &[u8]) -> &[u8] {
    match authority.iter().rposition(|&b| b == b':') {
        Some(at) if !authority.get(at..).unwrap_or_default().contains(&b']') => {
            authority.get(..at).unwrap_or_default()
        }
        _ => authority,
    }
}

#[cfg(test)]
mod tests;
