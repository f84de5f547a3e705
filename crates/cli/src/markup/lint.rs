//! Warns of what a page may contain but should not: what its policy blocks, what loads from a
//! failing site, what is not accessible.

use std::ops::Range;

use super::{attribute, css, target, Attribute, Delimiters, Page, Part, Target};

/// Longer addresses are shortened in warnings, in characters.
const LONGEST: usize = 80;

/// A warning at a byte of the page.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Lint {
    pub(crate) at: usize,
    pub(crate) what: String,
}

/// Returns all warnings for a page. `has_policy`: the filter serves it with a policy
/// (`security.csp` is `auto`).
pub(crate) fn lint(html: &str, delimiters: &Delimiters, has_policy: bool) -> Vec<Lint> {
    let page = Page::read(html, delimiters);
    let mut linter = Linter {
        has_policy,
        lints: Vec::new(),
    };
    linter.whole(&page);
    for (number, part) in page.parts.iter().enumerate() {
        if let Part::Start {
            name,
            attributes,
            at,
        } = part
        {
            linter.part(name, attributes, at);
            if name == "style" {
                let (content, _) = page.content(number);
                let text = page.covered.get(content.clone()).unwrap_or_default();
                for reference in css::references(text) {
                    let what = text.get(reference.at.clone()).unwrap_or_default();
                    let at = content.start + reference.at.start;
                    linter.fetched(&reference.target, &shortened(what), at);
                }
            }
        }
    }
    linter.lints.sort_by_key(|lint| lint.at);
    linter.lints
}

struct Linter {
    has_policy: bool,
    lints: Vec<Lint>,
}

impl Linter {
    fn add(&mut self, at: usize, what: impl Into<String>) {
        self.lints.push(Lint {
            at,
            what: what.into(),
        });
    }

    /// Checks what every page needs.
    fn whole(&mut self, page: &Page<'_>) {
        let first = |name: &str| {
            let mut parts = page.parts.iter().enumerate();
            parts.find_map(|(number, part)| part.start(name).map(|found| (number, found)))
        };
        match first("html") {
            Some((_, (attributes, at))) => {
                let lang = attribute(attributes, "lang");
                if lang.is_none_or(|lang| lang.value.trim().is_empty()) {
                    self.add(
                        at.start,
                        "no `lang`: screen readers guess the language; use lang=\"{{lang}}\" \
                         dir=\"{{dir}}\"",
                    );
                } else if attribute(attributes, "dir").is_none()
                    && lang.is_some_and(|lang| lang.is_dynamic)
                {
                    self.add(
                        at.start,
                        "no `dir`: right-to-left languages would be laid out from left to right; use \
                         dir=\"{{dir}}\"",
                    );
                }
            }
            None => self.add(
                0,
                "no <html lang>: screen readers guess the language; use <html lang=\"{{lang}}\" \
                 dir=\"{{dir}}\">",
            ),
        }
        let title = page.parts.iter().enumerate().find(|(_, part)| {
            // The first one: a drawing may have a title too, but comes later.
            part.start("title").is_some()
        });
        match title {
            Some((number, Part::Start { at, .. })) => {
                let (content, _) = page.content(number);
                if page
                    .source
                    .get(content)
                    .unwrap_or_default()
                    .trim()
                    .is_empty()
                {
                    self.add(at.start, "an empty <title>");
                }
            }
            _ => self.add(
                0,
                "no <title>: tabs, bookmarks and screen readers have no name for the page",
            ),
        }
        let has_viewport = page.parts.iter().any(|part| {
            part.start("meta").is_some_and(|(attributes, _)| {
                attribute(attributes, "name")
                    .is_some_and(|name| name.value.eq_ignore_ascii_case("viewport"))
            })
        });
        if !has_viewport {
            self.add(
                0,
                "no <meta name=\"viewport\">: phones show the page at desktop size; use \
                 content=\"width=device-width, initial-scale=1\"",
            );
        }
    }

