//! What holds for any template and whatever strangers write.

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::html;
use super::*;

/// Pieces from which templates are made, most of them right.
fn piece() -> impl Strategy<Value = String> {
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
    fn nothing_makes_it_panic(pieces in vec(piece(), 0..25)) {
        let source = pieces.concat();
        for syntax in [Syntax::Html, Syntax::Text, Syntax::Json] {
            let errors = Env::of(&config()).check(syntax, &source);
            if errors.is_empty() {
                run(&config(), syntax, &source, &shown());
            }
        }
    }

    /// Whatever a template is like that is accepted, a stranger's bytes change nothing of how the
    /// document is read: no tag, attribute or element begins or ends with them.
    #[test]
    fn strangers_change_no_structure(
        pieces in vec(piece(), 0..25),
        hostile in "(\\PC|[<>\"'&=/:# \\x00-\\x1f`]|javascript:|-->|</script>|\\{\\{title}}){0,12}",
    ) {
        let source = pieces.concat();
        let config = config();
        if Env::of(&config).check(Syntax::Html, &source).is_empty() {
            let at = |text: &str| {
                let shown = Shown {
                    host: Some(["x", text].concat()),
                    path: Some(["x", text].concat()),
                    ..shown()
                };
                run(&config, Syntax::Html, &source, &shown).0
            };
            prop_assert_eq!(structure(&at(&hostile)), structure(&at("")), "{}", source);
        }
    }
}

/// The places through which a document leads, runs of one place taken together, and with the names
/// of elements and attributes.
fn structure(html: &str) -> Vec<String> {
    let mut reader = html::Html::new();
    let mut places: Vec<String> = Vec::new();
    let mut before = None;
    for byte in html.bytes() {
        reader.feed(byte);
        let kind = match reader.place {
            html::Place::Value(quote, html::Attribute::Link(_)) => format!("link {quote}"),
            html::Place::Comment(_) => "comment".to_owned(),
            place => format!("{place:?}"),
        };
        let is_name = kind.contains("Name");
        if is_name {
            places.push(format!("{kind} {}", char::from(byte)));
        } else if before.as_ref() != Some(&kind) {
            places.push(kind.clone());
        }
        before = Some(kind);
    }
    places
}
