//! Words that are hard to read: colours of a page's own styles that are too much alike.
//!
//! Only what the styles say by themselves is judged: a selector that sets both the colour of words
//! and a plain one behind them, with custom properties read, in the light scheme and in the dark
//! one. What an element inherits, and what lies under a picture, only a browser knows; nothing is
//! said of it, rather than something that may be wrong.

use std::collections::{BTreeMap, BTreeSet};

use lightningcss::declaration::DeclarationBlock;
use lightningcss::printer::PrinterOptions;
use lightningcss::properties::Property;
use lightningcss::rules::{CssRule, CssRuleList, Location};
use lightningcss::stylesheet::{ParserOptions, StyleSheet};
use lightningcss::traits::Parse as _;
use lightningcss::values::color::CssColor;
use tidegate_core::config::Color;

use super::{attribute, css as sheet, target, Delimiters, Page, Part, Target};
use crate::source::{finding, finding_in, position, Files, Finding, Node};

/// Contrast that words need with what is behind them (WCAG 2.2, 1.4.3, level AA), and large ones.
const TEXT: f64 = 4.5;
const LARGE_TEXT: f64 = 3.0;
/// Custom properties that name one another; more is a circle.
const MAX_DEPTH: usize = 8;

/// Where a style sheet stands.
#[derive(Debug, Clone, Copy)]
enum Origin {
    /// In the page, from this byte on.
    Page(usize),
    File(usize),
}

/// The weak colours of the page of the value `node` at `key`, with the style sheets of its source.
pub(crate) fn contrast(
    files: &mut Files,
    node: &Node,
    key: &str,
    delimiters: &Delimiters,
) -> Vec<Finding> {
    let page = Page::read(node.text().unwrap_or_default(), delimiters);
    let mut sheets = Vec::new();
    let mut is_dark_too = false;
    for (number, part) in page.parts.iter().enumerate() {
        let Part::Start {
            name, attributes, ..
        } = part
        else {
            continue;
        };
        let value = |name| attribute(attributes, name).map_or("", |found| found.value.as_str());
        match name.as_str() {
            "meta" if value("name").eq_ignore_ascii_case("color-scheme") => {
                is_dark_too |= value("content").contains("dark");
            }
            "style" => {
                let (content, _) = page.content(number);
                let text = page.covered.get(content.clone()).unwrap_or_default();
                sheets.push((Origin::Page(content.start), text.to_owned()));
            }
            "link" if value("rel").eq_ignore_ascii_case("stylesheet") => {
                collect(files, node.mark.file, value("href"), &mut sheets, 0);
            }
            _ => {}
        }
    }
    let texts: Vec<&str> = sheets.iter().map(|(_, text)| text.as_str()).collect();
    let weak = weak(&texts, is_dark_too).into_iter();
    let findings = weak.filter_map(|weak| {
        let (origin, text) = sheets.get(weak.sheet)?;
        let what = format!("warning: {}", weak.what);
        Some(match *origin {
            Origin::Page(from) => finding_in(files, node, key, from + weak.at, what),
            Origin::File(file) => finding(files, position(text, file, weak.at), what),
        })
    });
    findings.collect()
}

/// A style sheet of the source, behind those that it imports. One that cannot be read is for
/// `tidegate bundle` to tell.
fn collect(
    files: &mut Files,
    from: usize,
    address: &str,
    sheets: &mut Vec<(Origin, String)>,
    depth: usize,
) {
    let Target::File(path) = target(address) else {
        return;
    };
    let Some(file) = files.open(from, &path).ok().filter(|_| depth < MAX_DEPTH) else {
        return;
    };
    let Ok(text) = files.text(file).map(str::to_owned) else {
        return;
    };
    for reference in sheet::references(&text) {
        if reference
            .import
            .is_some_and(|condition| condition.is_empty())
        {
            collect(files, file, &reference.target, sheets, depth + 1);
        }
    }
    sheets.push((Origin::File(file), text));
}

/// Two colours that are too much alike.
#[derive(Debug, PartialEq)]
pub(super) struct Weak {
    /// Number of the style sheet, and where in it the rule stands.
    pub(super) sheet: usize,
    pub(super) at: usize,
    pub(super) what: String,
}

/// A scheme of colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Scheme {
    Light,
    Dark,
}

/// Everything that is too weak in the style sheets of a page, in their order. `is_dark_too`: the page
/// says that it has a dark scheme.
pub(super) fn weak(sheets: &[&str], is_dark_too: bool) -> Vec<Weak> {
    let mut styles = Styles {
        is_dark_too,
        ..Styles::default()
    };
    for (number, text) in sheets.iter().enumerate() {
        if let Ok(sheet) = StyleSheet::parse(text, ParserOptions::default()) {
            let place = Place {
                sheet: number,
                text,
                schemes: &[Scheme::Light, Scheme::Dark],
            };
            styles.read(&sheet.rules, place, "");
        }
    }
    styles.weak()
}

