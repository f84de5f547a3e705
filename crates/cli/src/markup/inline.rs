//! Embeds in a page the files that it refers to: pictures and fonts as `data:` URIs, style sheets
//! and scripts as blocks, whose hashes the filter then allows.

use std::ops::Range;

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use tidegate_core::config::limits;

use super::fetch::Fetch;
use super::references::{choices, references, Load};
use super::{
    attribute, css, fragment, imports, media_type, overlapping, target, with_usual_newlines,
    Attribute, Delimiters, Page, Target,
};
use crate::findings::Finding;
use crate::source::{finding, finding_in, position, Files, Node};

/// A page with its files embedded.
#[derive(Debug)]
pub(crate) struct Inlined {
    pub(crate) html: String,
    /// The embedded files: name and size in the page.
    pub(crate) parts: Vec<(String, usize)>,
    /// What the embedded files refer to and a visitor does not get.
    pub(crate) warnings: Vec<Finding>,
}

/// Returns the page at `key` with its files embedded. `has_policy`: the filter serves it with a policy.
///
/// # Errors
/// Everything that cannot be embedded.
pub(crate) fn inline(
    files: &mut Files,
    node: &Node,
    key: &str,
    delimiters: &Delimiters,
    has_policy: bool,
) -> Result<Inlined, Vec<Finding>> {
    let html = node.text().unwrap_or_default();
    let page = Page::read(html, delimiters);
    let mut work = Work {
        files,
        node,
        key,
        delimiters,
        has_policy,
        edits: Vec::new(),
        findings: Vec::new(),
        warnings: Vec::new(),
        parts: Vec::new(),
        open: Vec::new(),
    };
    for (number, part) in page.parts.iter().enumerate() {
        if let super::Part::Start {
            name,
            attributes,
            at,
            ..
        } = part
        {
            work.element(&page, number, name, attributes, at);
        }
    }
    if !work.findings.is_empty() {
        return Err(work.findings);
    }
    let mut out = String::with_capacity(html.len());
    let mut from = 0;
    for (at, text) in &work.edits {
        out.push_str(html.get(from..at.start).unwrap_or_default());
        out.push_str(text);
        from = at.end;
    }
    out.push_str(html.get(from..).unwrap_or_default());
    Ok(Inlined {
        html: out,
        parts: work.parts,
        warnings: work.warnings,
    })
}

struct Work<'w> {
    files: &'w mut Files,
    node: &'w Node,
    key: &'w str,
    delimiters: &'w Delimiters,
    has_policy: bool,
    /// Replacements in the order of the page.
    edits: Vec<(Range<usize>, String)>,
    findings: Vec<Finding>,
    warnings: Vec<Finding>,
    parts: Vec<(String, usize)>,
    /// Style sheets that are being embedded, outermost first.
    open: Vec<usize>,
}

/// The place of a reference: in the page or in a style sheet.
#[derive(Clone, Copy)]
enum Place<'p> {
    Page(usize),
    Sheet(usize, &'p str, usize),
}

