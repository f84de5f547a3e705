//! What only pages of the operator's own can lack, and the texts to start from.

use super::{text, Folder};

const HEAD: &str =
    "<!doctype html>\n<html lang=\"[[lang]]\" dir=\"[[dir]]\">\n<meta name=\"viewport\" \
                    content=\"width=device-width\">\n<title>[[title]]</title>\n";

/// Returns what `check` says about a page with this body; `more` is the rest of the source.
fn checked(body: &str, more: &str) -> String {
    let mut source = format!(
        "delimiters: [\"[[\", \"]]\"]\ntemplates: {{ a: {{ html: {{ file: a.html }} }} }}\n{more}\n"
    );
    if !more.contains("pages:") {
        source.push_str("pages: [{ template: a }]\n");
    }
    let page = format!("{HEAD}{body}\n");
    let folder = Folder::new(&[("s.yaml", &source), ("a.html", &page)]);
    folder.fails(&["check", "s.yaml"]).1
}

const FINE: &str = "1 file checked: 0 errors\n";

#[test]
fn a_page_that_does_not_come_back_by_itself_is_warned_of() {
    let warned =
        "a.html:1:1: warning: this page does not come back by itself: put [[{retry}]] where a \
                  paragraph can stand\n1 file checked: 0 errors, 1 warning\n";
    for (body, more, expected) in [
        ("<p>x", "", warned),
        ("<p>x[[{retry}]]", "", FINE),
        // A script of its own.
        (
            "<p>x[[#if auto_retry]]<script>go()</script>[[/if]]",
            "",
            FINE,
        ),
        ("<p>x", "retry: { page: { auto: false } }", FINE),
        // Nothing that passes by itself.
        (
            "<p>x",
            "pages: [{ template: a, match: { reasons: [unauthorized, forbidden] } }]",
            FINE,
        ),
        (
            "<p>x",
            "pages: [{ template: a, match: { reasons: [unauthorized, dns_error] } }]",
            warned,
        ),
        ("<p>x", "pages: [{ template: a }]", warned),
    ] {
        assert_eq!(checked(body, more), expected, "{body} {more}");
    }
}

#[test]
fn a_logo_that_no_template_shows_is_warned_of() {
    let warned = |tag: &str| {
        format!(
            "s.yaml:3:10: warning: brand.logo: no template shows this logo; use {tag}\n\
             1 file checked: 0 errors, 1 warning\n"
        )
    };
    let image = warned("<img src=\"[[brand.logo]]\" alt=\"[[brand.name]]\">");
    let drawing = warned("[[{brand.logo_svg}]]");
    const PNG: &str = "brand: { logo: \"data:image/png;base64,iVBORw0K\" }";
    const SVG: &str = "brand: { logo: \"<svg viewBox='0 0 1 1'><path d='M0 0'/></svg>\" }";
    for (body, brand, expected) in [
        ("[[{brand.logo_svg}]]", PNG, image.as_str()),
        ("<img src=\"[[brand.logo]]\" alt=\"\">", PNG, FINE),
        ("<img src=\"[[brand.logo]]\" alt=\"\">", SVG, &drawing),
        ("[[{brand.logo_svg}]]", SVG, FINE),
    ] {
        let said = checked(&format!("{body}[[{{retry}}]]"), brand);
        assert_eq!(said, expected, "{body} {brand}");
    }
}

#[test]
fn a_text_without_its_number_is_warned_of() {
    let texts = "locales: { strings: { pl: { when.days: za kilka dni, when.hours: \"za {n} h\", \
                 when.hours.two: za dwie godziny, when.hours.few: za parę godzin } } }";
    let said = checked("[[{retry}]]", texts);
    for key in ["when.days", "when.hours.few"] {
        let line = format!(
            ": warning: locales.strings.pl[\"{key}\"]: a text without `{{n}}` does not say when\n"
        );
        assert!(said.contains(&line), "{line} in {said}");
    }
    assert!(said.starts_with("s.yaml:3:29: "), "{said}");
    assert!(said.ends_with("0 errors, 2 warnings\n"), "{said}");
}

