//! Templates in which some variables have become constants.

use proptest::collection::vec;
use proptest::prelude::*;

use super::properties::piece;
use super::*;

/// Renders a template twice: as it is, and with those variables as constants that `is_known` names. Returns both
/// pages, and the specialized template.
fn both(
    environment: &Environment<'_>,
    source: &str,
    is_known: impl Fn(&str) -> bool,
) -> (String, String, Template) {
    let template = Template::compile(environment, Syntax::Html, source).unwrap();
    let (names, values) = (template.variables(), environment.values(&template));
    let specialized = template.specialize(|number| {
        let value = values.get(number)?;
        is_known(&names[number]).then_some(value)
    });
    let left = environment.values(&specialized);
    let [mut as_is, mut as_constants] = [Output::default(), Output::default()];
    template.render(|number| values.get(number), &mut as_is);
    specialized.render(|number| left.get(number), &mut as_constants);
    (as_is.into_string(), as_constants.into_string(), specialized)
}

#[test]
fn known_values_become_text_and_known_conditions_are_decided() {
    for (source, text, operations) in [
        ("<p>{{title}}", "<p>T", 0),
        ("<p>{{title}} {{host}}.", "<p>T .", 1),
        (
            "<p title='{{t.own.hello}}'>",
            "<p title='Hello &amp; {{title}}'>",
            0,
        ),
        ("{{#if title}}a{{else}}b{{/if}}c", "ac", 0),
        ("{{#if tripped_by}}a{{else}}b{{/if}}c", "bc", 0),
        ("{{#if tripped_by}}{{host}}{{else}}{{title}}{{/if}}", "T", 0),
        (
            "{{#if host}}{{title}}{{else}}{{status}}{{/if}}.",
            "T502.",
            2,
        ),
        (
            "{{#if title}}{{#if host}}a{{/if}}b{{else}}c{{/if}}",
            "ab",
            1,
        ),
        (
            "{{#if host}}a{{#if title}}b{{else}}c{{/if}}{{/if}}d",
            "abd",
            1,
        ),
        (
            "{{#if host}}a{{#if title}}b{{else}}{{/if}}{{/if}}d",
            "abd",
            // A jump from a place to itself.
            2,
        ),
        (
            "{{#if host}}{{#if path}}a{{else}}b{{/if}}{{else}}c{{/if}}",
            "abc",
            4,
        ),
    ] {
        let environment = environment();
        let is_known = |name: &str| !matches!(name, "host" | "path");
        let (as_is, as_constants, specialized) = both(&environment, source, is_known);
        assert_eq!(as_constants, as_is, "{source}");
        assert_eq!(specialized.text, text, "{source}");
        assert!(
            specialized.operations.len() <= operations,
            "{source}: {specialized:?}"
        );
    }
}

/// The variables of random templates.
const NAMES: [&str; 3] = ["title", "path", "host"];

/// Returns the usual values, but empty ones for those of [`NAMES`] that `is_empty` chooses.
fn environment_without(is_empty: &[bool]) -> Environment<'static> {
    let mut environment = environment();
    for name in NAMES.into_iter().filter(|name| is_chosen(is_empty)(name)) {
        environment.set(name, Value::Text(""));
    }
    environment
}

/// Returns whether a name is one of [`NAMES`] that `chosen` chooses.
fn is_chosen(chosen: &[bool]) -> impl Fn(&str) -> bool + '_ {
    move |name| {
        let mut flags = NAMES.iter().zip(chosen);
        flags.any(|(other, is_chosen)| *other == name && *is_chosen)
    }
}

proptest! {
    #[test]
    fn a_page_is_the_same_whichever_values_are_constants(
        pieces in vec(piece(), 0..25),
        known in vec(any::<bool>(), 3),
        is_empty in vec(any::<bool>(), 3),
    ) {
        let source = pieces.concat();
        let environment = environment_without(&is_empty);
        if environment.errors(Syntax::Html, &source).is_empty() {
            let (as_is, as_constants, _) = both(&environment, &source, is_chosen(&known));
            prop_assert_eq!(as_constants, as_is, "{}", source);
        }
    }

    /// Conditions in conditions, which random pieces rarely are.
    #[test]
    fn nested_conditions_are_the_same_whichever_are_decided(
        source in nested(),
        known in vec(any::<bool>(), 3),
        is_empty in vec(any::<bool>(), 3),
    ) {
        let (as_is, as_constants, _) = both(&environment_without(&is_empty), &source, is_chosen(&known));
        prop_assert_eq!(as_constants, as_is, "{}", source);
    }
}

/// Returns templates of texts, values and conditions, each branch of which may be empty.
fn nested() -> impl Strategy<Value = String> {
    let name = || proptest::sample::select(&NAMES[..]);
    let leaf = prop_oneof![
        Just(String::new()),
        "[a-c]{1,2}",
        name().prop_map(|name| format!("{{{{{name}}}}}")),
    ];
    leaf.prop_recursive(5, 40, 4, move |inner| {
        let several = || vec(inner.clone(), 0..4).prop_map(|parts| parts.concat());
        (
            name(),
            several(),
            proptest::option::of(several()),
            several(),
        )
            .prop_map(|(name, first, second, after)| {
                let second = second.map(|second| format!("{{{{else}}}}{second}"));
                let second = second.unwrap_or_default();
                format!("{{{{#if {name}}}}}{first}{second}{{{{/if}}}}{after}")
            })
    })
}