/// Where rules stand.
#[derive(Debug, Clone, Copy)]
struct Place<'p> {
    sheet: usize,
    text: &'p str,
    /// For which they hold.
    schemes: &'p [Scheme],
}

/// What rules say of one selector in one scheme.
#[derive(Debug, Clone, Default)]
struct Look {
    color: Option<String>,
    back: Option<String>,
    may_be_large: bool,
    /// Something makes other colours of these.
    is_changed: bool,
    at: (usize, usize),
}

#[derive(Debug, Default)]
struct Styles {
    is_dark_too: bool,
    /// Custom properties of the whole page.
    properties: BTreeMap<(Scheme, String), String>,
    /// Custom properties that some part of the page has for itself.
    parts: BTreeSet<String>,
    looks: BTreeMap<(String, Scheme), Look>,
}

fn css(value: &impl lightningcss::traits::ToCss) -> String {
    let options = PrinterOptions {
        minify: true,
        ..PrinterOptions::default()
    };
    value.to_css_string(options).unwrap_or_default()
}

impl Styles {
    fn read(&mut self, rules: &CssRuleList<'_>, place: Place<'_>, around: &str) {
        for rule in &rules.0 {
            match rule {
                CssRule::Style(rule) => {
                    let at = offset(place.text, rule.loc);
                    for selector in &rule.selectors.0 {
                        let selector = [around, &css(selector)].concat();
                        self.declare(&selector, &rule.declarations, place, at);
                        self.read(&rule.rules, place, &[&selector, " "].concat());
                    }
                }
                CssRule::NestedDeclarations(rule) => {
                    let at = offset(place.text, rule.loc);
                    self.declare(around.trim_end(), &rule.declarations, place, at);
                }
                CssRule::Media(rule) => {
                    if let Some(schemes) = schemes(&css(&rule.query), place.schemes) {
                        self.is_dark_too |= schemes == [Scheme::Dark];
                        self.read(&rule.rules, Place { schemes, ..place }, around);
                    }
                }
                CssRule::Supports(rule) => self.read(&rule.rules, place, around),
                CssRule::LayerBlock(rule) => self.read(&rule.rules, place, around),
                _ => {}
            }
        }
    }

    fn declare(
        &mut self,
        selector: &str,
        block: &DeclarationBlock<'_>,
        place: Place<'_>,
        at: usize,
    ) {
        let is_page = matches!(selector, ":root" | "html");
        for (property, _) in block.iter() {
            let value = property.value_to_css_string(PrinterOptions::default());
            let (name, value) = (property.property_id(), value.unwrap_or_default());
            let name = name.name().to_owned();
            if name.starts_with("--") && !is_page {
                self.parts.insert(name);
                continue;
            }
            self.is_dark_too |= name == "color-scheme" && value.contains("dark");
            for &scheme in place.schemes {
                if name.starts_with("--") {
                    self.properties
                        .insert((scheme, name.clone()), value.clone());
                    continue;
                }
                let look = self.looks.entry((selector.to_owned(), scheme)).or_default();
                match name.as_str() {
                    "color" => look.color = Some(value.clone()),
                    "background-color" => look.back = Some(value.clone()),
                    "background" => look.back = plain(property).or(Some(value.clone())),
                    "font" | "font-size" => look.may_be_large |= !is_small(&value),
                    "opacity"
                    | "filter"
                    | "background-image"
                    | "background-clip"
                    | "-webkit-background-clip"
                    | "-webkit-text-fill-color"
                    | "mix-blend-mode" => {
                        look.is_changed = true;
                    }
                    _ => continue,
                }
                look.at = (place.sheet, at);
            }
        }
    }

    fn weak(&self) -> Vec<Weak> {
        let mut found: Vec<Weak> = Vec::new();
        for ((selector, scheme), look) in &self.looks {
            let is_off = look.is_changed || selector.contains("disabled");
            if is_off || (*scheme == Scheme::Dark && !self.is_dark_too) {
                continue;
            }
            let color = |value: &Option<String>| self.color(value.as_ref()?, *scheme, 0);
            let Some((words, back)) = color(&look.color).zip(color(&look.back)) else {
                continue;
            };
            let needed = match look.may_be_large || is_heading(selector) {
                true => LARGE_TEXT,
                false => TEXT,
            };
            let contrast = words.contrast(back);
            if contrast >= needed || found.iter().any(|weak| (weak.sheet, weak.at) == look.at) {
                continue;
            }
            let dark = match scheme {
                Scheme::Dark => " in the dark scheme",
                Scheme::Light => "",
            };
            found.push(Weak {
                sheet: look.at.0,
                at: look.at.1,
                what: format!(
                    "`{selector}`{dark}: {} on {} has a contrast of {:.2}:1, and text needs \
                     {needed}:1",
                    words.to_hex(),
                    back.to_hex(),
                    (contrast * 100.0).floor() / 100.0,
                ),
            });
        }
        found.sort_by_key(|weak| (weak.sheet, weak.at));
        found
    }

