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
            "a{b:image-set('a.png' 1x, url(b.png) type('image/png') 2x)}",
            &[("a.png", "'a.png'", None), ("b.png", "url(b.png)", None)],
        ),
        (
            "@charset 'utf-8';@layer a,b;<!-- @import 'a.css';b{}@import 'c.css';@media x{@import 'd.css';}",
            &[("a.css", "@import 'a.css';", Some(""))],
        ),
        ("@layer a{b{c:url(d)}}@import 'e.css';", &[("d", "url(d)", None)]),
        (
            "@namespace svg url(http://x.example/svg);a{b:url(c)}",
            &[("c", "url(c)", None)],
        ),
    ] {
        let found: Vec<_> = css::references(css)
            .into_iter()
            .map(|reference| {
                let import = match reference.kind {
                    css::Kind::Import(conditions) => Some(conditions),
                    _ => None,
                };
                (reference.target, css[reference.at].to_owned(), import)
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
            let serving = Serving { has_policy: true, as_it_is: true };
            let _ = lint(&text, &usual(), serving);
            let _ = (css::references(&text), plain_svg(&text));
            let _ = (imports::imports(&text), references::choices(&text));
        }
    }
}

/// What stays of the sources of a font.
#[test]
fn one_form_of_a_font_stays() {
    use css::Kind::{Obsolete, Redundant, Url};
    for (face, expected, left_out) in [
        (
            "src:url('i.eot');src:url('i.eot?#iefix') format('embedded-opentype'),url('i.woff2') \
             format('woff2'),url('i.ttf') format('truetype'),url('i.svg#I') format('svg')",
            "src:url('i.woff2') format('woff2')",
            vec![Obsolete, Obsolete, Url, Redundant, Obsolete],
        ),
        (
            "font-family:x;src:local('X'),url(i.ttf),url(i.woff)",
            "font-family:x;src:local('X'),url(i.woff)",
            vec![Redundant, Url],
        ),
        (
            "src:url(i.svg),url(i.eot);font-weight:400",
            "font-weight:400",
            vec![Obsolete, Obsolete],
        ),
        ("src:url(i.otf)", "src:url(i.otf)", vec![Url]),
        (
            "src:url(i.woff2) format(woff2-variations), url(https://x.example/i.woff)",
            "src:url(i.woff2) format(woff2-variations), url(https://x.example/i.woff)",
            vec![Url, Url],
        ),
        (
            "src:url(data:font/ttf;base64,AA==) format('truetype')",
            "src:url(data:font/ttf;base64,AA==) format('truetype')",
            vec![Url],
        ),
    ] {
        let sheet = format!("@font-face{{{face}}}b{{}}");
        let found = css::references(&sheet);
        let kinds: Vec<_> = found.iter().map(|reference| &reference.kind).collect();
        assert_eq!(kinds, left_out.iter().collect::<Vec<_>>(), "{face}");
        let mut rest = sheet.clone();
        for reference in found.iter().rev().filter(|reference| reference.kind != Url) {
            rest.replace_range(reference.at.clone(), "");
        }
        assert_eq!(rest, format!("@font-face{{{expected}}}b{{}}"), "{face}");
    }
}

#[test]
fn modules_that_a_script_imports_are_found() {
    for (script, expected) in [
        ("import './a.js'", &["./a.js"][..]),
        (
            "import{b}from\"/b.js\";export * from 'https://x.example/c.js'",
            &["/b.js", "https://x.example/c.js"],
        ),
        ("const d = await import( './d.js' )", &["./d.js"]),
        ("import vue from 'vue'", &[]),
        (
            "// import './a.js'\n/* import './a.js' */ x = 'import \"./a.js\"'; `import './a.js'`",
            &[],
        ),
        ("Array.from('./a'); from('b'); x.import('./c')", &[]),
        ("x = /'/; import './a.js'\nimport './b.js'", &["./b.js"]),
    ] {
        let found = imports::imports(script);
        let targets: Vec<_> = found.iter().map(|import| import.target.as_str()).collect();
        assert_eq!(targets, expected, "{script}");
    }
}

#[test]
fn addresses_of_a_srcset_are_found() {
    for (srcset, expected) in [
        ("a.png", &["a.png"][..]),
        (" a.png 1x , b.png 2x", &["a.png", "b.png"]),
        ("a.png, b.png 2x,c.png", &["a.png", "b.png", "c.png"]),
        ("a,b.png 1x", &["a,b.png"]),
        (
            "data:image/png;base64,AA== 1x, /c.png (x, y) 2x",
            &["data:image/png;base64,AA==", "/c.png"],
        ),
        (",", &[]),
    ] {
        let found = references::choices(srcset);
        let found: Vec<_> = found.into_iter().map(|at| &srcset[at]).collect();
        assert_eq!(found, expected, "{srcset}");
    }
}

#[test]
fn event_handlers_are_known_by_name() {
    for (name, expected) in [
        ("onclick", true),
        ("onabort", true),
        ("onwheel", true),
        ("once", false),
        ("on", false),
        ("data-onclick", false),
    ] {
        assert_eq!(handlers::is_handler(name), expected, "{name}");
    }
}
