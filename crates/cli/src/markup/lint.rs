//! Warns of what a page may contain but should not: what its policy blocks, what loads from a
//! failing site, what is not accessible.

use std::ops::Range;

use super::fetch::{name as element, Fetch};
use super::handlers::is_handler;
use super::references::{choices, is, is_paint, references, Load};
use super::{attribute, css, imports, target, Attribute, Delimiters, Page, Part, Target};

/// A warning at a byte of the page.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Lint {
    pub(crate) at: usize,
    pub(crate) what: String,
}

/// How a page is served.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Serving {
    /// Whether the filter serves it with a policy (`security.csp` is `auto`).
    pub(crate) has_policy: bool,
    /// Whether the filter gets it without a bundle.
    pub(crate) as_it_is: bool,
}

/// Returns all warnings for a page.
pub(crate) fn lint(html: &str, delimiters: &Delimiters, serving: Serving) -> Vec<Lint> {
    let page = Page::read(html, delimiters);
    let mut linter = Linter {
        serving,
        has_policy: serving.has_policy,
        lints: Vec::new(),
    };
    linter.whole(&page);
    let mut foreign = Foreign::default();
    for (number, part) in page.parts.iter().enumerate() {
        foreign.read(part);
        if let Part::Start {
            name,
            attributes,
            at,
            ..
        } = part
        {
            linter.part(name, attributes, at);
            if name == "style" || name == "script" {
                let (content, _) = page.content(number);
                linter.block(&page, name, attributes, content, foreign.is_inside());
            }
        }
    }
    linter.lints.sort_by_key(|lint| lint.at);
    linter.lints
}

/// Whether a part of a page is inside a drawing, where browsers read styles and scripts as markup.
#[derive(Debug, Default)]
struct Foreign<'p>(Vec<&'p str>);

impl<'p> Foreign<'p> {
    fn read(&mut self, part: &'p Part) {
        let is_boundary = |name: &str| matches!(name, "svg" | "math" | "foreignobject" | "desc");
        match part {
            Part::Start {
                name, is_closed, ..
            } if is_boundary(name) && !is_closed => self.0.push(name),
            Part::End { name, .. } if self.0.last() == Some(&name.as_str()) => {
                self.0.pop();
            }
            _ => {}
        }
    }

    fn is_inside(&self) -> bool {
        matches!(self.0.last(), Some(&("svg" | "math")))
    }
}

