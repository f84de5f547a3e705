use proptest::prelude::*;
use tidegate_core::config::Config;
use tidegate_core::negotiate::Format;
use tidegate_core::page::{check_template, PageInfo, Pages, Syntax};
use tidegate_core::reason::{Reason, Source};

use super::squeeze::lasting;
use super::*;

fn usual() -> Delimiters {
    ("{{".to_owned(), "}}".to_owned())
}

#[test]
fn style_sheets_lose_what_means_nothing_and_no_more() {
    for (css, expected) in [
        ("", ""),
        ("a { b : c ; }", "a{b:c}"),
        ("a { width: calc( 1px + 2em ) }", "a{width:calc(1px + 2em)}"),
        (".a :hover, .b  >  p { c: d }", ".a :hover,.b>p{c:d}"),
        ("a{b:c}\n\n/* note */\n\nd{e:f}", "a{b:c}d{e:f}"),
        // Rules within rules.
        (
            "a { & :not(.b) { c: d } e & { f: g } }",
            "a{& :not(.b){c:d}e &{f:g}}",
        ),
        ("a { b: c; @media (d) { e: f } }", "a{b:c;@media (d){e:f}}"),
        ("html:has( > b ) * c { d: e }", "html:has(>b) * c{d:e}"),
        // What old browsers need stays beside what new ones know.
        (
            "a { height: 100vh; height: 100dvh; width: 9em; width: fit-content }",
            "a{height:100vh;height:100dvh;width:9em;width:fit-content}",
        ),
        (
            "@media (min-width: 1px) and (prefers-color-scheme: dark) { a { b: c } }",
            "@media (min-width:1px) and (prefers-color-scheme:dark){a{b:c}}",
        ),
        (
            "a { color: rgb(1 2 3 / 50%); color: light-dark(red, #fff) }",
            "a{color:rgba(1,2,3,.5);color:light-dark(red,#fff)}",
        ),
        (
            "a::before { content: \"x  /* y */ ; }\" }",
            "a:before{content:\"x  /* y */ ; }\"}",
        ),
        (
            "a { --on: ; --off:; --x: {y:z} }",
            "a{--on: ;--off:;--x:{y:z}}",
        ),
        ("a\\{ b { c: d }", "a\\{ b{c:d}"),
        // Not understood, or it would end its block: as it was.
        ("a { b: 'never ends\n }", "a { b: 'never ends\n }"),
        ("a { b: c } } d { e: f }", "a { b: c } } d { e: f }"),
        ("a { *zoom: 1 }", "a { *zoom: 1 }"),
        (
            "a { content: \"<\\/style>\" }",
            "a { content: \"<\\/style>\" }",
        ),
    ] {
        assert_eq!(minify::css(css), expected, "{css}");
        assert_eq!(minify::css(expected), expected, "{expected}");
    }
}

