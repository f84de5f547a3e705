//! Language negotiation: `Accept-Language` (RFC 9110 §12.5.4) and the lookup of tags (RFC 4647 §3.4),
//! which knows old tags, and the scripts in which languages are written.

#[cfg(test)]
mod tests;

use std::cmp::Ordering;

use crate::http::accept::parse_weight;
use crate::http::headers::HeaderBlock;

/// Languages to choose from, each by its position in a list of tags.
#[derive(Debug, Default)]
pub(crate) struct Tags(Vec<Known>);

/// A tag in canonical form: its language and the other subtags, in lower case.
#[derive(Debug)]
struct Known {
    language: String,
    subtags: String,
    /// The position in the list.
    number: usize,
}

impl Known {
    /// Compares a tag with this one, in any case. It is not copied for that: every page chooses its language.
    fn cmp(&self, (language, subtags): (&str, &str)) -> Ordering {
        let of_language = cmp_lower(&self.language, language);
        of_language.then_with(|| cmp_lower(&self.subtags, subtags))
    }
}

impl Tags {
    /// Collects tags. Of several that mean the same, the first counts.
    pub(crate) fn new<'t>(tags: impl Iterator<Item = &'t str>) -> Self {
        let mut all: Vec<Known> = Vec::new();
        for (number, tag) in tags.enumerate() {
            let (language, subtags) = parts(tag);
            let place = all.binary_search_by(|known| known.cmp((language, subtags)));
            if let Err(place) = place {
                let known = Known {
                    language: language.to_ascii_lowercase(),
                    subtags: subtags.to_ascii_lowercase(),
                    number,
                };
                all.insert(place, known);
            }
        }
        Self(all)
    }

    /// Returns the language that a request prefers: that for its range with the greatest weight, and of
    /// several such ranges for the first. Ranges that match no tag do not count.
    pub(crate) fn preferred(&self, request: &HeaderBlock) -> Option<usize> {
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
                if let Some(found) = found.and_then(|range| self.lookup(range)) {
                    (best, best_weight) = (Some(found), weight);
                }
            }
        }
        best
    }

    /// Returns the language for a range: the range itself, else the next broader tag that there is. If only
    /// variants of the language exist (`pt-BR` for `pt`), the first of them is better than another language.
    pub(crate) fn lookup(&self, range: &str) -> Option<usize> {
        let own = |tag: &str| {
            let wanted = parts(tag);
            let place = self.0.binary_search_by(|known| known.cmp(wanted));
            self.0.get(place.ok()?).map(|known| known.number)
        };
        let variant = |tag: &str| {
            let language = primary(tag);
            let known = self.0.iter();
            let variants = known.filter(|known| known.language.eq_ignore_ascii_case(language));
            variants.map(|known| known.number).min()
        };
        find(range, own, variant)
    }
}

/// Returns the position of the tag for a range, as [`Tags::lookup`]. For one range, comparing it with the tags
/// is cheaper than collecting them.
pub(crate) fn lookup<'t>(
    range: &str,
    tags: impl Iterator<Item = &'t str> + Clone,
) -> Option<usize> {
    let own = |tag: &str| tags.clone().position(|other| is_same(other, tag));
    let variant = |tag: &str| {
        let is_variant = |other: &str| primary(other).eq_ignore_ascii_case(primary(tag));
        tags.clone().position(is_variant)
    };
    find(range, own, variant)
}