impl Work<'_> {
    fn refuse(&mut self, place: Place<'_>, what: impl Into<String>) {
        let what = what.into();
        self.findings.push(match place {
            Place::Page(at) => finding_in(self.files, self.node, self.key, at, what),
            Place::Sheet(file, text, at) => finding(self.files, position(text, file, at), what),
        });
    }

    fn element(
        &mut self,
        page: &Page<'_>,
        number: usize,
        name: &str,
        attributes: &[Attribute],
        at: &Range<usize>,
    ) {
        for (attribute, load) in references(name, attributes) {
            match load {
                Load::Data => self.picture(attribute),
                Load::Choices => self.choices(attribute),
                Load::Sheet => self.sheet(page, attributes, at),
                Load::Script => self.script(page, number, attributes, at),
                Load::Frame | Load::Stays(_) => {}
            }
        }
        if name == "style" {
            let (content, _) = page.content(number);
            let text = page.covered.get(content.clone()).unwrap_or_default();
            for reference in css::references(text) {
                let at = content.start + reference.at.start;
                let range = at..content.start + reference.at.end;
                if !overlapping(&page.tags, &range).is_empty() {
                    continue;
                }
                let file = self.node.mark.file;
                if let Some(text) = self.of_sheet(&reference, file, Place::Page(at)) {
                    self.edits.push((range, text));
                }
            }
        }
    }

    /// Returns the file that an attribute refers to, if it is a file of the source.
    fn file_of(&mut self, attribute: Option<&Attribute>) -> Option<usize> {
        let attribute = attribute.filter(|attribute| !attribute.is_dynamic)?;
        let Target::File(path) = target(&attribute.value) else {
            return None;
        };
        self.file(self.node.mark.file, &path, Place::Page(attribute.at.start))
    }

    fn file(&mut self, from: usize, path: &str, place: Place<'_>) -> Option<usize> {
        match self.files.open(from, path) {
            Ok(file) => Some(file),
            Err(why) => {
                self.refuse(place, why);
                None
            }
        }
    }

    fn picture(&mut self, attribute: &Attribute) {
        let Some(file) = self.file_of(Some(attribute)) else {
            return;
        };
        let place = Place::Page(attribute.at.start);
        if let Some(uri) = self.data(file, &attribute.value, place) {
            self.edits
                .push((attribute.at.clone(), format!("\"{uri}\"")));
        }
    }

    /// Embeds the pictures of a `srcset`.
    fn choices(&mut self, attribute: &Attribute) {
        if attribute.is_dynamic {
            return;
        }
        let place = Place::Page(attribute.at.start);
        let (mut out, mut from) = (String::new(), 0);
        for at in choices(&attribute.value) {
            let address = attribute.value.get(at.clone()).unwrap_or_default();
            let Target::File(path) = target(address) else {
                continue;
            };
            let file = self.file(self.node.mark.file, &path, place);
            let Some(uri) = file.and_then(|file| self.data(file, address, place)) else {
                return;
            };
            out.push_str(attribute.value.get(from..at.start).unwrap_or_default());
            out.push_str(&uri);
            from = at.end;
        }
        if from > 0 {
            out.push_str(attribute.value.get(from..).unwrap_or_default());
            let out = out.replace('&', "&amp;").replace('"', "&quot;");
            self.edits
                .push((attribute.at.clone(), format!("\"{out}\"")));
        }
    }

    /// Returns a file as a `data:` URI, with the part of a drawing that its address selects.
    fn data(&mut self, file: usize, address: &str, place: Place<'_>) -> Option<String> {
        let name = self.files.name(file).to_owned();
        let Some(kind) = media_type(&self.files.extension(file)) else {
            self.refuse(
                place,
                format!(
                    "{name} does not have the file name of a picture, font, sound or film that can be \
                     embedded"
                ),
            );
            return None;
        };
        let bytes = self.files.bytes(file);
        if bytes.len() > limits::TEMPLATE_BYTES {
            let what = too_large(&name, bytes.len());
            self.refuse(place, what);
            return None;
        }
        let part = match kind {
            "image/svg+xml" => fragment(address),
            _ => "",
        };
        let uri = format!("data:{kind};base64,{}{part}", STANDARD.encode(bytes));
        self.parts.push((name, uri.len()));
        Some(uri)
    }

    /// Returns the text of a file that becomes part of the page. It must not contain template tags.
    fn text(&mut self, file: usize, place: Place<'_>, ends: &[&str]) -> Option<String> {
        let text = match self.files.text(file) {
            Ok(text) => with_usual_newlines(text),
            Err(mark) => {
                let found = finding(self.files, mark, self.files.not_text(file));
                self.findings.push(found);
                return None;
            }
        };
        if text.len() > limits::TEMPLATE_BYTES {
            let what = too_large(self.files.name(file), text.len());
            self.refuse(place, what);
            return None;
        }
        let open = self.delimiters.0.clone();
        let lower = text.to_ascii_lowercase();
        let mut found = Vec::new();
        if let Some(at) = text.find(&open) {
            found.push((
                at,
                format!(
                    "found \"{open}\", which starts a template tag; allowed: no tags in style \
                     sheets and scripts (`delimiters` selects other tags)"
                ),
            ));
        }
        for end in ends {
            let at = match *end {
                // Only together do they make the end tag a part of the script.
                "<!--" => lower.find(end).filter(|_| lower.contains("<script")),
                _ => lower.find(end),
            };
            if let Some(at) = at {
                found.push((
                    at,
                    format!("found \"{end}\", which would end the block; allowed: none"),
                ));
            }
        }
        for (at, what) in &found {
            self.refuse(Place::Sheet(file, &text, *at), what.as_str());
        }
        found.is_empty().then_some(text)
    }

    fn script(
        &mut self,
        page: &Page<'_>,
        number: usize,
        attributes: &[Attribute],
        at: &Range<usize>,
    ) {
        let source = attribute(attributes, "src");
        let Some(file) = self.file_of(source) else {
            return;
        };
        let is_module = attribute(attributes, "type")
            .is_some_and(|kind| kind.value.eq_ignore_ascii_case("module"));
        let waits = attribute(attributes, "defer").or(attribute(attributes, "async"));
        if let Some(waits) = waits.filter(|_| !is_module) {
            let what = format!(
                "`{}` has no effect on an embedded script; allowed: the script where it should run, \
                 such as at the end of the body, or type=\"module\"",
                waits.name
            );
            self.refuse(Place::Page(at.start), what);
        }
        let Some(script) = self.text(file, Place::Page(at.start), &["</script", "<!--"]) else {
            return;
        };
        for import in imports::imports(&script) {
            let fetch = Fetch::of_import(&import.target);
            self.warn(file, &script, import.at.start, &fetch);
        }
        let drop = ["src", "defer", "async", "integrity", "crossorigin"];
        let tag = tag("script", page.source, attributes, &drop);
        self.parts
            .push((self.files.name(file).to_owned(), script.len()));
        let (content, _) = page.content(number);
        self.edits
            .push((at.start..content.end, format!("{tag}\n{}\n", script.trim())));
    }

    fn sheet(&mut self, page: &Page<'_>, attributes: &[Attribute], at: &Range<usize>) {
        let Some(file) = self.file_of(attribute(attributes, "href")) else {
            return;
        };
        let Some(css) = self.whole_sheet(file, Place::Page(at.start)) else {
            return;
        };
        let drop = ["rel", "href", "type", "integrity", "crossorigin"];
        let tag = tag("style", page.source, attributes, &drop);
        self.parts
            .push((self.files.name(file).to_owned(), css.len()));
        self.edits.push((at.clone(), format!("{tag}{css}</style>")));
    }

    /// Returns a style sheet with its references embedded.
    fn whole_sheet(&mut self, file: usize, place: Place<'_>) -> Option<String> {
        if self.open.contains(&file) {
            let chain: Vec<&str> = self
                .open
                .iter()
                .map(|&file| self.files.name(file))
                .collect();
            let what = format!(
                "{} imports itself (through {})",
                self.files.name(file),
                chain.join(", ")
            );
            self.refuse(place, what);
            return None;
        }
        let text = self.text(file, place, &["</style"])?;
        self.open.push(file);
        let mut out = String::new();
        let mut from = 0;
        for reference in css::references(&text) {
            let place = Place::Sheet(file, &text, reference.at.start);
            let fetch = Fetch::of_sheet(&reference, &text);
            self.warn(file, &text, reference.at.start, &fetch);
            if let Some(content) = self.of_sheet(&reference, file, place) {
                out.push_str(text.get(from..reference.at.start).unwrap_or_default());
                out.push_str(&content);
                from = reference.at.end;
            }
        }
        out.push_str(text.get(from..).unwrap_or_default());
        self.open.pop();
        Some(out)
    }

    /// Warns of what an embedded file makes the browser load.
    fn warn(&mut self, file: usize, text: &str, at: usize, fetch: &Fetch) {
        if let Some(what) = fetch.warning(self.has_policy, false) {
            let mark = position(text, file, at);
            self.warnings
                .push(finding(self.files, mark, what).into_warning());
        }
    }

    /// Returns the replacement of a reference in a style sheet; `None` if it stays.
    fn of_sheet(
        &mut self,
        reference: &css::Reference,
        from: usize,
        place: Place<'_>,
    ) -> Option<String> {
        use css::Kind;
        if matches!(reference.kind, Kind::Obsolete | Kind::Redundant) {
            return Some(String::new());
        }
        let Target::File(path) = target(&reference.target) else {
            return None;
        };
        let file = self.file(from, &path, place)?;
        match &reference.kind {
            Kind::Import(condition) if condition.is_empty() => self.whole_sheet(file, place),
            Kind::Import(condition)
                if condition.starts_with("layer") || condition.starts_with("supports") =>
            {
                self.refuse(
                    place,
                    "found an import with `layer` or `supports`; allowed: media queries",
                );
                None
            }
            Kind::Import(condition) => {
                let sheet = self.whole_sheet(file, place)?;
                Some(format!("@media {condition}{{\n{sheet}}}"))
            }
            Kind::Url | Kind::Obsolete | Kind::Redundant => Some(format!(
                "url({})",
                self.data(file, &reference.target, place)?
            )),
        }
    }
}

/// Returns the error text for a file that is too large for a template.
fn too_large(name: &str, length: usize) -> String {
    let limit = limits::TEMPLATE_BYTES;
    format!("{name} has {length} bytes; allowed: at most {limit} for a whole template")
}

/// Returns a start tag with the attributes that are not in `drop`, unchanged.
fn tag(name: &str, source: &str, attributes: &[Attribute], drop: &[&str]) -> String {
    let mut tag = format!("<{name}");
    for attribute in attributes {
        if drop.contains(&attribute.name.as_str()) {
            continue;
        }
        tag.push(' ');
        tag.push_str(&attribute.name);
        let value = source.get(attribute.at.clone()).unwrap_or_default();
        if !value.is_empty() {
            tag.push('=');
            tag.push_str(value);
        }
    }
    tag.push('>');
    tag
}
