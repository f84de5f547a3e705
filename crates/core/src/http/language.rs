//! Language negotiation: `Accept-Language` (RFC 9110 §12.5.4) and the lookup of tags (RFC 4647 §3.4).

#[cfg(test)]
mod tests;

use crate::http::accept::parse_weight;
use crate::http::headers::HeaderBlock;

/// Returns the number of the tag that a request prefers: that for its range with the greatest weight,
/// and of several such ranges for the first. Ranges that match no tag do not count.
pub(crate) fn preferred<'t>(
    request: &HeaderBlock,
    tags: impl Iterator<Item = &'t str> + Clone,
) -> Option<usize> {
    let mut best = None;
    let mut best_weight = 0;
    for value in request.get_all("accept-language") {
        for member in value.split(|&byte| byte == b',') {
            let mut parts = member.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
            let range = parts.next().unwrap_or_default();
            let weight = match parts.next() {
                None => 1000,
                Some([b'q' | b'Q', b'=', weight @ ..]) => parse_weight(weight).unwrap_or(0),
                Some(_) => 0,
            };
            if weight <= best_weight {
                continue;
            }
            let found = std::str::from_utf8(range).ok();
            if let Some(found) = found.and_then(|range| lookup(range, tags.clone())) {
                (best, best_weight) = (Some(found), weight);
            }
        }
    }
    best
}

/// Returns the number of the tag for a range: the range itself, else the range without its last subtags.
/// If only variants of the language exist (`zh-Hant` for `zh`), the first of them is better than another
/// language.
pub(crate) fn lookup<'t>(
    range: &str,
    mut tags: impl Iterator<Item = &'t str> + Clone,
) -> Option<usize> {
    let mut tag = range;
    loop {
        if let Some(found) = tags
            .clone()
            .position(|other| other.eq_ignore_ascii_case(tag))
        {
            return Some(found);
        }
        let Some(broader) = broader(tag) else {
            return tags.position(|other| primary(other).eq_ignore_ascii_case(tag));
        };
        tag = broader;
    }
}

/// Returns the primary subtag.
pub(crate) fn primary(tag: &str) -> &str {
    tag.split_once('-').map_or(tag, |(primary, _)| primary)
}

/// Returns the tag without its last subtag.
pub(crate) fn broader(tag: &str) -> Option<&str> {
    tag.rsplit_once('-').map(|(broader, _)| broader)
}
