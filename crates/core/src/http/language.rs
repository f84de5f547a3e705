//! Language negotiation: `Accept-Language` (RFC 9110 §12.5.4) and the lookup of tags (RFC 4647 §3.4),
//! which knows old tags and the characters of Chinese.

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

/// Returns the number of the tag for a range: the range itself, else the next broader tag that there is.
/// If only variants of the language exist (`pt-BR` for `pt`), the first of them is better than another
/// language.
pub(crate) fn lookup<'t>(
    range: &str,
    mut tags: impl Iterator<Item = &'t str> + Clone,
) -> Option<usize> {
    let mut tag = range;
    loop {
        if let Some(found) = tags.clone().position(|other| is_same(other, tag)) {
            return Some(found);
        }
        match broader(tag) {
            Some(broader) => tag = broader,
            None if tag.contains('-') => return None,
            None => {
                let language = primary(tag);
                return tags.position(|other| primary(other).eq_ignore_ascii_case(language));
            }
        }
    }
}

/// Old subtags of languages, and those that replace them in the registry of BCP 47. `no` is not old, but
/// what is written as Norwegian is Bokmål, unless it says that it is not.
const REPLACED: [(&str, &str); 5] = [
    ("in", "id"),
    ("iw", "he"),
    ("ji", "yi"),
    ("mo", "ro"),
    ("no", "nb"),
];
/// The tags of Chinese whose characters are the traditional ones, where no subtag says so (likely subtags
/// of Unicode CLDR). Chinese of any other region is in simplified characters.
const TRADITIONAL: [&str; 3] = ["zh-HK", "zh-MO", "zh-TW"];

/// Returns the primary subtag.
pub(crate) fn primary(tag: &str) -> &str {
    let primary = tag.split_once('-').map_or(tag, |(primary, _)| primary);
    let mut replaced = REPLACED.iter();
    replaced
        .find(|(old, _)| old.eq_ignore_ascii_case(primary))
        .map_or(primary, |(_, new)| new)
}

/// Returns whether two tags mean the same language: `zh` and `zh-Hans`, `iw` and `he`.
pub(crate) fn is_same(tag: &str, other: &str) -> bool {
    let (language, subtags) = parts(tag);
    let (other_language, other_subtags) = parts(other);
    language.eq_ignore_ascii_case(other_language) && subtags.eq_ignore_ascii_case(other_subtags)
}

/// Returns the primary subtag and the others.
fn parts(tag: &str) -> (&str, &str) {
    let language = primary(tag);
    match tag.split_once('-') {
        None if language.eq_ignore_ascii_case("zh") => (language, "Hans"),
        others => (language, others.map_or("", |(_, others)| others)),
    }
}

/// Returns the next broader tag: without the last subtag, or that of the characters in which Chinese is
/// written in a region. Nothing is broader than `zh-Hant`: Chinese alone has simplified characters.
pub(crate) fn broader(tag: &str) -> Option<&str> {
    let is_this = |other: &str| other.eq_ignore_ascii_case(tag);
    if TRADITIONAL.into_iter().any(is_this) {
        return Some("zh-Hant");
    }
    let broader = tag.rsplit_once('-').map(|(broader, _)| broader);
    broader.filter(|_| !is_this("zh-Hant"))
}
