//! What the browser loads by itself, and the warning about it.

use super::css::{Kind, Reference};
use super::references::Load;
use super::{target, Attribute, Target};

/// Longer addresses are shortened in warnings, in characters.
const LONGEST: usize = 80;

/// What `tidegate bundle` does with it.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Embedded,
    /// Its address contains a tag.
    Unknown,
    /// It stays; what to do instead.
    Stays(&'static str),
    /// It is a form of a font that no browser needs.
    LeftOut(bool),
}

/// Something that the browser loads by itself.
#[derive(Debug)]
pub(super) struct Fetch {
    target: Target,
    /// What contains the address.
    what: String,
    fate: Fate,
}

impl Fetch {
    /// Returns what an attribute loads from `address`, which is its value or a part of it.
    pub(super) fn of_attribute(
        element: &str,
        attribute: &Attribute,
        address: &str,
        load: Load,
    ) -> Self {
        let fate = match load {
            Load::Stays(advice) => Fate::Stays(advice),
            Load::Frame => Fate::Stays("put its content into the page"),
            _ if attribute.is_dynamic => Fate::Unknown,
            Load::Data | Load::Choices | Load::Sheet | Load::Script => Fate::Embedded,
        };
        Self {
            target: target(address),
            what: name(element, Some(attribute)),
            fate,
        }
    }

    /// Returns what a reference of the style sheet `text` loads.
    pub(super) fn of_sheet(reference: &Reference, text: &str) -> Self {
        let what = text.get(reference.at.clone()).unwrap_or_default();
        let (fate, what) = match reference.kind {
            Kind::Obsolete => (
                Fate::LeftOut(true),
                format!("the font {:?}", reference.target),
            ),
            Kind::Redundant => (Fate::LeftOut(false), String::new()),
            Kind::Url | Kind::Import(_) => (Fate::Embedded, shortened(what)),
        };
        Self {
            target: target(&reference.target),
            what,
            fate,
        }
    }

    /// Returns what an `import` of a script loads.
    pub(super) fn of_import(address: &str) -> Self {
        Self {
            target: target(address),
            what: format!("import {address:?}"),
            fate: Fate::Stays("put the scripts into one file"),
        }
    }

    /// Returns the warning; `None` if there is nothing to warn of. `as_it_is`: the filter gets the page without a
    /// bundle.
    pub(super) fn warning(&self, has_policy: bool, as_it_is: bool) -> Option<String> {
        let what = &self.what;
        if let Fate::LeftOut(is_obsolete) = self.fate {
            return (is_obsolete && !as_it_is).then(|| {
                format!("{what} is left out, since no supported browser reads a font of this form")
            });
        }
        let is_embedded = matches!(self.fate, Fate::Embedded);
        let (from, is_file) = match self.target {
            Target::Away => ("another site", false),
            Target::Site => ("the site that is failing", false),
            Target::File(_) if as_it_is || !is_embedded => ("the site that is failing", true),
            Target::File(_) | Target::Here | Target::Script => return None,
        };
        let blocked = match has_policy {
            true => ", which the page's policy blocks",
            false => "",
        };
        let advice = match self.fate {
            Fate::Stays(advice) => advice,
            Fate::Unknown => "`tidegate bundle` embeds only files whose names contain no tags",
            _ if is_file => "`tidegate bundle` embeds the files of a source",
            _ => "add the file to the source, and `tidegate bundle` embeds it",
        };
        Some(format!(
            "{what} loads a file from {from}{blocked}; {advice}"
        ))
    }
}

/// Names an element by the attribute that a warning is about.
pub(super) fn name(element: &str, attribute: Option<&Attribute>) -> String {
    match attribute {
        Some(attribute) => {
            let value = shortened(&attribute.value);
            format!("<{element} {}=\"{value}\">", attribute.name)
        }
        None => format!("<{element}>"),
    }
}

/// Returns the beginning of a text, on one line.
fn shortened(text: &str) -> String {
    let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match one_line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", one_line.get(..end).unwrap_or_default()),
        None => one_line,
    }
}
