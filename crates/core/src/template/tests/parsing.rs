//! What a browser's parser makes of a page, as far as the hashes of the policy depend on it.

use super::*;

/// WHATWG HTML §13.2.3.5, "Preprocessing the input stream".
#[test]
fn newlines_are_those_that_a_browser_hashes() {
    let lf = "<!doctype html>\n<style>\na{}\n\nb{}\n</style>\n<script>\nx()\n</script>\n<p\ntitle='a\nb'>\n";
    let expected = Template::compile(&environment(), Syntax::Html, lf).unwrap();
    assert_eq!(expected.styles(), ["\na{}\n\nb{}\n"]);
    assert_eq!(expected.scripts(), ["\nx()\n"]);
    for newline in ["\r\n", "\r"] {
        let source = lf.replace('\n', newline);
        let template = Template::compile(&environment(), Syntax::Html, &source).unwrap();
        assert_eq!(template, expected, "{newline:?}");
    }
    let mixed = "<style>\r\r\n\n\r</style>";
    let template = Template::compile(&environment(), Syntax::Html, mixed).unwrap();
    assert_eq!(template.styles(), ["\n\n\n\n"]);
}

#[test]
fn newlines_of_a_constant_in_a_block_are_those_that_a_browser_hashes() {
    let mut environment = environment();
    environment
        .constants
        .push(("vars.css", "a{}\r\nb{}\rc{}".to_owned()));
    let source = "<style>\r\n{{{vars.css}}}\r\n</style>";
    let template = Template::compile(&environment, Syntax::Html, source).unwrap();
    assert_eq!(template.styles(), ["\na{}\nb{}\nc{}\n"]);
}

/// WHATWG HTML §13.2.5.3 and §13.2.5.4.
#[test]
fn a_nul_in_a_block_is_what_a_browser_makes_of_it() {
    let source = "<style>a\0{}</style><script>x('\0')</script>";
    let template = Template::compile(&environment(), Syntax::Html, source).unwrap();
    assert_eq!(template.styles(), ["a\u{fffd}{}"]);
    assert_eq!(template.scripts(), ["x('\u{fffd}')"]);
    assert_eq!(
        template.text,
        "<style>a\u{fffd}{}</style><script>x('\u{fffd}')</script>"
    );
}

/// Only HTML is parsed by a browser.
#[test]
fn a_text_page_keeps_its_newlines() {
    let text = environment().render(Syntax::Text, "a\r\nb\rc\n").0;
    assert_eq!(text, "a\r\nb\rc\n");
}

#[test]
fn conditional_comments_are_comments() {
    for comment in [
        "<!--[if lt IE 9]><p class=\"{{x}}\"><![endif]-->",
        "<!--[if gt IE 8]><!-->",
        "<!--<![endif]-->",
        "<![if !IE]>",
        "<![endif]>",
        "<![>",
        "<![CDAT>",
        "<![cdata[>",
    ] {
        let comment = comment.replace("{{x}}", "x");
        let source = format!("{comment}{{{{status}}}}");
        let page = environment().render(Syntax::Html, &source).0;
        assert_eq!(page, format!("{comment}502"));
    }
    assert_ne!(refused(Syntax::Html, "<![CDATA[>{{status}}"), [""; 0]);
}

/// Pages of the nineties hide their scripts from browsers that know none.
#[test]
fn a_script_may_be_hidden_in_a_comment() {
    let script = "<!--\nx()\n//-->";
    let source = format!("<script>{script}</script>{{{{status}}}}");
    let template = Template::compile(&environment(), Syntax::Html, &source).unwrap();
    assert_eq!(template.scripts(), [script]);
    // Here a browser takes the first end tag for a part of the script.
    let source = "<script><!-- '<SCRIPT>' </script> --></script>";
    assert_ne!(refused(Syntax::Html, source), [""; 0]);
}