    /// A colour that nothing shines through; `None`: the styles alone do not tell.
    fn color(&self, value: &str, scheme: Scheme, depth: usize) -> Option<Color> {
        if let Some(name) = value
            .strip_prefix("var(")
            .and_then(|rest| rest.strip_suffix(')'))
        {
            let known = self.properties.get(&(scheme, name.trim().to_owned()));
            let known = known.filter(|_| depth < MAX_DEPTH && !self.parts.contains(name.trim()));
            return self.color(known?.trim(), scheme, depth + 1);
        }
        let color = match CssColor::parse_string(value).ok()? {
            CssColor::LightDark(light, dark) => match scheme {
                Scheme::Light => *light,
                Scheme::Dark => *dark,
            },
            color => color,
        };
        match color.to_rgb().ok()? {
            CssColor::RGBA(rgb) if rgb.alpha == u8::MAX => Some(Color {
                r: rgb.red,
                g: rgb.green,
                b: rgb.blue,
            }),
            _ => None,
        }
    }
}

/// The colour of a background that is nothing else.
fn plain(property: &Property<'_>) -> Option<String> {
    let Property::Background(layers) = property else {
        return None;
    };
    let [layer] = &layers[..] else {
        return None;
    };
    let is_plain = css(&layer.image) == "none";
    is_plain.then(|| css(&layer.color))
}

/// The schemes for which a media query lets rules hold, of those around it; `None`: not on an
/// ordinary screen, or not for sure.
fn schemes<'s>(query: &str, around: &'s [Scheme]) -> Option<&'s [Scheme]> {
    const DARK: &str = "(prefers-color-scheme:dark)";
    const LIGHT: &str = "(prefers-color-scheme:light)";
    const HARMLESS: [&str; 8] = [
        "width",
        "height",
        "min-",
        "max-",
        "orientation",
        "hover",
        "pointer",
        "prefers-reduced-motion",
    ];
    let mut schemes = around;
    for part in query.split(" and ") {
        let only = |wanted: Scheme| {
            let at = around.iter().position(|scheme| *scheme == wanted)?;
            around.get(at..=at)
        };
        match part {
            "screen" | "all" | "only screen" => {}
            DARK => schemes = only(Scheme::Dark)?,
            LIGHT => schemes = only(Scheme::Light)?,
            _ => {
                let feature = part.strip_prefix('(')?.strip_suffix(')')?;
                let is_harmless = HARMLESS.iter().any(|name| feature.starts_with(name));
                if !is_harmless || part.contains(['(', ',']) && part.matches('(').count() > 1 {
                    return None;
                }
            }
        }
    }
    Some(schemes)
}

/// Whether a size of letters is for sure not what WCAG calls large: 24 px, or bold and 18.66 px.
fn is_small(size: &str) -> bool {
    let number = |unit: &str, least: f64| {
        let size = size.strip_suffix(unit)?.parse::<f64>().ok()?;
        Some(size < least)
    };
    number("rem", 1.16)
        .or_else(|| number("px", 18.6))
        .or_else(|| number("em", 1.0))
        .unwrap_or(false)
}

/// Whether what a selector is for may be large without saying so.
fn is_heading(selector: &str) -> bool {
    let last = selector
        .rsplit([' ', '>', '+', '~'])
        .next()
        .unwrap_or_default();
    let name: String = last
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect();
    matches!(name.as_str(), "h1" | "h2" | "h3")
}

/// The byte at which a rule stands.
fn offset(text: &str, at: Location) -> usize {
    let line = usize::try_from(at.line).unwrap_or(usize::MAX);
    let column = usize::try_from(at.column.saturating_sub(1)).unwrap_or(usize::MAX);
    let mut lines = text.split_inclusive('\n');
    let before: usize = lines.by_ref().take(line).map(str::len).sum();
    let rest = lines.next().unwrap_or_default();
    let mut units = 0;
    let here = rest.char_indices().find(|(_, character)| {
        let is_here = units >= column;
        units += character.len_utf16();
        is_here
    });
    before + here.map_or(rest.trim_end().len(), |(at, _)| at)
}
