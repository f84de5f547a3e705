use super::*;
use proptest::prelude::*;

fn put(position: Position, text: &str) -> String {
    let mut out = Output::default();
    out.put(position, text);
    out.into_string()
}

#[test]
fn each_position_has_its_rule() {
    let hostile = "a<b>&\"'\u{202e}\u{1b}[31m\n</script>é";
    assert_eq!(
        put(Position::Html, hostile),
        "a&lt;b&gt;&amp;&quot;&#39;\u{fffd}[31m &lt;/script&gt;é"
    );
    assert_eq!(
        put(Position::Plain, hostile),
        "a<b>&\"'\u{fffd}[31m </script>é"
    );
    assert_eq!(
        put(Position::Json, "\"\\\n\u{1}</&\u{2028}é"),
        "\\\"\\\\\\n\\u0001\\u003c/\\u0026\\u2028é"
    );
    let url = "/a b?c=\"<é>&d='{}|^`\\\u{7f}~";
    let link = "/a%20b?c=%22%3C%C3%A9%3E&amp;d=&#39;%7B%7D%7C%5E%60%5C%7F~";
    assert_eq!(put(Position::Link, url), link);
    assert_eq!(put(Position::Path, url), link);
    assert_eq!(
        put(Position::Query, "/a b?c=\"&d='-._~"),
        "%2Fa%20b%3Fc%3D%22%26d%3D%27-._~"
    );
}

/// Runs of characters that no position treats specially are copied: by their first bytes, no other may be taken for one.
#[test]
fn every_character_has_its_rule_alone_and_in_a_run() {
    for c in '\0'..=char::MAX {
        let mut rule = Output::default();
        rule.push_visible(c);
        let visible = rule.into_string();
        let in_run = put(Position::Plain, &format!("a run of {c}"));
        assert_eq!(in_run, format!("a run of {visible}"), "{c:?}");
        if !c.is_ascii() {
            let text = c.to_string();
            assert_eq!(put(Position::Html, &text), visible, "{c:?}");
            let is_escaped = matches!(c, '\u{80}'..='\u{9f}' | '\u{2028}' | '\u{2029}');
            assert_eq!(put(Position::Json, &text) != text, is_escaped, "{c:?}");
        }
    }
}

#[test]
fn a_joined_value_never_provides_the_scheme_of_a_link() {
    let mut out = Output::default();
    out.value(Position::Link, &Value::Joined("tel:1".to_owned()));
    assert_eq!(out.into_string(), "tel%3A1");
}

#[test]
fn only_safe_schemes_are_written_to_links() {
    for (url, safe) in [
        ("", true),
        ("/", true),
        ("a/b:c", true),
        ("?a:b", true),
        ("#a:b", true),
        ("https://example.com", true),
        ("HTTP://example.com", true),
        ("mailto:a@b", true),
        ("tel:+1", true),
        ("//example.com:8443/", true),
        ("javascript:alert(1)", false),
        (" javascript:alert(1)", false),
        ("java\nscript:alert(1)", false),
        ("\u{1}javascript:alert(1)", false),
        ("data:text/html,x", false),
        ("vbscript:x", false),
        (":x", false),
    ] {
        assert_eq!(is_safe_url(url), safe, "{url:?}");
        let is_empty = put(Position::Link, url).is_empty();
        assert_eq!(is_empty, !safe || url.is_empty(), "{url:?}");
    }
}

proptest! {
    #[test]
    fn escaped_json_reads_back_as_it_was(text in any::<String>()) {
        let json = format!("\"{}\"", put(Position::Json, &text));
        prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }

    #[test]
    fn escaped_html_has_no_markup_and_no_control_characters(text in any::<String>()) {
        let html = put(Position::Html, &text);
        prop_assert!(!html.contains(['<', '>', '"', '\'']));
        prop_assert!(!html.chars().any(char::is_control));
    }

    #[test]
    fn an_escaped_link_stays_in_its_attribute(text in any::<String>()) {
        for position in [Position::Link, Position::Path, Position::Query] {
            let url = put(position, &text);
            prop_assert!(url.bytes().all(|b| b.is_ascii_graphic() && !b"<>\"'`".contains(&b)));
        }
    }

    #[test]
    fn plain_text_has_no_control_characters(text in any::<String>()) {
        prop_assert!(!put(Position::Plain, &text).chars().any(char::is_control));
    }
}
