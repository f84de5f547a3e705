//! Replaces references `{ "file": "…" }` by the content of the file.

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use tidegate_core::config::{limits, Config};

use super::{finding, read_document, Files, Finding, Mark, Node, Value};
use crate::markup::{media_type, plain_svg, with_usual_newlines, wrong_content};

/// Where references are allowed, for the error about one elsewhere.
pub(super) const ALLOWED: &str =
    "its content; files are allowed for `html` and `text` of a template, the `logo` of a brand, \
     `vars` and tables of strings";

/// What a reference is replaced by.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Expected {
    /// The text of the file.
    Text,
    /// A drawing or picture.
    Logo,
    /// An object from a YAML or JSON file.
    Table,
}

/// A document with the content of the files that it refers to.
#[derive(Debug)]
pub(super) struct Expanded {
    pub(super) document: Node,
    pub(super) findings: Vec<Finding>,
    /// The places of the references that are left, since their files cannot be used.
    pub(super) refused: Vec<Mark>,
}

/// Returns the document with the content of the files that it refers to.
pub(super) fn expand(files: &mut Files, document: &Node) -> Expanded {
    let mut expander = Expander {
        files,
        findings: Vec::new(),
        refused: Vec::new(),
        open: Vec::new(),
    };
    Expanded {
        document: expander.node(document, &mut Vec::new()),
        findings: expander.findings,
        refused: expander.refused,
    }
}

struct Expander<'f> {
    files: &'f mut Files,
    findings: Vec<Finding>,
    refused: Vec<Mark>,
    /// The documents that are being expanded, outermost first.
    open: Vec<usize>,
}

impl Expander<'_> {
    fn node<'n>(&mut self, node: &'n Node, path: &mut Vec<&'n str>) -> Node {
        if let (Some(expected), Some((file, mark))) = (expected(path), node.file_reference()) {
            let content = self.content(expected, file, mark, path);
            return content.unwrap_or_else(|| {
                self.refused.push(node.mark);
                node.clone()
            });
        }
        let value = match &node.value {
            Value::List(items) => {
                path.push("[]");
                let items = items.iter().map(|item| self.node(item, path)).collect();
                path.pop();
                Value::List(items)
            }
            Value::Map(entries) => {
                let mut out = Vec::new();
                for (key, mark, value) in entries {
                    path.push(key);
                    out.push((key.clone(), *mark, self.node(value, path)));
                    path.pop();
                }
                Value::Map(out)
            }
            other => other.clone(),
        };
        Node {
            mark: node.mark,
            value,
        }
    }

    fn refuse(&mut self, mark: Mark, what: impl Into<String>) {
        let finding = finding(self.files, mark, what);
        self.findings.push(finding);
    }

    fn content(
        &mut self,
        expected: Expected,
        reference: &str,
        mark: Mark,
        path: &[&str],
    ) -> Option<Node> {
        let limit = match expected {
            Expected::Logo => (limits::LOGO_BYTES, "a logo"),
            Expected::Text | Expected::Table => (limits::CONFIG_BYTES, "a whole configuration"),
        };
        let file = match self.files.open_as(mark.file, reference, limit) {
            Ok(file) => file,
            Err(why) => {
                self.refuse(mark, why);
                return None;
            }
        };
        match expected {
            Expected::Text => self.text(file).map(|text| whole(file, text)),
            Expected::Logo => self.logo(file, mark),
            Expected::Table => self.table(file, mark, path),
        }
    }

    fn text(&mut self, file: usize) -> Option<String> {
        match self.files.text(file) {
            Ok(text) => Some(with_usual_newlines(text)),
            Err(mark) => {
                self.refuse(mark, self.files.not_text(file));
                None
            }
        }
    }

    /// Returns an SVG as markup if the filter accepts it, so that it can use the text color of the
    /// page; otherwise returns a data URI.
    fn logo(&mut self, file: usize, mark: Mark) -> Option<Node> {
        let logo = self.logo_text(file, mark)?;
        let (found, limit) = (logo.len(), limits::LOGO_BYTES);
        if found > limit {
            let (name, bytes) = (
                self.files.name(file).to_owned(),
                self.files.bytes(file).len(),
            );
            let encoded = match logo.starts_with("data:") {
                true => format!(", which are {found} as a data: URI"),
                false => String::new(),
            };
            self.refuse(
                mark,
                format!("{name} has {bytes} bytes{encoded}; allowed: at most {limit} for a logo"),
            );
            return None;
        }
        Some(Node {
            mark: Mark::start(file),
            value: Value::Text(logo, false),
        })
    }

    fn logo_text(&mut self, file: usize, mark: Mark) -> Option<String> {
        let extension = self.files.extension(file);
        if extension == "svg" {
            let svg = plain_svg(&self.text(file)?);
            if is_inline_logo(&svg) {
                return Some(svg);
            }
        }
        let Some(kind) = media_type(&extension).filter(|kind| kind.starts_with("image/")) else {
            self.refuse(
                mark,
                format!(
                    "{:?} does not have the file name of a picture",
                    self.files.name(file).to_owned()
                ),
            );
            return None;
        };
        let bytes = self.files.bytes(file);
        if bytes.is_empty() {
            let name = self.files.name(file).to_owned();
            self.refuse(mark, format!("{name} is empty"));
            return None;
        }
        let uri = format!("data:{kind};base64,{}", STANDARD.encode(bytes));
        let name = self.files.name(file);
        let said = match wrong_content(kind, bytes) {
            Some(wrong) => Some(format!("{name} {wrong}, so browsers show no picture")),
            // A drawing with scripts, or one that loads something.
            None if extension == "svg" => Some(format!(
                "{name} stays an image, which cannot have the colour of the text around it: the drawing runs or loads something"
            )),
            None => None,
        };
        if let Some(what) = said {
            let what = format!("brand.logo: {what}");
            self.findings
                .push(finding(self.files, mark, what).into_warning());
        }
        Some(uri)
    }

    fn table(&mut self, file: usize, mark: Mark, path: &[&str]) -> Option<Node> {
        if self.open.contains(&file) || file == 0 {
            let name = self.files.name(file).to_owned();
            self.refuse(mark, format!("{name} refers to itself"));
            return None;
        }
        let document = match read_document(self.files, file) {
            Ok(document) => document,
            Err(finding) => {
                self.findings.push(finding);
                return None;
            }
        };
        self.open.push(file);
        let expanded = self.node(&document, &mut path.to_vec());
        self.open.pop();
        Some(expanded)
    }
}

/// Returns a file as one text whose lines are those of the file.
fn whole(file: usize, text: String) -> Node {
    Node {
        mark: Mark::start(file),
        value: Value::Text(text, true),
    }
}

/// Returns whether the filter accepts the drawing as markup, without anything that runs or loads.
fn is_inline_logo(svg: &str) -> bool {
    let brand = serde_json::json!({ "brand": { "logo": svg } });
    Config::from_json(brand.to_string().as_bytes()).is_ok()
}

/// Returns whether a reference to a file may replace the value at a key path.
pub(crate) fn takes_file(path: &[&str]) -> bool {
    expected(path).is_some()
}

fn expected(path: &[&str]) -> Option<Expected> {
    match path {
        ["templates", _, "html" | "text"] | ["vars", _] | ["vars", _, _] => Some(Expected::Text),
        ["brand", "logo"] | ["brands", "[]", "logo"] => Some(Expected::Logo),
        ["locales", "strings", _] | ["pages", "[]", "strings"] => Some(Expected::Table),
        _ => None,
    }
}