#[test]
fn colours_that_cannot_be_read_are_told_and_no_others() {
    const PALETTE: &str = ":root{--a:#777;--b:#fff;--c:var(--a)}";
    const DARK: &str = "@media (prefers-color-scheme:dark){:root{--a:#333;--b:#222}}";
    for (css, expected) in [
        // Both colours in one rule, or in rules of one selector.
        ("p{color:#777;background:#fff}", &["`p`: #777777 on #ffffff has a contrast of 4.47:1, and text needs 4.5:1"][..]),
        ("p{color:#767676;background:#fff}", &[]),
        ("p{color:#777}a{}p{background-color:white}", &["`p`: #777777 on #ffffff has a contrast of 4.47:1, and text needs 4.5:1"]),
        ("p{color:#777;background:#fff}p{color:#000}", &[]),
        ("b,i{color:red;background:red}", &["`b`: #ff0000 on #ff0000 has a contrast of 1.00:1, and text needs 4.5:1"]),
        // Rules within rules, and conditions that change nothing of colours.
        ("a{color:#000;& b{color:#eee;background:#fff}}", &["`a & b`: #eeeeee on #ffffff has a contrast of 1.16:1, and text needs 4.5:1"]),
        ("@media (min-width:9em){p{color:#eee;background:#fff}}", &["`p`: #eeeeee on #ffffff has a contrast of 1.16:1, and text needs 4.5:1"]),
        // Large words need less.
        ("p{font-size:2rem;color:#777;background:#fff}h1 a{color:#777;background:#fff}", &["`h1 a`: #777777 on #ffffff has a contrast of 4.47:1, and text needs 4.5:1"]),
        ("main h1{color:#777;background:#fff}", &[]),
        ("p{font:bold 3vw x;color:#aaa;background:#fff}", &["`p`: #aaaaaa on #ffffff has a contrast of 2.32:1, and text needs 3:1"]),
        // What the styles alone do not tell.
        ("p{color:#777}body{background:#fff}", &[]),
        ("p{color:#777;background:#ffffff80}", &[]),
        ("p{color:#777;background:#fff url(x.png)}", &[]),
        ("p{color:#777;background:linear-gradient(red,red)}", &[]),
        ("p{color:currentColor;background:#fff}q{color:inherit;background:#fff}", &[]),
        ("p{color:var(--x);background:#fff}q{color:var(--x,#fff);background:#fff}", &[]),
        ("p{color:#777;background:#fff;opacity:.9}a:disabled{color:#aaa;background:#fff}", &[]),
        ("@media print{p{color:#eee;background:#fff}}@media not screen{p{color:#eee;background:#fff}}", &[]),
        ("@media (forced-colors:active){p{color:#eee;background:#fff}}", &[]),
        ("p{color:#eee;background:#fff", &["`p`: #eeeeee on #ffffff has a contrast of 1.16:1, and text needs 4.5:1"]),
        ("p{color:#eee;background:#fff}}", &[]),
        ("p{color:GrayText;background:Canvas}", &[]),
    ] {
        let found: Vec<String> = contrast::weak(&[css], false).into_iter().map(|weak| weak.what).collect();
        assert_eq!(found, expected, "{css}");
    }
    let pair = "p{color:var(--c);background:var(--b)}";
    for (sheets, expected) in [
        // Custom properties, from whichever sheet, in both schemes.
        (&[PALETTE, pair][..], &["1 `p`: #777777 on #ffffff"][..]),
        (&[PALETTE, "p{--c:#000}", pair], &[]),
        (&[":root{--b:#fff;--c:#000}", DARK, pair], &["2 `p` in the dark scheme: #000000 on #222222"]),
        (&[":root{--c:var(--b);--b:var(--c)}", pair], &[]),
        (&["p{color:light-dark(#000,#333);background:light-dark(#fff,#222)}"], &[]),
        (&["html{color-scheme:light dark}p{color:light-dark(#000,#333);background:light-dark(#fff,#222)}"], &["0 `p` in the dark scheme: #333333 on #222222"]),
        (&["p{color:#000;background:#fff}@media (prefers-color-scheme:dark){p{background:#111}}"], &["0 `p` in the dark scheme: #000000 on #111111"]),
        (&["p{color:#000;background:#fff}@media (prefers-color-scheme:dark) and (min-width:9em){p{background:#111;color:#eee}}"], &[]),
    ] {
        let found: Vec<String> = contrast::weak(sheets, false)
            .into_iter()
            .map(|weak| format!("{} {}", weak.sheet, weak.what.split(" has ").next().unwrap_or_default()))
            .collect();
        assert_eq!(found, expected, "{sheets:?}");
    }
    let places = contrast::weak(&["a{}\n /* é𝄞 */ p{color:#eee;background:#fff}"], false);
    assert_eq!(places[0].at, "a{}\n /* é𝄞 */ ".len());
}

