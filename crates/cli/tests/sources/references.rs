//! Every file that a page refers to is embedded or named; pages as operators have them.

use crate::{page, text, Folder, SOURCE};

/// Returns a folder with a page and the files that the tests refer to.
fn folder(html: &str) -> Folder {
    let folder = Folder::new(&[("s.yaml", SOURCE), ("pages/a.html", html)]);
    for name in [
        "a.png", "a.svg", "a.woff2", "a.mp4", "a.mp3", "a.vtt", "a.json", "a.js", "a.pdf",
    ] {
        folder.write(&format!("pages/{name}"), name.as_bytes());
    }
    folder
}

/// Each reference: what stands for it in the bundle, or else what `check` says about it.
#[test]
fn every_file_that_a_page_refers_to_is_embedded_or_named() {
    let stays = |what: &str, advice: &str| {
        Err(format!(
            "{what} loads a file from the site that is failing, which the page's policy blocks; {advice}"
        ))
    };
    let drawing = "put the drawing into the page as <svg>";
    let hint = "remove it, since `tidegate bundle` embeds the files of the source";
    let blocked = |what: &str| Err(format!("{what} is blocked by the page's policy"));
    let png = "data:image/png;base64,YS5wbmc=";
    let table: Vec<(&str, Result<String, String>)> = vec![
        (
            "<svg><use href=\"a.svg#x\"/></svg>",
            stays("<use href=\"a.svg#x\">", drawing),
        ),
        (
            "<svg><circle fill=\"url(a.svg#x)\"/></svg>",
            stays("<circle fill=\"url(a.svg#x)\">", drawing),
        ),
        (
            "<svg><image href=\"a.png\"/></svg>",
            Ok(format!("<image href=\"{png}\"/>")),
        ),
        (
            "<svg><filter><feImage xlink:href=a.png /></filter></svg>",
            Ok(format!("<feImage xlink:href=\"{png}\" />")),
        ),
        (
            "<link rel=\"preload\" as=\"font\" href=\"a.woff2\">",
            stays("<link href=\"a.woff2\">", hint),
        ),
        (
            "<link rel=\"modulepreload\" href=\"a.js\">",
            stays("<link href=\"a.js\">", hint),
        ),
        (
            "<link rel=\"prefetch\" href=\"a.js\">",
            stays("<link href=\"a.js\">", hint),
        ),
        (
            "<link rel=\"manifest\" href=\"a.json\">",
            stays(
                "<link href=\"a.json\">",
                "remove it, since a page for failures is not installed",
            ),
        ),
        (
            "<link rel=\"alternate stylesheet\" href=\"a.css\">",
            stays(
                "<link href=\"a.css\">",
                "remove it, or make it the only style sheet",
            ),
        ),
        (
            "<link rel=\"mask-icon\" href=\"a.svg\">",
            Ok("<link rel=\"mask-icon\" href=\"data:image/svg+xml;base64,YS5zdmc=\">".into()),
        ),
        (
            "<link rel=\"Shortcut Icon\" href=\"a.png\">",
            Ok(format!("href=\"{png}\">")),
        ),
        (
            "<video src=\"a.mp4\" poster=a.png></video>",
            Ok(format!(
                "<video src=\"data:video/mp4;base64,YS5tcDQ=\" poster=\"{png}\">"
            )),
        ),
        (
            "<audio src=\"a.mp3\"></audio>",
            Ok("<audio src=\"data:audio/mpeg;base64,YS5tcDM=\">".into()),
        ),
        (
            "<video><track src=\"a.vtt\"></video>",
            Ok("<track src=\"data:text/vtt;base64,YS52dHQ=\">".into()),
        ),
        (
            "<object data=\"a.svg\"></object>",
            blocked("<object data=\"a.svg\">"),
        ),
        ("<embed src=\"a.pdf\">", blocked("<embed src=\"a.pdf\">")),
        (
            "<iframe src=\"a.html\"></iframe>",
            blocked("<iframe src=\"a.html\">"),
        ),
        (
            "<table><td background=\"a.png\"></table>",
            Ok(format!("<td background=\"{png}\">")),
        ),
        (
            "<input type=image src=a.png alt=x>",
            Ok(format!("<input type=image src=\"{png}\" alt=x>")),
        ),
        (
            "<img src=\"a.svg#part\" alt>",
            Ok("src=\"data:image/svg+xml;base64,YS5zdmc=#part\"".into()),
        ),
        (
            "<img srcset=\"a.png 1x, a.svg 2x\" alt>",
            Ok(format!(
                "srcset=\"{png} 1x, data:image/svg+xml;base64,YS5zdmc= 2x\""
            )),
        ),
        (
            "<style>b{background:image-set(\"a.png\" 1x)}</style>",
            Ok(format!("image-set(url({png}) 1x)")),
        ),
        (
            "<style>@namespace a url(a.png);b{background:url(a.png)}</style>",
            Ok(format!(
                "@namespace a url(a.png);b{{background:url({png})}}"
            )),
        ),
        (
            "<noscript><img src=a.png alt></noscript>",
            Ok(format!("<noscript><img src=\"{png}\" alt></noscript>")),
        ),
        (
            "<script type=\"module\">import \"./a.js\"</script>",
            stays("import \"./a.js\"", "put the scripts into one file"),
        ),
        (
            "<script>x = \"<!--\"</script>",
            Ok("<script>x = \"<!--\"</script>".into()),
        ),
        (
            "<a href=\"a.pdf\">x</a>",
            Ok("<a href=\"a.pdf\">x</a>".into()),
        ),
        (
            "<img src=\"shown/{{status}}.png\" alt>",
            stays(
                "<img src=\"shown/{{status}}.png\">",
                "`tidegate bundle` embeds only files whose names contain no tags",
            ),
        ),
    ];
    for (reference, expected) in table {
        let folder = folder(&page(reference, ""));
        let (_, config) = folder.bundle(&["s.yaml"]);
        let html = &config.templates[0].1.html.as_ref().unwrap().text;
        let (_, stderr) = folder.fails(&["check", "s.yaml"]);
        let warnings: Vec<&str> = stderr
            .lines()
            .filter_map(|line| line.split_once(": warning: "))
            .map(|(_, what)| what)
            .collect();
        match expected {
            Ok(part) => {
                assert!(html.contains(&part), "{reference}: {html}");
                assert_eq!(warnings, [""; 0], "{reference}");
            }
            Err(warning) => {
                assert!(html.contains(reference), "{reference}: {html}");
                assert_eq!(warnings, [warning], "{reference}");
                assert!(stderr.starts_with("pages/a.html:5:"), "{stderr}");
            }
        }
    }
}

