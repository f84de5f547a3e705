//! What holds for any template and any client input.

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::attribute::Attribute;
use super::super::html::{State, Tokenizer};
use super::*;

/// Pieces of templates, most of them valid.
pub(super) fn piece() -> impl Strategy<Value = String> {
    proptest::sample::select(
        &[
            "{{title}}",
            "{{path}}",
            "{{host}}",
            "{{#if path}}",
            "{{else}}",
            "{{/if}}",
            "{{#each links}}",
            "{{label}}",
            "{{url}}",
            "{{/each}}",
            "{{{vars.markup}}}",
            "{{vars.phone}}",
            "{{! x }}",
            "{{",
            "}}",
            "<p>",
            "</p>",
            "<a href=\"",
            "<a href='/",
            "<p title=\"",
            "\"",
            "'",
            ">",
            "<!--",
            "-->",
            "<script>",
            "</script>",
            "<style>",
            "</style>",
            "<title>",
            "</title>",
            " x=",
            "a",
            ":",
            "?",
            "&",
            "\n",
            "<",
            "é",
        ][..],
    )
    .prop_map(str::to_owned)
}

proptest! {
    #[test]
    fn no_template_makes_the_engine_panic(pieces in vec(piece(), 0..25)) {
        let source = pieces.concat();
        for syntax in [Syntax::Html, Syntax::Text, Syntax::Json] {
            if refused(syntax, &source).is_empty() {
                rendered(syntax, &source);
            }
        }
    }

    /// In any template that is accepted, client input does not change how the document is read: no tag,
    /// attribute or element begins or ends with it.
    #[test]
    fn client_input_does_not_change_the_structure(
        pieces in vec(piece(), 0..25),
        hostile in "(\\PC|[<>\"'&=/:# \\x00-\\x1f`]|javascript:|-->|</script>|\\{\\{title}}){0,12}",
    ) {
        let source = pieces.concat();
        if refused(Syntax::Html, &source).is_empty() {
            let at = |text: &str| {
                let text = format!("x{text}");
                let mut environment = environment();
                environment.set("host", Value::Text(&text));
                environment.set("path", Value::Text(&text));
                environment.render(Syntax::Html, &source).0
            };
            prop_assert_eq!(structure(&at(&hostile)), structure(&at("")), "{}", source);
        }
    }
}

/// Returns the states that the tokenizer passes through, each run of one state once, and the names of
/// elements and attributes.
fn structure(html: &str) -> Vec<String> {
    let mut tokenizer = Tokenizer::new();
    let mut states: Vec<String> = Vec::new();
    let mut before = None;
    for byte in html.bytes() {
        tokenizer.feed(byte);
        let state = match tokenizer.state {
            State::Value(quote, Attribute::Link(_)) => format!("link {quote}"),
            State::Comment(_) => "comment".to_owned(),
            state => format!("{state:?}"),
        };
        let is_name = state.contains("Name");
        if is_name {
            states.push(format!("{state} {}", char::from(byte)));
        } else if before.as_ref() != Some(&state) {
            states.push(state.clone());
        }
        before = Some(state);
    }
    states
}