struct Linter {
    serving: Serving,
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
        let begin = page.source.trim_start();
        if begin.starts_with("HTTP/") {
            self.add(
                page.source.len() - begin.len(),
                "begins with an HTTP status line, which visitors would read, as in an `errorfile` of \
                 HAProxy; delete everything before the page",
            );
        }
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
            self.attribute(name, attribute);
        }
        for (attribute, load) in references(name, attributes) {
            self.load(name, attribute, load);
        }
        match name {
            "meta" if is(attributes, "http-equiv", "refresh") => self.add(
                at.start,
                "a page that reloads by itself is not accessible (WCAG 2.2.1, failure F41) \
                 and repeats a POST; {{{retry}}} waits, asks first and can be stopped",
            ),
            "meta" if is(attributes, "http-equiv", "content-security-policy") => self.add(
                at.start,
                "this policy applies beside that of the filter, and blocks the page's own styles and \
                 scripts unless it allows them; remove it",
            ),
            "img" if attribute(attributes, "alt").is_none() => {
                let img = element(name, attribute(attributes, "src"));
                let what = format!("{img} has no `alt`; use alt=\"\" for a decorative picture");
                self.add(at.start, what);
            }
            "base" if self.has_policy && attribute(attributes, "href").is_some() => {
                self.add(at.start, "<base> is blocked by the page's policy");
            }
            "form" if self.has_policy && !is(attributes, "method", "dialog") => {
                let form = element(name, attribute(attributes, "action"));
                let what = format!(
                    "{form} is blocked by the page's policy, and the site that it is sent to is failing"
                );
                self.add(at.start, what);
            }
            _ => {}
        }
    }

    fn attribute(&mut self, of: &str, attribute: &Attribute) {
        let name = attribute.name.as_str();
        let at = attribute.at.start;
        if is_handler(name) && self.has_policy {
            self.add(
                at,
                format!("`{name}` of <{of}> is blocked by the page's policy; use addEventListener in a <script>"),
            );
        }
        if name == "style" && self.has_policy {
            self.add(
                at,
                format!(
                    "`style` of <{of}> is blocked by the page's policy; use a class and <style>"
                ),
            );
        }
        if has_scripts(of, name) && target(&attribute.value) == Target::Script && self.has_policy {
            let what = format!(
                "{}: a script in an address is blocked by the page's policy",
                element(of, Some(attribute))
            );
            self.add(at, what);
        }
        if is_paint(attribute) && !attribute.is_dynamic {
            for reference in css::references(&attribute.value) {
                let load = Load::Stays("put the drawing into the page as <svg>");
                self.fetch(
                    at,
                    &Fetch::of_attribute(of, attribute, &reference.target, load),
                );
            }
        }
    }

    /// Checks what an attribute makes the browser load.
    fn load(&mut self, of: &str, attribute: &Attribute, load: Load) {
        let at = attribute.at.start;
        if attribute.begins_with_tag {
            return;
        }
        match load {
            Load::Frame if self.has_policy => {
                let address = attribute.value.trim();
                let is_page = !address.is_empty() && !address.starts_with("about:");
                if is_page && target(address) != Target::Script {
                    let frame = element(of, Some(attribute));
                    self.add(at, format!("{frame} is blocked by the page's policy"));
                }
            }
            Load::Choices => {
                let mut fetches = choices(&attribute.value).into_iter().map(|at| {
                    let address = attribute.value.get(at).unwrap_or_default();
                    Fetch::of_attribute(of, attribute, address, load)
                });
                let Serving {
                    has_policy,
                    as_it_is,
                } = self.serving;
                // One of them is loaded.
                let what = fetches.find_map(|fetch| fetch.warning(has_policy, as_it_is));
                if let Some(what) = what {
                    self.add(at, what);
                }
            }
            _ => {
                let fetch = Fetch::of_attribute(of, attribute, &attribute.value, load);
                self.fetch(at, &fetch);
            }
        }
    }

    /// Checks the content of a style or script.
    fn block(
        &mut self,
        page: &Page<'_>,
        name: &str,
        attributes: &[Attribute],
        content: Range<usize>,
        is_foreign: bool,
    ) {
        let text = page.covered.get(content.clone()).unwrap_or_default();
        if is_foreign && self.has_policy && text.contains(['&', '<']) {
            let what = format!(
                "in a drawing, browsers read `&` and `<` of a <{name}> as markup, so the page's policy \
                 blocks it; move it out of the drawing"
            );
            self.add(content.start, what);
        }
        if name == "style" {
            for reference in css::references(text) {
                let at = content.start + reference.at.start;
                self.fetch(at, &Fetch::of_sheet(&reference, text));
            }
        } else if is_script(attributes) {
            for import in imports::imports(text) {
                let at = content.start + import.at.start;
                self.fetch(at, &Fetch::of_import(&import.target));
            }
        }
    }

    fn fetch(&mut self, at: usize, fetch: &Fetch) {
        let Serving {
            has_policy,
            as_it_is,
        } = self.serving;
        if let Some(what) = fetch.warning(has_policy, as_it_is) {
            self.add(at, what);
        }
    }
}

/// Returns whether a `<script>` with these attributes is run, rather than read by another one.
fn is_script(attributes: &[Attribute]) -> bool {
    attribute(attributes, "type").is_none_or(|kind| {
        let kind = kind.value.trim().to_ascii_lowercase();
        kind.is_empty() || kind == "module" || kind.ends_with("javascript")
    })
}

/// Returns whether a browser runs the script in an address of this attribute, when a visitor follows it or at once.
fn has_scripts(element: &str, attribute: &str) -> bool {
    matches!(
        (element, attribute),
        ("a" | "area", "href" | "xlink:href")
            | ("form", "action")
            | ("button" | "input", "formaction")
            | ("iframe" | "frame" | "embed", "src")
            | ("object", "data")
    )
}
