//! Replaces references `{ "file": "…" }` by the content of the file.

use base64::engine::general_purpose::STANDARD;
use base64::Engine as _;
use tidegate_core::config::Config;

use super::{finding, read_document, Files, Findings, Mark, Node, Value, NOT_UTF8};
use crate::markup::{media_type, plain_svg};

/// Where references are allowed, for the error about one elsewhere.
pub(super) const ALLOWED: &str =
    "its content; files are allowed for `html` and `text` of a template, `brand.logo`, `vars` and \
     tables of strings";

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

/// Returns the document with the content of the files that it refers to.
pub(super) fn expand(files: &mut Files, document: &Node) -> Result<Node, Findings> {
    let mut expander = Expander {
        files,
        findings: Findings::default(),
        open: Vec::new(),
    };
    let expanded = expander.node(document, &mut Vec::new());
    match expander.findings.list.is_empty() {
        true => Ok(expanded),
        false => Err(expander.findings),
    }
}

struct Expander<'f> {
    files: &'f mut Files,
    findings: Findings,
    /// The documents that are being expanded, outermost first.
    open: Vec<usize>,
}

impl Expander<'_> {
    fn node<'n>(&mut self, node: &'n Node, path: &mut Vec<&'n str>) -> Node {
        if let (Some(expected), Some((file, mark))) = (expected(path), node.file_reference()) {
            return self
                .content(expected, file, mark, path)
                .unwrap_or_else(|| node.clone());
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
        self.findings.list.push(finding);
    }

    fn content(
        &mut self,
        expected: Expected,
        reference: &str,
        mark: Mark,
        path: &[&str],
    ) -> Option<Node> {
        let file = match self.files.open(mark.file, reference) {
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
            Ok(text) => Some(text.to_owned()),
            Err(mark) => {
                self.refuse(mark, NOT_UTF8);
                None
            }
        }
    }

    /// Returns an SVG as markup if the filter accepts it, so that it can use the text color of the
    /// page; otherwise returns a data URI.
    fn logo(&mut self, file: usize, mark: Mark) -> Option<Node> {
        let extension = self.files.extension(file);
        if extension == "svg" {
            let svg = plain_svg(&self.text(file)?);
            if is_inline_logo(&svg) {
                return Some(Node {
                    mark: Mark::start(file),
                    value: Value::Text(svg, false),
                });
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
        let uri = format!(
            "data:{kind};base64,{}",
            STANDARD.encode(self.files.bytes(file))
        );
        Some(Node {
            mark: Mark::start(file),
            value: Value::Text(uri, false),
        })
    }

    fn table(&mut self, file: usize, mark: Mark, path: &[&str]) -> Option<Node> {
        if self.open.contains(&file) || file == 0 {
            let name = self.files.name(file).to_owned();
            self.refuse(mark, format!("{name} refers to itself"));
            return None;
        }
        let document = match read_document(self.files, file) {
            Ok(document) => document,
            Err(findings) => {
                self.findings.list.extend(findings.list);
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

fn expected(path: &[&str]) -> Option<Expected> {
    match path {
        ["templates", _, "html" | "text"] | ["vars", _] => Some(Expected::Text),
        ["brand", "logo"] => Some(Expected::Logo),
        ["locales", "strings", _] | ["pages", "[]", "strings"] => Some(Expected::Table),
        _ => None,
    }
}
