//! Which language a page speaks: that of the client by RFC 4647 §3.4 (lookup), else the configured
//! one.

use super::locales;
use super::words::Pairs;
use crate::config::Locales;
use crate::headers::{trim, HeaderBlock};
use crate::negotiate::parse_weight;
use crate::prelude::*;
use crate::text::split_once;

/// Languages that are written from right to left, for those that are not built in.
const RIGHT_TO_LEFT: &[&str] = &["ar", "he", "fa", "ur", "ps", "sd", "ug", "yi", "dv", "ckb"];

/// One of the languages of a configuration; the default one: the configured default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LanguageId(Option<usize>);

/// A language that pages can speak.
#[derive(Debug)]
pub(super) struct Language {
    /// Language tag.
    pub(super) tag: String,
    /// Direction of writing: `ltr` or `rtl`.
    pub(super) dir: &'static str,
    /// Where its words are looked up, one place after the other.
    places: Vec<Place>,
}

/// Where words stand.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// Number in [`Languages::built_in`].
    BuiltIn(usize),
    /// Number in [`Languages::own`].
    Own(usize),
}

/// Every language of a configuration.
#[derive(Debug)]
pub(super) struct Languages {
    all: Vec<Language>,
    /// Where the keys and texts of each built-in language stand: to search them anew for each word
    /// would be most of the work of a page.
    built_in: Vec<Vec<(&'static str, &'static str)>>,
    /// What the operator says, by language.
    own: Vec<(String, Vec<(String, String)>)>,
    default: usize,
}

impl Languages {
    /// The built-in languages, and those of the operator.
    pub(super) fn new(config: &Locales) -> Self {
        let own = config.strings.clone();
        let mut all: Vec<Language> = Vec::new();
        let built_in = locales::ALL.iter().map(|locale| locale.tag);
        for tag in built_in.chain(own.iter().map(|(tag, _)| tag.as_str())) {
            if position(&all, tag).is_none() {
                all.push(Language::new(tag, &config.default, &own));
            }
        }
        let default = lookup(&all, config.default.as_bytes()).unwrap_or(0);
        let mut built_in = Vec::new();
        for locale in locales::ALL {
            let mut strings = Vec::new();
            for pair in locale.strings() {
                strings.push(pair);
            }
            built_in.push(strings);
        }
        Self {
            all,
            built_in,
            own,
            default,
        }
    }

    /// The language with this number.
    pub(super) fn get(&self, id: LanguageId) -> Option<&Language> {
        self.all.get(id.0.unwrap_or(self.default))
    }

    /// Tags, the order being that of the numbers.
    pub(super) fn tags(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|language| language.tag.as_str())
    }

    /// The language for a tag; where there is none, that of the default.
    pub(super) fn of_tag(&self, tag: &[u8]) -> LanguageId {
        LanguageId(lookup(&self.all, tag))
    }

    /// The language that a request asks for: that of the range with the greatest weight for which
    /// there is one, of equals the first (RFC 9110 §12.5.4).
    pub(super) fn of_request(&self, request: &HeaderBlock) -> LanguageId {
        let mut best = (0, None);
        for value in request.get_all("accept-language") {
            for range in value.split(|&b| b == b',') {
                let mut parts = range.split(|&b| b == b';').map(trim);
                let tag = parts.next().unwrap_or_default();
                let weight = match parts.next() {
                    None => 1000,
                    Some([b'q' | b'Q', b'=', weight @ ..]) => parse_weight(weight).unwrap_or(0),
                    Some(_) => 0,
                };
                if weight > best.0 {
                    if let Some(found) = lookup(&self.all, tag) {
                        best = (weight, Some(found));
                    }
                }
            }
        }
        LanguageId(best.1)
    }

    /// The words of a language, those that win first.
    pub(super) fn words<'a>(&'a self, language: &'a Language, at: usize) -> Option<Pairs<'a>> {
        Some(match language.places.get(at)? {
            Place::BuiltIn(number) => Pairs::BuiltIn(self.built_in.get(*number)?),
            Place::Own(number) => Pairs::Own(&self.own.get(*number)?.1),
        })
    }
}

impl Language {
    /// A language says what it says itself (the operator first); what it does not, a broader one of
    /// its own kind says (`pt` for `pt-BR`), then the default language, then English.
    fn new(tag: &str, default: &str, own: &[(String, Vec<(String, String)>)]) -> Self {
        let mut places = Vec::new();
        let mut dir = None;
        for (start, is_itself) in [(tag, true), (default, false), ("en", false)] {
            let mut rest = Some(start);
            while let Some(tag) = rest {
                let is_this = |other: &str| other.eq_ignore_ascii_case(tag);
                if let Some(number) = own.iter().position(|(other, _)| is_this(other)) {
                    places.push(Place::Own(number));
                    let strings = own.get(number).map(|(_, strings)| strings.as_slice());
                    let said = Pairs::Own(strings.unwrap_or_default()).find("dir", "");
                    dir = dir.or(said.filter(|_| is_itself).map(direction));
                }
                for (number, locale) in locales::ALL.iter().enumerate() {
                    if is_this(locale.tag) {
                        places.push(Place::BuiltIn(number));
                        dir = dir.or(Some(locale.dir).filter(|_| is_itself));
                    }
                }
                rest = broader(tag);
            }
        }
        let is_rtl = |other: &&str| other.eq_ignore_ascii_case(primary(tag));
        let guess = if RIGHT_TO_LEFT.iter().any(is_rtl) {
            "rtl"
        } else {
            "ltr"
        };
        Self {
            tag: tag.to_owned(),
            dir: dir.unwrap_or(guess),
            places,
        }
    }
}

