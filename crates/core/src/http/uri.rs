//! Parts of a request's target: the path without its query, the host without its port.

/// Returns a path without its query and fragment.
pub fn without_query(path: &[u8]) -> &[u8] {
    path.split(|&b| b == b'?' || b == b'#')
        .next()
        .unwrap_or_default()
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