#[test]
fn words_are_a_source_that_check_accepts() {
    let folder = Folder::new(&[]);
    for (lang, line, note) in [
        (
            "en",
            "      # The heading with the status 502, if trying again helps.\n      title.502: \"We’ll be right back\"\n",
            "",
        ),
        (
            "pl",
            "      # The plural form `few` of `when.minutes`. `{n}` is the number.\n      \
             when.minutes.few: \"za około {n}\\u00a0minuty\"\n",
            "",
        ),
        (
            "de",
            "for the reason `dns_error`. English: the language has none of its own.\n      \
             problem.dns_error: \"Upstream name not resolved\"\n",
            "",
        ),
        (
            "sk",
            "      action.retry: \"Try again\"\n",
            "sk is no built-in language: these texts are English, to be translated\n",
        ),
    ] {
        let output = folder.run(&["words", "--lang", lang]);
        let words = text(&output.stdout);
        assert!(output.status.success());
        assert_eq!(text(&output.stderr), note);
        assert!(words.starts_with(&format!("locales:\n  strings:\n    {lang}:\n")));
        assert!(words.contains(line), "{line} in {words}");
        folder.write("words.yaml", words.as_bytes());
        let checked = folder.fails(&["check", "--strict", "words.yaml"]);
        assert_eq!(checked, (Some(0), FINE.to_owned()), "{lang}");
    }
    // A file for `{ file: … }`.
    let flat = folder.run(&["words", "--lang", "de", "--flat"]).stdout;
    assert!(text(&flat).contains("\naction.retry: "), "{}", text(&flat));
    folder.write("de.yaml", &flat);
    folder.write(
        "flat.yaml",
        b"locales: { strings: { de: { file: de.yaml } } }\n",
    );
    let checked = folder.fails(&["check", "--strict", "flat.yaml"]);
    assert_eq!(checked, (Some(0), FINE.to_owned()));
    assert_eq!(
        folder.fails(&["words", "--lang", "a_b"]),
        (
            Some(2),
            "--lang: found \"a_b\"; allowed: a language tag such as \"de\", \"pt-BR\" or \"zh-Hant\"\n".to_owned()
        )
    );
}

#[test]
fn a_logo_whose_content_is_not_what_its_name_says_is_found() {
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0";
    let warned = |what: &str| {
        format!("s.yaml:1:24: warning: brand.logo: {what}\n1 file checked: 0 errors, 1 warning\n")
    };
    let drawing =
        b"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 1 1'><path d='M0 0'/></svg>";
    let scripted = b"<svg xmlns='http://www.w3.org/2000/svg'><script>a()</script></svg>";
    for (name, content, expected) in [
        ("l.png", PNG, FINE.to_owned()),
        ("l.svg", &drawing[..], FINE.to_owned()),
        (
            "l.png",
            &drawing[..],
            warned("l.png is image/svg+xml by its content, not image/png, so browsers show no picture"),
        ),
        (
            "l.jpg",
            PNG,
            warned("l.jpg is image/png by its content, not image/jpeg, so browsers show no picture"),
        ),
        (
            "l.gif",
            b"nothing",
            warned("l.gif is not image/gif by its content, so browsers show no picture"),
        ),
        (
            "l.svg",
            b"nothing",
            warned("l.svg has no <svg>, so browsers show no picture"),
        ),
        (
            "l.svg",
            &scripted[..],
            warned(
                "l.svg stays an image, which cannot have the colour of the text around it: the drawing runs or loads \
                 something",
            ),
        ),
        (
            "l.png",
            b"",
            "s.yaml:1:24: error: l.png is empty\n1 file checked: 1 error\n".to_owned(),
        ),
    ] {
        let source = format!("brand: {{ logo: {{ file: {name} }} }}\n");
        let folder = Folder::new(&[("s.yaml", &source)]);
        folder.write(name, content);
        assert_eq!(folder.fails(&["check", "s.yaml"]).1, expected, "{name}");
    }
}