fn direction(text: &str) -> &'static str {
    match text {
        "rtl" => "rtl",
        _ => "ltr",
    }
}

/// Whether there is a language for `tag`, built in or among `own`.
pub(crate) fn is_spoken<'a>(tag: &str, own: impl Iterator<Item = &'a str>) -> bool {
    let built_in = locales::ALL.iter().map(|locale| locale.tag);
    let all = built_in.chain(own).map(|tag| Language {
        tag: tag.to_owned(),
        dir: "",
        places: Vec::new(),
    });
    lookup(&all.collect::<Vec<_>>(), tag.as_bytes()).is_some()
}

fn position(all: &[Language], tag: &str) -> Option<usize> {
    all.iter()
        .position(|language| language.tag.eq_ignore_ascii_case(tag))
}

/// RFC 4647 §3.4: the range itself, then what is left when parts are dropped from its end, a single
/// letter together with what followed it. Beyond that, a language of which there are only kinds
/// (`zh-Hant`) is served by the first of them: nearer than another language.
fn lookup(all: &[Language], range: &[u8]) -> Option<usize> {
    let mut tag = core::str::from_utf8(range).ok()?;
    loop {
        if let Some(found) = position(all, tag) {
            return Some(found);
        }
        let Some(broader) = broader(tag) else {
            return all.iter().position(|language| {
                let kind = primary(&language.tag);
                kind.eq_ignore_ascii_case(tag)
            });
        };
        tag = broader;
    }
}

/// The first part of a tag.
fn primary(tag: &str) -> &str {
    split_once(tag, "-").map_or(tag, |(first, _)| first)
}

/// A tag without its last part.
fn broader(tag: &str) -> Option<&str> {
    tag.get(..tag.bytes().rposition(|byte| byte == b'-')?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn languages(default: &str, tags: &[&str]) -> Languages {
        Languages::new(&Locales {
            default: default.to_owned(),
            strings: tags
                .iter()
                .map(|tag| ((*tag).to_owned(), Vec::new()))
                .collect(),
        })
    }

    fn chosen(languages: &Languages, accept: &[&str]) -> String {
        let pairs: Vec<_> = accept
            .iter()
            .map(|value| ("accept-language", *value))
            .collect();
        let id = languages.of_request(&HeaderBlock::from_pairs(&pairs));
        languages.get(id).unwrap().tag.clone()
    }

    #[test]
    fn the_language_is_looked_up() {
        // Tags that no built-in language will ever have.
        let languages = languages("qaa", &["qaa", "qab", "qac-Latn", "qac-Latn-x-a", "qad-BR"]);
        for (accept, expected) in [
            (&[][..], "qaa"),
            (&[""], "qaa"),
            (&["*"], "qaa"),
            (&["xx"], "qaa"),
            (&["qab"], "qab"),
            (&["QAB"], "qab"),
            (&["qab-XX"], "qab"),
            (&["qab-XX-x-private"], "qab"),
            (&["xx, qab;q=0.1"], "qab"),
            (&["qaa;q=0.5, qab;q=0.8"], "qab"),
            (&["qaa;q=0.8, qab;q=0.5"], "qaa"),
            (&["qab, qaa"], "qab"),
            (&["qab;q=0"], "qaa"),
            (&["qab;q=2"], "qaa"),
            (&["qab;q=nothing"], "qaa"),
            (&["qab ; q=0.3 , qac-Latn; q=0.4"], "qac-Latn"),
            (&["xx", "qab"], "qab"),
            (&["qac-Latn-x-a-b"], "qac-Latn-x-a"),
            (&["qac-Latn-XX"], "qac-Latn"),
            // Only kinds of it are there.
            (&["qad"], "qad-BR"),
            (&["qad-PT"], "qad-BR"),
            (&["qac"], "qac-Latn"),
            (&["\u{e9}, qab"], "qab"),
        ] {
            assert_eq!(chosen(&languages, accept), expected, "{accept:?}");
        }
    }

    #[test]
    fn the_direction_is_that_of_the_language() {
        let said = vec![("dir".to_owned(), "rtl".to_owned())];
        let languages = Languages::new(&Locales {
            default: "en".to_owned(),
            strings: vec![
                ("qaa".to_owned(), said),
                ("qaa-XX".to_owned(), Vec::new()),
                ("ckb".to_owned(), Vec::new()),
                ("qab".to_owned(), Vec::new()),
            ],
        });
        for (tag, dir) in [
            ("en", "ltr"),
            ("qaa", "rtl"),
            ("qaa-XX", "rtl"),
            ("ckb", "rtl"),
            ("qab", "ltr"),
        ] {
            let language = languages.get(languages.of_tag(tag.as_bytes())).unwrap();
            assert_eq!((language.tag.as_str(), language.dir), (tag, dir));
        }
    }

    #[test]
    fn every_built_in_language_is_found_by_its_tag() {
        let languages = languages("en", &[]);
        for locale in locales::ALL {
            assert_eq!(chosen(&languages, &[locale.tag]), locale.tag);
        }
        assert!(is_spoken("en-GB", std::iter::empty()));
        assert!(!is_spoken("qaa", std::iter::empty()));
        assert!(is_spoken("qaa", ["qaa"].into_iter()));
    }
}