/// Returns what is found for a range: for it or the next broader tag itself (`own`), else, for a language
/// alone, for one of its variants.
fn find(
    range: &str,
    own: impl Fn(&str) -> Option<usize>,
    variant: impl Fn(&str) -> Option<usize>,
) -> Option<usize> {
    let mut next = Some(range);
    while let Some(tag) = next {
        let is_language = !tag.contains('-');
        let found = own(tag).or_else(|| is_language.then(|| variant(tag)).flatten());
        if found.is_some() {
            return found;
        }
        next = broader(tag);
    }
    None
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
/// Tags whose next broader tag is not a part of them, as language and subtags in canonical form: likely subtags, aliases and
/// parent locales of Unicode CLDR. Chinese of any other region is in simplified characters.
const PARENTS: [((&str, &str), &str); 6] = [
    (("nn", ""), "no"),
    (("sh", ""), "sr-Latn"),
    (("sr", "me"), "sr-Latn"),
    (("zh", "hk"), "zh-Hant"),
    (("zh", "mo"), "zh-Hant"),
    (("zh", "tw"), "zh-Hant"),
];
/// The length of a subtag for a script (RFC 5646, 2.2.3).
const SCRIPT: usize = 4;
/// Tags, in canonical form and sorted, that nothing is broader than: their readers may not be able to read the script in which the language
/// is written usually (parent locales of Unicode CLDR, those whose parent is `root`).
const ALONE: [&str; 43] = [
    "az-arab", "az-cyrl", "bal-latn", "blt-latn", "bm-nkoo", "bs-cyrl", "byn-latn", "cu-glag",
    "dje-arab", "dyo-arab", "en-dsrt", "en-shaw", "ff-adlm", "ff-arab", "ha-arab", "iu-latn",
    "kaa-latn", "kk-arab", "kok-latn", "ks-deva", "ku-arab", "ky-arab", "ky-latn", "ml-arab",
    "mn-mong", "mni-mtei", "ms-arab", "pa-arab", "sat-deva", "sd-deva", "sd-khoj", "sd-sind",
    "so-arab", "sr-latn", "sw-arab", "tg-arab", "ug-cyrl", "uz-arab", "uz-cyrl", "vai-latn",
    "wo-arab", "yo-arab", "zh-hant",
];

/// Returns the primary subtag, or that which replaced it.
pub(crate) fn primary(tag: &str) -> &str {
    parts(tag).0
}

/// Returns whether two tags mean the same language: `zh` and `zh-Hans`, `iw` and `he`.
pub(crate) fn is_same(tag: &str, other: &str) -> bool {
    are_same(parts(tag), parts(other))
}

fn are_same(
    (language, subtags): (&str, &str),
    (other_language, other_subtags): (&str, &str),
) -> bool {
    language.eq_ignore_ascii_case(other_language) && subtags.eq_ignore_ascii_case(other_subtags)
}

/// Compares a text in lower case with one in any case.
fn cmp_lower(lower: &str, other: &str) -> Ordering {
    let other = other.bytes().map(|byte| byte.to_ascii_lowercase());
    lower.bytes().cmp(other)
}

/// Returns the primary subtag, or that which replaced it, and the others.
fn parts(tag: &str) -> (&str, &str) {
    // For a few bytes, this is cheaper than `split_once`, which prepares a search in any text.
    let dash = tag.bytes().position(|byte| byte == b'-');
    let split = dash.and_then(|dash| tag.split_at_checked(dash));
    let primary = split.map_or(tag, |(primary, _)| primary);
    let mut replaced = REPLACED.iter();
    let language = replaced
        .find(|(old, _)| old.eq_ignore_ascii_case(primary))
        .map_or(primary, |(_, new)| new);
    match split {
        Some((_, others)) => (language, others.strip_prefix('-').unwrap_or_default()),
        None if language.eq_ignore_ascii_case("zh") => (language, "Hans"),
        None => (language, ""),
    }
}

/// Returns the form that all tags of the same meaning have: in lower case, with the subtag that replaced an
/// old one, and with the script of Chinese.
fn canonical(tag: &str) -> String {
    let (language, subtags) = parts(tag);
    let mut canonical = language.to_ascii_lowercase();
    if !subtags.is_empty() {
        canonical.push('-');
        canonical.push_str(subtags);
        canonical.make_ascii_lowercase();
    }
    canonical
}

/// Returns the next broader tag: without the last subtag, or that of the script in which the language is
/// written in a region.
pub(crate) fn broader(tag: &str) -> Option<&str> {
    let (language, subtags) = parts(tag);
    // Each of these has a script as its only other subtag, which few tags have.
    if subtags.len() == SCRIPT && ALONE.binary_search(&canonical(tag).as_str()).is_ok() {
        return None;
    }
    let mut parents = PARENTS.iter();
    let parent = parents.find(|(tag, _)| are_same(*tag, (language, subtags)));
    let broader = || tag.rsplit_once('-').map(|(broader, _)| broader);
    parent.map(|(_, parent)| *parent).or_else(broader)
}