/// The filter gets this file without a bundle.
#[test]
fn a_configuration_for_the_filter_has_no_files() {
    let html = page(
        "<img src=\"a.png\" alt><style>@import 'a.css';</style><script src=a.js></script>",
        "",
    );
    let source = serde_json::json!({
        "templates": { "a": { "html": html } }, "pages": [{ "template": "a" }]
    });
    let folder = Folder::new(&[("filter.json", &source.to_string()), ("a.png", "PNG")]);
    let (code, stderr) = folder.fails(&["check", "filter.json"]);
    let from = "loads a file from the site that is failing, which the page's policy blocks; `tidegate bundle` \
                embeds the files of a source";
    let place = "filter.json:1:54: warning: templates.a.html: line 5, column";
    let expected = format!(
        "{place} 10: <img src=\"a.png\"> {from}\n{place} 29: @import 'a.css'; {from}\n\
         {place} 65: <script src=\"a.js\"> {from}\n1 file checked: 0 errors, 3 warnings\n"
    );
    assert_eq!((code, stderr), (Some(0), expected));
}

#[test]
fn files_of_embedded_style_sheets_and_scripts_are_named_with_their_place() {
    let html = page(
        "<link rel=stylesheet href=a.css>",
        "<script type=module src=b.js></script>",
    );
    let folder = folder(&html);
    folder.write(
        "pages/a.css",
        b"@import url(//x.example/b.css);\na{b:url(a.png)}\n\n  c{d:url(/e.png)}\n@font-face{src:url(f.eot),url(a.woff2)}\n",
    );
    folder.write("pages/b.js", b"import './a.js'\n");
    let (code, stderr) = folder.fails(&["check", "s.yaml"]);
    let expected = "pages/a.css:1:1: warning: @import url(//x.example/b.css); loads a file from another site, which \
         the page's policy blocks; add the file to the source, and `tidegate bundle` embeds it\n\
         pages/a.css:4:7: warning: url(/e.png) loads a file from the site that is failing, which the page's policy \
         blocks; add the file to the source, and `tidegate bundle` embeds it\n\
         pages/a.css:5:16: warning: the font \"f.eot\" is left out, since no supported browser reads a font of this \
         form\n\
         pages/b.js:1:8: warning: import \"./a.js\" loads a file from the site that is failing, which the page's \
         policy blocks; put the scripts into one file\n\
         1 file checked: 0 errors, 4 warnings\n";
    assert_eq!((code, stderr.as_str()), (Some(0), expected));
}