    fn part(&mut self, name: &str, attributes: &[Attribute], at: &Range<usize>) {
        for attribute in attributes {
            self.attribute(name, attribute, attributes);
        }
        match name {
            "meta" => {
                let refresh = attribute(attributes, "http-equiv")
                    .is_some_and(|kind| kind.value.trim().eq_ignore_ascii_case("refresh"));
                if refresh {
                    self.add(
                        at.start,
                        "a page that reloads by itself is not accessible (WCAG 2.2.1, failure F41) \
                         and repeats a POST; {{{retry}}} waits, asks first and can be stopped",
                    );
                }
            }
            "img" if attribute(attributes, "alt").is_none() => {
                let img = element(name, attribute(attributes, "src"));
                let what = format!("{img} has no `alt`; use alt=\"\" for a decorative picture");
                self.add(at.start, what);
            }
            "base" => self.add(at.start, "<base> is blocked by the page's policy"),
            "iframe" | "frame" | "object" | "embed" | "applet" if self.has_policy => {
                let frame = element(name, attribute(attributes, "src"));
                self.add(at.start, format!("{frame} is blocked by the page's policy"));
            }
            "form" if self.has_policy => {
                let form = element(name, attribute(attributes, "action"));
                let what = format!(
                    "{form} is blocked by the page's policy, and the site that it is sent to is failing"
                );
                self.add(at.start, what);
            }
            _ => {}
        }
    }

    fn attribute(&mut self, of: &str, attribute: &Attribute, all: &[Attribute]) {
        let name = attribute.name.as_str();
        let at = attribute.at.start;
        if name.len() > 2 && name.starts_with("on") && name.chars().all(|c| c.is_ascii_lowercase())
        {
            if self.has_policy {
                self.add(
                    at,
                    format!("`{name}` of <{of}> is blocked by the page's policy; use addEventListener in a <script>"),
                );
            }
            return;
        }
        if name == "style" && self.has_policy {
            self.add(
                at,
                format!(
                    "`style` of <{of}> is blocked by the page's policy; use a class and <style>"
                ),
            );
        }
        if (name == "srcset" || name == "imagesrcset") && !attribute.value.trim().is_empty() {
            self.add(
                at,
                format!("`{name}` of <{of}> is not embedded; use `src` with one picture"),
            );
        }
        if !is_address(name) {
            return;
        }
        if target(&attribute.value) == Target::Script {
            let what = format!(
                "{}: a script in an address is blocked by the page's policy",
                element(of, Some(attribute))
            );
            self.add(at, what);
            return;
        }
        let rel = super::attribute(all, "rel").map_or("", |rel| rel.value.as_str());
        let is_fetched = match (of, name) {
            ("a" | "area" | "base" | "form", _) => false,
            ("link", "href") => !rel.eq_ignore_ascii_case("canonical"),
            (_, "src" | "poster" | "data" | "background") => true,
            ("image" | "use" | "feimage", _) => true,
            _ => false,
        };
        if is_fetched && !attribute.is_dynamic {
            self.fetched(&attribute.value, &element(of, Some(attribute)), at);
        }
    }

    fn loads(&mut self, at: usize, what: &str, from: &str) {
        let blocked = match self.has_policy {
            true => ", which the page's policy blocks",
            false => "",
        };
        let what = format!(
            "{what} loads a file from {from}{blocked}; add the file to the source, and `tidegate bundle` \
             embeds it"
        );
        self.add(at, what);
    }

    /// Checks an address that the browser loads by itself. `what`: what contains the address.
    fn fetched(&mut self, address: &str, what: &str, at: usize) {
        match target(address) {
            Target::Away => self.loads(at, what, "another site"),
            Target::Site => self.loads(at, what, "the site that is failing"),
            _ => {}
        }
    }
}

/// Names an element by the attribute that a warning is about.
fn element(name: &str, attribute: Option<&Attribute>) -> String {
    match attribute {
        Some(attribute) => {
            let value = shortened(&attribute.value);
            format!("<{name} {}=\"{value}\">", attribute.name)
        }
        None => format!("<{name}>"),
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

fn is_address(name: &str) -> bool {
    matches!(
        name,
        "href" | "xlink:href" | "src" | "action" | "formaction" | "poster" | "data" | "background"
    )
}
