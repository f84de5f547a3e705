//! What other intermediaries say of themselves in a response: `Proxy-Status` and `Via`.
//!
//! A page passes on that they failed and why, and not what is of use to operators only: names and addresses
//! of hosts behind the proxy, the software that runs there, details of errors.

/// The parameters of `Proxy-Status` that name hosts, or may (RFC 9209, 2.1.2 and 2.1.5).
const INTERNAL_PARAMETERS: [&[u8]; 2] = [b"details", b"next-hop"];

/// Returns `Proxy-Status` without the parameters that name hosts; empty if its value has a string without
/// an end, which would swallow the members that follow.
pub(crate) fn public_proxy_status(value: &[u8]) -> Vec<u8> {
    let Some(members) = split_unquoted(value, b',') else {
        return Vec::new();
    };
    let members = members.into_iter().map(|member| {
        let parts = split_unquoted(member, b';').unwrap_or_default();
        let is_public = |part: &&[u8]| {
            let key = part.split(|&byte| byte == b'=').next().unwrap_or_default();
            let key = key.trim_ascii();
            !INTERNAL_PARAMETERS
                .iter()
                .any(|name| key.eq_ignore_ascii_case(name))
        };
        // The first part is the name of the proxy, whatever it looks like.
        let (name, parameters) = parts.split_first().unwrap_or((&member, &[]));
        let parameters = parameters.iter().copied().filter(is_public);
        let parts: Vec<&[u8]> = std::iter::once(*name).chain(parameters).collect();
        parts.join(&b';')
    });
    members.collect::<Vec<_>>().join(&b',')
}

/// Returns whether every string in a structured field (RFC 8941, 3.3.3) ends.
pub(crate) fn strings_end(value: &[u8]) -> bool {
    split_unquoted(value, b',').is_some()
}

/// Returns `Via` without comments, which name software, and without members that name a host or a port
/// rather than a pseudonym: a gateway should not forward those of the network behind it (RFC 9110, 7.6.3).
pub(crate) fn public_via(value: &[u8]) -> Vec<u8> {
    let value = without_comments(value);
    let members = value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
    let is_pseudonym = |member: &&[u8]| {
        let received_by = member.rsplit(|&byte| byte == b' ').next();
        let names_host = |by: &[u8]| by.iter().any(|byte| b".:[".contains(byte));
        !member.is_empty() && !received_by.is_some_and(names_host)
    };
    members
        .filter(is_pseudonym)
        .collect::<Vec<_>>()
        .join(&b", "[..])
}

/// Removes comments (RFC 9110, 5.6.5), which may contain each other; one without an end goes to the end.
fn without_comments(value: &[u8]) -> Vec<u8> {
    let (mut depth, mut is_escaped) = (0_usize, false);
    let is_outside = |byte: &u8| {
        let was_inside = depth > 0;
        match byte {
            _ if std::mem::take(&mut is_escaped) => {}
            b'\\' if was_inside => is_escaped = true,
            b'(' => depth = depth.saturating_add(1),
            b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        !was_inside && depth == 0
    };
    value.iter().copied().filter(is_outside).collect()
}

/// Splits a structured field at a byte, but not within strings; `None` if a string has no end.
fn split_unquoted(value: &[u8], separator: u8) -> Option<Vec<&[u8]>> {
    let (mut is_string, mut is_escaped) = (false, false);
    let is_separator = |byte: &u8| {
        match byte {
            _ if std::mem::take(&mut is_escaped) => {}
            b'\\' if is_string => is_escaped = true,
            b'"' => is_string = !is_string,
            _ => {}
        }
        *byte == separator && !is_string
    };
    let parts = value.split(is_separator).collect();
    (!is_string).then_some(parts)
}

#[cfg(test)]
mod tests;
