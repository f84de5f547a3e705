use proptest::prelude::*;

use super::*;

fn usual() -> Delimiters {
    ("{{".to_owned(), "}}".to_owned())
}

#[test]
fn references_of_style_sheets_are_found() {
    for (css, expected) in [
        ("a{b:url(x.png)}", &[("x.png", "url(x.png)", None)][..]),
        (
            "a{b:URL( 'x y.png' )}",
            &[("x y.png", "URL( 'x y.png' )", None)],
        ),
        ("a{b:my-url(x)}", &[]),
        ("/* url(x) */ a{b:\"url(y)\"}", &[]),
        (
            "@import \"a.css\";",
            &[("a.css", "@import \"a.css\";", Some(""))],
        ),
        (
            "@import url(a.css) print and (x:y);b{}",
            &[(
                "a.css",
                "@import url(a.css) print and (x:y);",
                Some("print and (x:y)"),
            )],
        ),
        (
            "@import url('a;b.css') ;",
            &[("a;b.css", "@import url('a;b.css') ;", Some(""))],
        ),
        (
            "@font-face{src:url(a.woff2) format(\"woff2\"),url(\"b.woff\")}",
            &[
                ("a.woff2", "url(a.woff2)", None),
                ("b.woff", "url(\"b.woff\")", None),
            ],
        ),
    ] {
        let found: Vec<_> = css::references(css)
            .into_iter()
            .map(|reference| {
                (
                    reference.target,
                    css[reference.at].to_owned(),
                    reference.import,
                )
            })
            .collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|(target, text, import)| {
                (
                    (*target).to_owned(),
                    (*text).to_owned(),
                    import.map(str::to_owned),
                )
            })
            .collect();
        assert_eq!(found, expected, "{css}");
    }
}

#[test]
fn addresses_are_classified_by_target() {
    for (address, expected) in [
        ("", Target::Here),
        ("#top", Target::Here),
        ("data:,x", Target::Here),
        ("x.png", Target::File("x.png".to_owned())),
        (
            " ../a%20b.png?v=1#x ",
            Target::File("../a b.png".to_owned()),
        ),
        ("a:b/c.png", Target::Away),
        ("http://x/y.png", Target::Away),
        ("//x/y.png", Target::Away),
        ("/y.png", Target::Site),
        ("JavaScript:x()", Target::Script),
        ("java\nscript:x()", Target::Script),
    ] {
        assert_eq!(target(address), expected, "{address:?}");
    }
}

#[test]
fn a_drawing_loses_declaration_document_type_and_comments() {
    let svg =
        "\u{feff}<?xml version=\"1.0\"?>\n<!DOCTYPE svg>\n<!-- x -->\n<svg>\n  <g/>\n</svg>\n";
    assert_eq!(plain_svg(svg), "<svg>\n  <g/>\n</svg>");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn any_text_can_be_read(html in "[<>{}/\"'!=a-z \n-]{0,60}", any in ".{0,40}") {
        for text in [html, any] {
            let _ = lint(&text, &usual(), true);
            let _ = (css::references(&text), plain_svg(&text));
        }
    }
}
