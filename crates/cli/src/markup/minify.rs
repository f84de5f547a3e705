//! Styles and scripts without what is superfluous in them, by crates that read them as browsers do:
//! `lightningcss` and `oxc`.
//!
//! Both read and write again, and do nothing between: what they call minifying drops a value that an
//! old browser needs beside a new one (`min-height: 100vh; min-height: 100dvh`), and a page that
//! nobody expects to see must do in every browser. What they cannot read stays as it is.

use lightningcss::printer::PrinterOptions;
use lightningcss::stylesheet::{ParserOptions, StyleSheet};
use lightningcss::targets::{Features, Targets};
use oxc_allocator::Allocator;
use oxc_codegen::{Codegen, CodegenOptions};
use oxc_parser::Parser;
use oxc_span::SourceType;

/// How a script is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    Classic,
    Module,
}

/// A style sheet, smaller if it can be read.
pub(super) fn css(css: &str) -> String {
    smaller(css, try_css(css), &["</style"])
}

/// A script, smaller if it can be read.
pub(super) fn script(script: &str, kind: Script) -> String {
    smaller(script, try_script(script, kind), &["</script", "<!--"])
}

/// What was made of `before`, unless it would end the block in which it stands.
fn smaller(before: &str, made: Option<String>, ends: &[&str]) -> String {
    let made = made.filter(|made| {
        let lower = made.to_ascii_lowercase();
        made.len() <= before.len() && !ends.iter().any(|end| lower.contains(end))
    });
    made.unwrap_or_else(|| before.to_owned())
}

fn try_css(css: &str) -> Option<String> {
    let sheet = StyleSheet::parse(css, ParserOptions::default()).ok()?;
    let printed = sheet.to_css(PrinterOptions {
        minify: true,
        // Else it writes these in their newest form.
        targets: Targets {
            include: Features::MediaQueries | Features::HexAlphaColors,
            ..Targets::default()
        },
        ..PrinterOptions::default()
    });
    Some(printed.ok()?.code)
}

fn try_script(script: &str, kind: Script) -> Option<String> {
    let arena = Allocator::default();
    let kind = match kind {
        Script::Classic => SourceType::cjs(),
        Script::Module => SourceType::mjs(),
    };
    let read = Parser::new(&arena, script, kind).parse();
    if read.panicked || !read.errors.is_empty() {
        return None;
    }
    let writer = Codegen::new().with_options(CodegenOptions::minify());
    Some(writer.build(&read.program).code)
}