/// andrewdavey/cassette#344: the style sheets of Font Awesome and IcoMoon.
#[test]
fn a_font_is_embedded_once_in_a_form_that_every_browser_reads() {
    let folder = folder(&page("<link rel=stylesheet href=a.css>", ""));
    let css = "@font-face{font-family:I;src:url('i.eot');src:url('i.eot?#iefix') format('embedded-opentype'),\
               url('i.woff2') format('woff2'),url('i.ttf') format('truetype'),url('i.svg#I') format('svg')}";
    folder.write("pages/a.css", css.as_bytes());
    for name in ["i.eot", "i.woff2", "i.ttf", "i.svg"] {
        folder.write(&format!("pages/{name}"), name.as_bytes());
    }
    let (_, config) = folder.bundle(&["s.yaml"]);
    let html = &config.templates[0].1.html.as_ref().unwrap().text;
    let expected = "<style>@font-face{font-family:I;src:url(data:font/woff2;base64,aS53b2ZmMg==) format('woff2')}</style>";
    assert!(html.contains(expected), "{html}");
    let (code, stderr) = folder.fails(&["check", "s.yaml"]);
    assert_eq!(code, Some(0));
    let named: Vec<_> = stderr
        .lines()
        .filter_map(|line| line.split('"').nth(1))
        .collect();
    assert_eq!(named, ["i.eot", "i.eot?#iefix", "i.svg#I"], "{stderr}");
}

/// Each file, with its first line of findings.
#[test]
fn a_file_that_is_no_page_in_utf_8_is_refused_with_its_place() {
    let html = "<!doctype html>\n<title>Ошибка</title>\n";
    let utf_16 = |text: &str| -> Vec<u8> {
        let units = text.encode_utf16();
        units.flat_map(u16::to_le_bytes).collect()
    };
    for (name, bytes, expected) in [
        (
            "windows-1251",
            b"<!doctype html>\n<meta charset=windows-1251>\n<title>\xce\xf8\xe8\xe1\xea\xe0</title>\n".to_vec(),
            "pages/a.html:3:8: error: not UTF-8; allowed: text in UTF-8",
        ),
        (
            "Shift_JIS that says UTF-8",
            b"<!doctype html>\n<meta charset=utf-8>\n<title>\x83G\x83\x89\x81[</title>\n".to_vec(),
            "pages/a.html:3:8: error: not UTF-8; allowed: text in UTF-8",
        ),
        (
            "UTF-16 with a mark",
            utf_16(&format!("\u{feff}{html}")),
            "pages/a.html:1:1: error: UTF-16, or no text; allowed: text in UTF-8",
        ),
        (
            "UTF-16 without a mark",
            utf_16("<p>away"),
            "pages/a.html:1:2: error: UTF-16, or no text; allowed: text in UTF-8",
        ),
        (
            "a NUL",
            b"<!doctype html>\n<p>a\0".to_vec(),
            "pages/a.html:2:5: error: UTF-16, or no text; allowed: text in UTF-8",
        ),
        (
            "an error file of HAProxy",
            b"HTTP/1.0 503 Service Unavailable\r\nContent-Type: text/html\r\n\r\n<!doctype html>\r\n".to_vec(),
            "pages/a.html:1:1: warning: begins with an HTTP status line, which visitors would read, as in an \
             `errorfile` of HAProxy; delete everything before the page",
        ),
    ] {
        let folder = folder("");
        folder.write("pages/a.html", &bytes);
        let (_, stderr) = folder.fails(&["check", "s.yaml"]);
        assert_eq!(stderr.lines().next(), Some(expected), "{name}");
    }
}