#[test]
fn what_a_style_sheet_refers_to() {
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
fn scripts_lose_what_means_nothing_and_no_more() {
    for (script, expected) in [
        ("", ""),
        (
            "  let a = 1\n\n  // note\n  let b = 2 // why\n",
            "let a=1;let b=2;",
        ),
        ("/* one */\na()\n/* two */ b()\n", "a();b();"),
        (
            "a = `x\n  // y\n\n  ${ b(`\n    c`) }`\n  d()\n",
            "a=`x\n  // y\n\n  ${b(`\n    c`)}`;d();",
        ),
        ("a = /[`'\"/]/.test(b)\n  c()\n", "a=/[`'\"/]/.test(b);c();"),
        ("a = b / c / d; e = f / /g/.h", "a=b/c/d;e=f/ /g/.h;"),
        ("a = 1 - -1; b = a + +1; c\n++d", "a=1- -1;b=a+ +1;c;++d;"),
        (
            "'use strict'; if (a) { if (b) c() } else d()",
            "'use strict';if(a){if(b)c()}else d();",
        ),
        (
            "f(async (x) => ({ ...x?.y ?? {} }))",
            "f(async x=>({...x?.y??{}}));",
        ),
        // Names stay: another script may use them, and so does who looks for a mistake.
        (
            "function unused(long) { return long }",
            "function unused(long){return long}",
        ),
        // Not understood: as it was.
        ("a = 'never ends\n  b()\n", "a = 'never ends\n  b()\n"),
        ("  a = `never ends\n", "  a = `never ends\n"),
        ("  a = [[title]] b\n", "  a = [[title]] b\n"),
        // It would end its block, or begin a comment in it.
        ("  a = '<!--'", "  a = '<!--'"),
        ("  a = '<\\/script>'", "  a = '<\\/script>'"),
    ] {
        let small = minify::script(script, minify::Script::Classic);
        let small = small.replace("\"use strict\"", "'use strict'");
        assert_eq!(small, expected, "{script}");
    }
    for (script, expected) in [
        (
            "import a from 'b'\nawait a( 1 )",
            "import a from\"b\";await a(1);",
        ),
        ("export default  1\n", "export default 1;"),
    ] {
        assert_eq!(minify::script(script, minify::Script::Module), expected);
    }
}

#[test]
fn pages_lose_what_nobody_sees() {
    for (html, expected) in [
        ("<p>a\n   b</p>\n\n\n<p>c  d</p>", "<p>a\nb</p>\n<p>c d</p>"),
        ("<!-- x --><p>a</p>", "<p>a</p>"),
        (
            "<pre>a\n\n  b</pre>  \n  <textarea> x  </textarea>",
            "<pre>a\n\n  b</pre>\n<textarea> x  </textarea>",
        ),
        (
            "a\n  {{#if sent}}\n  b\n  {{/if}}\n",
            "a\n{{#if sent}}\nb\n{{/if}}\n",
        ),
        ("a\n  {{! a note }}\nb", "a\nb"),
        ("a {{! a note }} b", "a b"),
        ("{{!x}}\n{{!y}}\nz", "z"),
        (
            "<p title=\"a   b\"  class=x>",
            "<p title=\"a   b\"  class=x>",
        ),
        ("<style>\n a { b: c }\n</style>", "<style>a{b:c}</style>"),
        (
            "<style>\n {{{brand.palette}}}\n a { b: c }\n</style>",
            "<style>\n {{{brand.palette}}}\n a { b: c }\n</style>",
        ),
        (
            "<script>\n  a()\n  b()\n</script>",
            "<script>a();b();</script>",
        ),
        (
            "<script type=\"application/json\">\n { }\n</script>",
            "<script type=\"application/json\">\n { }\n</script>",
        ),
        ("é  {{title}}  ü", "é {{title}} ü"),
        (
            "<p {{#if sent}}  hidden{{/if}}>",
            "<p {{#if sent}}  hidden{{/if}}>",
        ),
        ("<title>a   b</title>", "<title>a   b</title>"),
        (
            "<!--[if IE]><p>x<![endif]-->",
            "<!--[if IE]><p>x<![endif]-->",
        ),
        ("<b>x</b>  <i>y</i>", "<b>x</b> <i>y</i>"),
        (
            "{{#if sent}}<a>{{else}}<b>{{/if}}x{{#if sent}}</a>{{else}}</b>{{/if}}",
            "{{#if sent}}<a>{{else}}<b>{{/if}}x{{#if sent}}</a>{{else}}</b>{{/if}}",
        ),
        (
            "<script type=module>\n import 'a'\n</script>",
            "<script type=module>import\"a\";</script>",
        ),
        // Without what is between, it would be a tag.
        ("{<!-- x -->{title}}", "{<!-- x -->{title}}"),
    ] {
        assert_eq!(squeeze(html, &usual()), expected, "{html}");
    }
    let brackets = ("[[".to_owned(), "]]".to_owned());
    assert_eq!(
        squeeze("[[! x ]]\n<b>{{! y }}</b>", &brackets),
        "<b>{{! y }}</b>"
    );
}

#[test]
fn addresses() {
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
fn drawings_lose_what_only_a_file_has() {
    let svg =
        "\u{feff}<?xml version=\"1.0\"?>\n<!DOCTYPE svg>\n<!-- x -->\n<svg>\n  <g/>\n</svg>\n";
    assert_eq!(plain_svg(svg), "<svg>\n<g/>\n</svg>");
}

/// Parts of pages, among them what is awkward beside each other.
const PIECES: &[&str] = &[
    "\n",
    "  ",
    "\n\n   ",
    "a",
    "é ",
    "<p>",
    "</p>",
    "<b>x</b> ",
    "<br>",
    "{{title}}",
    "{{! a note }}",
    "{{!x}}\n",
    "{{#if sent}}",
    "{{#if sent}}\n",
    "{{else}}",
    "{{else}}\n",
    "{{/if}}",
    "\n  {{/if}}\n",
    "{{#each links}}",
    "{{/each}}",
    "<a href=\"{{url}}\">",
    "<a href=\"/x?y={{status}}\">",
    "</a>",
    "<p {{#if sent}}hidden{{/if}}>",
    "<p title='{{title}}  x'>",
    "<pre>\n  x\n",
    "</pre>",
    "<textarea>",
    "</textarea>",
    "<style>\n a { b : c }\n</style>",
    "<style>{{{brand.palette}}} a  b{}</style>",
    "<script>\n  let a = `x\n   y`\n  // z\n</script>",
    "<svg><title>x  y</title></svg>",
    "{{{brand.logo_svg}}}",
    "}}",
    "{ {",
    "<title>{{title}}  -</title>",
    "&amp; ",
];

fn config(html: &str) -> Config {
    let source = serde_json::json!({
        "brand": { "name": "A", "links": [{ "label": "L", "url": "/l" }, { "label": "M", "url": "/m" }] },
        "templates": { "t": { "html": html } },
    });
    Config::from_json(source.to_string().as_bytes()).unwrap_or_default()
}

/// The page that the filter makes of it, without blanks, scripts and styles.
fn shown(html: &str, method: &[u8]) -> String {
    let pages = Pages::new(&config(html));
    let page = pages.render(&PageInfo {
        format: Format::Html,
        status: 502,
        reason: Reason::ConnectionRefused,
        source: Source::Proxy,
        tripped_by: None,
        maintenance: None,
        retry_after: None,
        page_retry: None,
        request_id: None,
        now: None,
        method,
        host: b"",
        path: b"/",
        language: Default::default(),
        route: b"",
        page: Some(0),
    });
    let html = String::from_utf8(page.body).unwrap();
    let mut text = String::new();
    let mut rest = html.as_str();
    while let Some((before, after)) = rest.split_once("<s") {
        text.push_str(before);
        let end = ["</style>", "</script>"]
            .iter()
            .find_map(|end| after.split_once(end));
        rest = match after.starts_with("tyle") || after.starts_with("cript") {
            true => end.map_or("", |(_, rest)| rest),
            false => after,
        };
    }
    text.push_str(rest);
    text.retain(|character| !character.is_whitespace());
    text
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn every_tag_survives_and_the_page_says_the_same(
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..24)
    ) {
        let html = pieces.concat();
        let small = squeeze(&html, &usual());
        prop_assert_eq!(lasting(&small, &usual()), lasting(&html, &usual()));
        prop_assert!(small.len() <= html.len());
        let errors = |html: &str| check_template(&config(""), Syntax::Html, html).len();
        if errors(&html) == 0 {
            prop_assert_eq!(errors(&small), 0, "{}", small);
            for method in [&b"GET"[..], b"POST"] {
                prop_assert_eq!(shown(&small, method), shown(&html, method));
            }
        }
    }

    #[test]
    fn nothing_that_anybody_writes_is_too_much(html in "[<>{}/\"'!=a-z \n-]{0,60}", any in ".{0,40}") {
        for text in [html, any] {
            let small = squeeze(&text, &usual());
            prop_assert_eq!(lasting(&small, &usual()), lasting(&text, &usual()));
            let _ = lint(&text, &usual(), true);
            let _ = (minify::css(&text), css::references(&text), minify::script(&text, minify::Script::Module));
        }
    }
}
