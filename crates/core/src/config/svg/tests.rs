use super::*;
use proptest::prelude::*;

#[test]
fn a_drawing_is_accepted() {
    for markup in [
        "<svg/>",
        "<svg></svg>\n",
        // A browser reads two attributes, and so does the check.
        "<svg a='b'c='d'/>",
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox='0 0 8 8'><path d="M0 0h8v8z"/></svg>"##,
        r##"<svg><defs><linearGradient id="a"><stop offset="1"/></linearGradient></defs><g fill="url(#a)"><use href="#b" /><text x="1">A &amp; B</text></g></svg>"##,
        r##"<svg xmlns:xlink="http://www.w3.org/1999/xlink"><use xlink:href="#b"></use ></svg>"##,
    ] {
        assert_eq!(check(markup), Ok(()), "{markup}");
    }
}

#[test]
fn markup_that_is_no_drawing_is_refused() {
    for (markup, why) in [
        ("", "text outside of the svg element"),
        ("svg", "text outside of the svg element"),
        ("<g></g>", "an element other than svg"),
        ("<svg>", "an element that is not closed"),
        (
            "<svg><g></svg>",
            "an element that is not closed where it should be",
        ),
        ("<svg></svg><p>", "something after the svg element"),
        ("<svg></svg>x", "something after the svg element"),
        ("<svg/><svg/>", "something after the svg element"),
        ("<svg", "a tag that does not end"),
        ("<svg/", "a tag that does not end"),
        ("<svg a", "a tag that does not end"),
        ("<svg a>", "an attribute without a value"),
        ("<svg a b='c'>", "an attribute without a value"),
        ("<svg a=b>", "an attribute value without quotes"),
        ("<svg a='b>", "an attribute value that does not end"),
        ("<svg a=\"b>", "an attribute value that does not end"),
        ("<svg a=>", "a tag that does not end"),
        ("<svg a\"b='c'/>", "an attribute value that does not end"),
        ("<svg a\"b\"='c'/>", "a tag that does not end"),
        ("<svg/onload='x'/>", "an element other than svg"),
        ("<svg\u{c}onload='x'/>", "an element other than svg"),
        (
            "<svg><g/onload='x'/></svg>",
            "an element that does not draw",
        ),
        ("<svg =''onload='x'/>", "a tag that does not end"),
        (
            "<svg></svg onload='x'>",
            "an element that is not closed where it should be",
        ),
        (
            "<svg></g>",
            "an element that is not closed where it should be",
        ),
        ("</svg>", "an element that is not closed where it should be"),
        (
            "<svg><![CDATA[x]]></svg>",
            "a comment, declaration or broken tag",
        ),
        (
            "<svg>a & b</svg>",
            "an entity other than &amp; &lt; &gt; &quot; &apos;",
        ),
        (
            "<svg a='&'/>",
            "an entity other than &amp; &lt; &gt; &quot; &apos;",
        ),
        (
            "<svg>&#60;</svg>",
            "an entity other than &amp; &lt; &gt; &quot; &apos;",
        ),
        ("<svg a='b'onload='d'/>", "an event handler"),
        (
            "<svg><!-- x --></svg>",
            "a comment, declaration or broken tag",
        ),
        (
            "<?xml version='1.0'?><svg/>",
            "a comment, declaration or broken tag",
        ),
        (
            "<!DOCTYPE svg><svg/>",
            "a comment, declaration or broken tag",
        ),
        ("<svg><script>alert(1)</script></svg>", "a script element"),
        ("<svg><SCRIPT/></svg>", "an element that does not draw"),
        ("<svg><foreignObject/></svg>", "a foreignObject element"),
        ("<svg><animate/></svg>", "an element that does not draw"),
        ("<svg><a/></svg>", "an element that does not draw"),
        (
            "<svg><style/></svg>",
            "a style element; use attributes such as fill",
        ),
        ("<svg onload='x'/>", "an event handler"),
        ("<svg ONLOAD='x'/>", "an event handler"),
        (
            "<svg style='x'/>",
            "a style attribute; use attributes such as fill",
        ),
        ("<svg a='<'/>", "a < in an attribute value"),
        (
            "<svg><use href='x.svg#a'/></svg>",
            "a reference to something outside of the logo",
        ),
        (
            "<svg><use xlink:href=' #a'/></svg>",
            "a reference to something outside of the logo",
        ),
        (
            "<svg fill='URL(//x)'/>",
            "a reference to something outside of the logo",
        ),
        (
            "<svg fill='u\\72l(//x)'/>",
            "a reference to something outside of the logo",
        ),
        (
            "<svg fill='u&#114;l(//x)'/>",
            "an entity other than &amp; &lt; &gt; &quot; &apos;",
        ),
        (
            "<svg>&nbsp;</svg>",
            "an entity other than &amp; &lt; &gt; &quot; &apos;",
        ),
    ] {
        assert_eq!(check(markup), Err(why), "{markup}");
    }
    let deep =
        |depth: usize| "<svg>".to_owned() + &"<g>".repeat(depth) + &"</g>".repeat(depth) + "</svg>";
    assert_eq!(check(&deep(31)), Ok(()));
    assert_eq!(check(&deep(32)), Err("too many nested elements"));
}

proptest! {
    #[test]
    fn no_markup_causes_a_panic(parts in proptest::collection::vec("<svg|<g|</g>|</svg>|/>|>| a='|'|=|&amp;|<!|é|\\PC", 0..20)) {
        let markup = parts.concat();
        if check(&markup).is_ok() {
            prop_assert!(markup.starts_with("<svg"));
        }
    }
}
