//! Parts of pages: templates of the program that an operator's template can contain.

use super::*;

/// A part with a condition, a value and a script.
pub(super) const PART: &str =
    "{{#if safe_method}}<p id=\"part\">{{title}}</p><script>run()</script>{{/if}}";

const MADE: &str = "<p id=\"part\">T</p><script>run()</script>";

#[test]
fn a_part_is_compiled_where_it_stands() {
    assert_eq!(
        rendered(Syntax::Html, "<b>{{{part}}}</b>"),
        format!("<b>{MADE}</b>")
    );
    let mut unsafe_request = environment();
    unsafe_request.set("safe_method", Value::Text("false"));
    let source = "{{#if title}}1{{{part}}}2{{/if}}";
    assert_eq!(unsafe_request.render(Syntax::Html, source).0, "12");
}

#[test]
fn a_script_of_a_part_is_a_block_of_the_page() {
    let template = Template::compile(&environment(), Syntax::Html, "<p>{{{part}}}").unwrap();
    assert_eq!(template.scripts(), ["run()"]);
}

#[test]
fn a_part_has_its_own_delimiters() {
    let mut environment = environment();
    environment.delimiters = ("[[", "]]");
    let (page, _) = environment.render(Syntax::Html, "{{[[title]]}}[[{part}]]");
    assert_eq!(page, format!("{{{{T}}}}{MADE}"));
}

#[test]
fn a_part_stands_once_where_a_paragraph_can() {
    const PLACE: &str =
        "a part of pages where no paragraph can stand: in a tag, an attribute, a title or an `each`";
    let nested = format!(
        "{}<p>{{{{{{part}}}}}}{}",
        "{{#if title}}".repeat(8),
        "{{/if}}".repeat(8)
    );
    for (syntax, source, column, why) in [
        (Syntax::Html, "<p title=\"{{{part}}}\">", 11, PLACE),
        (Syntax::Html, "<title>{{{part}}}</title>", 8, PLACE),
        (
            Syntax::Html,
            "{{#each links}}{{{part}}}{{/each}}",
            16,
            PLACE,
        ),
        (
            Syntax::Html,
            "{{{part}}}{{{part}}}",
            11,
            "a part of pages for the second time",
        ),
        (
            Syntax::Html,
            "a{{part}}",
            2,
            "a part of pages: it needs {{{part}}}",
        ),
        (
            Syntax::Html,
            "{{#if part}}{{/if}}",
            1,
            "a part of pages, which is no condition",
        ),
        (
            Syntax::Text,
            "{{{part}}}",
            1,
            "a raw value: only constants can be, in HTML and text",
        ),
        // The place of an error inside of a part is that of its tag.
        (Syntax::Html, nested.as_str(), 108, "too many nested blocks"),
    ] {
        let errors = environment().errors(syntax, source);
        assert_eq!(errors.len(), 1, "{source}: {errors:?}");
        let found = (errors[0].line, errors[0].column, &*errors[0].why);
        assert_eq!(found, (1, column, why), "{source}");
    }
}