/// A browser and the filter count and hash the lines in the same way.
#[test]
fn line_ends_and_a_byte_order_mark_change_nothing() {
    let html = page(
        "<style>\na{}\n</style>",
        "<p\nonclick='x()'>\n<script>\nx()\n</script>",
    );
    let made = |html: &str| {
        let folder = folder(html);
        let (json, _) = folder.bundle(&["s.yaml"]);
        (json, folder.fails(&["check", "s.yaml"]))
    };
    let expected = made(&html);
    assert!(
        expected
            .1
             .1
            .starts_with("pages/a.html:9:9: warning: `onclick`"),
        "{}",
        expected.1 .1
    );
    for (name, html) in [
        ("CR LF", html.replace('\n', "\r\n")),
        ("CR", html.replace('\n', "\r")),
        ("a byte order mark", format!("\u{feff}{html}")),
    ] {
        assert_eq!(made(&html), expected, "{name}");
    }
}

/// Tags of other template languages, and text that looks like a tag.
#[test]
fn what_is_no_tag_of_tidegate_is_refused_with_its_place() {
    let other = "; is this a tag of another template language, such as Helm or Go? `delimiters` gives Tidegate's own \
                 tags another form, and docs/pages.md has a recipe for a chart";
    for (delimiters, body, expected) in [
        ("", "<p>{{ .Values.title }}", format!("5:4: error: templates.a.html: found \"{{{{ .Values.title }}}}\": no such name{other}")),
        ("", "<p>{{ message | escape }}", format!("5:4: error: templates.a.html: found \"{{{{ message | escape }}}}\": no such name{other}")),
        ("", "<p>{{ if show_details }}", format!("5:4: error: templates.a.html: found \"{{{{ if show_details }}}}\": no such name{other}")),
        ("", "<p>{{- end -}}", format!("5:4: error: templates.a.html: found \"{{{{- end -}}}}\": no such name{other}")),
        (
            "delimiters: [\"[[\", \"]]\"]\n",
            "<script>\nx = [[1,2]]\n</script>",
            "6:5: error: templates.a.html: found \"[[1,2]]\": no such name; a page with this text needs other `delimiters`".to_owned(),
        ),
        ("", "<a href={{brand.home_url}}>x</a>", "5:9: error: templates.a.html: found \"{{brand.home_url}}\": a tag in an attribute value without quotes".to_owned()),
    ] {
        let html = format!("<!doctype html>\n<html lang=en>\n<meta name=viewport content=x>\n<title>x</title>\n{body}\n");
        let folder = Folder::new(&[("s.yaml", &format!("{delimiters}{SOURCE}")), ("pages/a.html", &html)]);
        let output = folder.run(&["check", "s.yaml"]);
        let stderr = text(&output.stderr);
        let error = stderr.lines().find(|line| line.contains(": error: "));
        assert_eq!(error, Some(format!("pages/a.html:{expected}").as_str()), "{body}");
    }
}
