//! Language negotiation: `Accept-Language` (RFC 9110 §12.5.4) and the lookup of tags (RFC 4647 §3.4),
//! which knows old tags, and the scripts in which languages are written.

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
    tags: impl Iterator<Item = &'t str> + Clone,
) -> Option<usize> {
    let mut found = None;
    let mut next = Some(range);
    while let (Some(tag), None) = (next, found) {
        let is_variant = |other| {
            let is_of_language = primary(other).eq_ignore_ascii_case(primary(tag));
            is_of_language && !tag.contains('-')
        };
        found = tags
            .clone()
            .position(|other| is_same(other, tag))
            .or_else(|| tags.clone().position(is_variant));
        next = broader(tag);
    }
    found
}

/// Old subtags of languages, and those that replace them in the registry of BCP 47. `no` and `cmn` are not
/// old, but what is written as Norwegian is Bokmål unless it says that it is not, and Mandarin is Chinese
/// (language aliases of Unicode CLDR).
const REPLACED: [(&str, &str); 7] = [
    ("cmn", "zh"),
    ("in", "id"),
    ("iw", "he"),
    ("ji", "yi"),
    ("jw", "jv"),
    ("mo", "ro"),
    ("no", "nb"),
];
/// Tags whose next broader tag is not a part of them: likely subtags, aliases and parent locales of Unicode
/// CLDR. Chinese of any other region is in simplified characters.
const PARENTS: [(&str, &str); 6] = [
    ("nn", "no"),
    ("sh", "sr-Latn"),
    ("sr-ME", "sr-Latn"),
    ("zh-HK", "zh-Hant"),
    ("zh-MO", "zh-Hant"),
    ("zh-TW", "zh-Hant"),
];
/// Tags that nothing is broader than: their readers may not be able to read the script in which the language
/// is written usually (parent locales of Unicode CLDR, those whose parent is `root`).
const ALONE: [&str; 43] = [
    "az-Arab", "az-Cyrl", "bal-Latn", "blt-Latn", "bm-Nkoo", "bs-Cyrl", "byn-Latn", "cu-Glag",
    "dje-Arab", "dyo-Arab", "en-Dsrt", "en-Shaw", "ff-Adlm", "ff-Arab", "ha-Arab", "iu-Latn",
    "kaa-Latn", "kk-Arab", "kok-Latn", "ks-Deva", "ku-Arab", "ky-Arab", "ky-Latn", "ml-Arab",
    "mn-Mong", "mni-Mtei", "ms-Arab", "pa-Arab", "sat-Deva", "sd-Deva", "sd-Khoj", "sd-Sind",
    "so-Arab", "sr-Latn", "sw-Arab", "tg-Arab", "ug-Cyrl", "uz-Arab", "uz-Cyrl", "vai-Latn",
    "wo-Arab", "yo-Arab", "zh-Hant",
];

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

/// Returns the next broader tag: without the last subtag, or that of the script in which the language is
/// written in a region.
pub(crate) fn broader(tag: &str) -> Option<&str> {
    let is_this = |other: &str| is_same(other, tag);
    let parent = PARENTS.iter().find(|(tag, _)| is_this(tag));
    let broader = || tag.rsplit_once('-').map(|(broader, _)| broader);
    parent
        .map(|(_, parent)| *parent)
        .or_else(broader)
        .filter(|_| !ALONE.into_iter().any(is_this))
}
