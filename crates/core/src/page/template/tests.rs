//! The engine: what is escaped how, what is refused, how much work it is.

mod properties;

use super::super::language::Languages;
use super::super::shown::Shown;
use super::super::words::Words;
use super::*;
use crate::config::{limits, Config};
use crate::reason::{Reason, Source};

fn config() -> Config {
    let text = r#"{
        "brand": {
            "name": "A & B", "logo": "data:image/svg+xml;base64,PHN2Zy8+", "home_url": "/home?a=1&b=2",
            "links": [{ "label": "<one>", "url": "https://one.example/" }, { "label": "two", "url": "tel:+1" }]
        },
        "vars": { "phone": "+1 <2>", "tag": "{{title}}", "markup": "<b title=\"x\">bold</b>", "nothing": "" },
        "locales": { "strings": { "en": { "own.hello": "Hello & {{title}}", "title": "T" } } }
    }"#;
    Config::from_json(text.as_bytes()).unwrap()
}

fn shown() -> Shown<'static> {
    Shown {
        status: 502,
        reason: Reason::ConnectionRefused,
        source: Source::Proxy,
        tripped_by: None,
        notice: None,
        until: None,
        retry_after_ms: Some(12_000),
        wait_ms: Some(12_000),
        retry_at: None,
        method: "GET",
        safe: true,
        auto: None,
        request_id: Some("a-1"),
        time: None,
        host: Some("shop.example".to_owned()),
        path: Some("/a b/\"<'>&\u{202e}\u{1b}é?".to_owned()),
    }
}

/// Renders, with the number of steps that it took.
fn run(config: &Config, syntax: Syntax, source: &str, shown: &Shown<'_>) -> (String, usize) {
    let program = Env::of(config).read(syntax, source).unwrap();
    let languages = Languages::new(&config.locales);
    let words = Words {
        language: languages.get(Default::default()).unwrap(),
        languages: &languages,
        page: &[],
    };
    let scope = Scope::new(shown, words);
    let mut out = Body::default();
    let steps = program.write(&scope, &mut out);
    assert!(steps <= program.ops.len());
    (String::from_utf8(out.into_bytes()).unwrap(), steps)
}

fn made(syntax: Syntax, source: &str) -> String {
    run(&config(), syntax, source, &shown()).0
}

fn wrong(syntax: Syntax, source: &str) -> Vec<&'static str> {
    let errors = Env::of(&config()).check(syntax, source);
    errors.iter().map(|error| error.why).collect()
}

#[test]
fn a_value_is_escaped_for_where_it_stands() {
    let path = "/a b/&quot;&lt;&#39;&gt;&amp;\u{fffd}é?";
    let link = "/a%20b/%22%3C&#39;%3E&amp;%E2%80%AE%1B%C3%A9?";
    let query = "%2Fa%20b%2F%22%3C%27%3E%26%E2%80%AE%1B%C3%A9%3F";
    for (source, expected) in [
        ("<p>{{path}}</p>", format!("<p>{path}</p>")),
        ("<p title='{{ path }}'>", format!("<p title='{path}'>")),
        (
            "<p data-src=\"{{path}}\">",
            format!("<p data-src=\"{path}\">"),
        ),
        ("<title>{{path}}</title>", format!("<title>{path}</title>")),
        ("<a href=\"{{path}}\">", format!("<a href=\"{link}\">")),
        ("<A HREF = '{{path}}'>", format!("<A HREF = '{link}'>")),
        (
            "<a href=\"https://x.example{{! }}/{{path}}\">",
            format!("<a href=\"https://x.example/{link}\">"),
        ),
        (
            "<a href=\"mailto:a@b?subject={{path}}&amp;x={{path}}\">",
            format!("<a href=\"mailto:a@b?subject={query}&amp;x={query}\">"),
        ),
        (
            "<a href=\"{{brand.home_url}}#{{path}}\">",
            format!("<a href=\"/home?a=1&amp;b=2#{query}\">"),
        ),
        (
            "<svg><use xlink:href='#{{path}}'/></svg>",
            format!("<svg><use xlink:href='#{query}'/></svg>"),
        ),
        (
            "<a href=\"{{t.own.hello}}\">",
            "<a href=\"Hello%20&amp;%20%7B%7Btitle%7D%7D\">".to_owned(),
        ),
        (
            "<a href='{{hint}}'>",
            "<a href='Please%20try%20again%20in%20about%2015%20seconds.'>"
                .replace("15", "%s")
                .replace("%s", "15"),
        ),
        (
            "<img src='{{brand.logo}}'>",
            "<img src='data:image/svg+xml;base64,PHN2Zy8+'>".to_owned(),
        ),
        (
            "{{brand.name}}{{{brand.name}}}",
            "A &amp; BA & B".to_owned(),
        ),
        // Nothing is expanded a second time.
        (
            "{{vars.tag}}{{{vars.tag}}}{{t.own.hello}}",
            "{{title}}{{title}}Hello &amp; {{title}}".to_owned(),
        ),
        (
            "{{{vars.markup}}}{{vars.phone}}",
            "<b title=\"x\">bold</b>+1 &lt;2&gt;".to_owned(),
        ),
        (
            "a < b {{status}} <3 {{status}}",
            "a < b 502 <3 502".to_owned(),
        ),
        (
            "<!doctype html><br/>{{status}}<!-- - -- a -->{{status}}<!-->{{status}}",
            "<!doctype html><br/>502<!-- - -- a -->502<!-->502".to_owned(),
        ),
        (
            "<script>a<b</script >{{status}}",
            "<script>a<b</script >502".to_owned(),
        ),
        (
            "<input {{#if path}}checked{{/if}}>{{status}}",
            "<input checked>502".to_owned(),
        ),
        (
            "<p a='b'{{#if path}} c='{{path}}'{{/if}} d>",
            format!("<p a='b' c='{path}' d>"),
        ),
    ] {
        assert_eq!(made(Syntax::Html, source), expected, "{source}");
    }
    assert_eq!(
        made(Syntax::Json, "a\"{{path}}"),
        "a\\\"/a b/\\\"\\u003c'\\u003e\\u0026\u{202e}\\u001bé?"
    );
    assert_eq!(
        made(Syntax::Text, "a<\n{{path}}\n{{{vars.phone}}}"),
        "a<\n/a b/\"<'>&\u{fffd}é?\n+1 <2>"
    );
}

#[test]
fn addresses_with_schemes_that_act_are_empty() {
    let config = config();
    let shown = Shown {
        path: Some("javascript:alert(1)".to_owned()),
        host: Some("java\nscript:alert(1)".to_owned()),
        ..shown()
    };
    let html =
        "<a href=\"{{path}}\"><a href=\"{{host}}\"><a href=\"/{{path}}\"><a href=\"{{address}}\">";
    let expected = "<a href=\"\"><a href=\"\"><a href=\"/javascript:alert(1)\">\
                    <a href=\"java%0Ascript%3Aalert%281%29javascript%3Aalert%281%29\">";
    assert_eq!(run(&config, Syntax::Html, html, &shown).0, expected);
}

#[test]
fn blocks_choose_and_repeat() {
    for (source, expected) in [
        ("{{#if path}}a{{else}}b{{/if}}c", "ac"),
        ("{{#if tripped_by}}a{{else}}b{{/if}}c", "bc"),
        ("{{#if tripped_by}}a{{status}}{{/if}}c", "c"),
        (
            "{{#if safe_method}}a{{/if}}{{#if until}}b{{/if}}{{#if status}}c{{/if}}",
            "ac",
        ),
        ("{{#if brand.name}}a{{else}}b{{status}}{{/if}}", "a"),
        (
            "{{#if vars.nothing}}a{{#if path}}x{{/if}}{{else}}b{{/if}}",
            "b",
        ),
        (
            "{{#if path}}{{#if tripped_by}}a{{else}}{{#if status}}b{{/if}}c{{/if}}d{{/if}}",
            "bcd",
        ),
        (
            "{{#if tripped_by}}{{#if path}}a{{else}}b{{/if}}{{else}}{{#if path}}c{{/if}}{{/if}}d",
            "cd",
        ),
        (
            "{{#each links}}{{label}}={{url}} {{status}};{{/each}}",
            "&lt;one&gt;=https://one.example/ 502;two=tel:+1 502;",
        ),
        (
            "{{#if links}}{{#each links}}{{#if label}}x{{else}}y{{/if}}{{/each}}{{/if}}",
            "xx",
        ),
        ("{{! a }}b{{!c}}", "b"),
    ] {
        assert_eq!(made(Syntax::Html, source), expected, "{source}");
    }
    let without = Config::default();
    let source = "a{{#each links}}b{{label}}{{status}}{{/each}}{{#if links}}c{{else}}d{{/if}}";
    assert_eq!(run(&without, Syntax::Html, source, &shown()).0, "ad");
}

#[test]
fn a_block_with_a_line_for_itself_takes_the_line() {
    let source = "a\n  {{#if path}}  \nb\n{{else}}\nc\n{{/if}}\n{{! note }}\n{{#each links}}\n- {{label}}\n{{/each}}\nd {{#if path}}e{{/if}}\nf\n{{#if path}}\ng{{/if}}";
    assert_eq!(
        made(Syntax::Text, source),
        "a\nb\n- <one>\n- two\nd e\nf\ng"
    );
}

#[test]
fn other_delimiters_take_the_place_of_the_usual_ones() {
    let mut config = config();
    for (open, close, source) in [
        (
            "[[",
            "]]",
            "[[status]][[{brand.name}]][[#if path]]{{a}}[[/if]]",
        ),
        (
            "<%",
            "%>",
            "<%status%><%{brand.name}%><%#if path%>{{a}}<%/if%>",
        ),
        ("$", "$$", "$status$$${brand.name}$$$#if path$${{a}}$/if$$"),
    ] {
        config.delimiters = (open.to_owned(), close.to_owned());
        let text = run(&config, Syntax::Text, source, &shown()).0;
        assert_eq!(text, "502A & B{{a}}", "{open}");
    }
}

#[test]
fn values_stand_nowhere_where_they_could_act() {
    for source in [
        "<{{status}}",
        "</{{status}}",
        "<a{{status}}>",
        "<a {{status}}>",
        "<a b{{status}}=''>",
        "<a b={{status}}>",
        "<a b=c{{status}}>",
        "<a b= {{status}}>",
        "<!{{status}}>",
        "<!-- {{status}}-->",
        "<!--> --> <!-- {{status}}",
        "<?{{status}}>",
        "</ {{status}}>",
        "<script>{{status}}</script>",
        "<SCRIPT a>{{status}}</SCRIPT>",
        "<script></scripty>{{status}}</script>",
        "<style>{{#if path}}{{/if}}</style>",
        "<style>{{status}}</style>",
        "<xmp>{{status}}</xmp>",
        "<iframe>{{status}}</iframe>",
        "<noembed>{{status}}</noembed>",
        "<plaintext>{{status}}</plaintext>",
        "<script src='{{path}}'></script>",
        "<base href='{{path}}'>",
        "<iframe src='{{path}}'></iframe>",
        "<a onclick='{{path}}'>",
        "<a ON='{{path}}'>",
        "<a style='{{path}}'>",
        "<a svg:onload='{{path}}'>",
        "<iframe srcdoc='{{path}}'></iframe>",
        "<img srcset='{{path}}'>",
        "<set to='{{path}}'>",
        "<meta http-equiv='refresh' content='{{path}}'>",
        "<meta content='{{path}}' http-equiv=refresh>",
        "<meta http-equiv=refresh content='{{path}}'>",
        "<a href='x{{path}}'>",
        "<a href='javascript:{{path}}'>",
        "<a href='javascript:/{{path}}'>",
        "<a href='&#106;avascript:/{{path}}'>",
        "<a href='java\tscript:{{path}}'>",
        "<a href=' data:/{{path}}'>",
        "<a href='{{path}}{{path}}'>",
        "<a href='{{path}}:{{path}}'>",
        "<a href='{{host}}:/{{path}}'>",
        "<a href='{{#if path}}javascript{{else}}http{{/if}}:{{path}}'>",
        "<a href='{{#if path}}javascript:{{else}}{{/if}}{{path}}'>",
        "<a href='{{#if path}}a{{else}}/{{/if}}{{path}}'>",
        "<title><b>{{path}}</b></title>",
        "<title><!-- {{path}} --></title>",
        "<textarea></title><b>{{path}}</textarea>",
        "<svg><![CDATA[ {{path}} ]]>",
        "<a data-x{{path}}='y'>",
        "<a aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa='{{path}}'>",
        "<input {{#if path}}onclick{{/if}}='{{path}}'>",
        "<input onclick {{#if path}}{{/if}}= a='{{path}}'>",
        "<input {{#if path}}a{{/if}}b>{{path}}",
        "<script><!-- <script> </script>{{path}}",
    ] {
        assert_ne!(wrong(Syntax::Html, source), [""; 0], "{source}");
    }
}

#[test]
fn blocks_end_where_they_begin() {
    for source in [
        "{{#if path}}<p title=\"{{else}}<p>{{/if}}",
        "<p title='{{#if path}}'>{{/if}}",
        "{{#if path}}<b {{/if}}>",
        "{{#each links}}<b title='{{/each}}",
        "{{#if path}}<!--{{/if}}",
        "<a href={{#if path}}'a'{{/if}}>",
        "<p>{{#if path}}<script>{{/if}}</script>",
        "<p{{#if path}} a{{/if}}>",
    ] {
        assert_ne!(wrong(Syntax::Html, source), [""; 0], "{source}");
    }
    // Elements may differ: what counts is how the bytes are read.
    assert_eq!(
        wrong(
            Syntax::Html,
            "{{#if path}}<a href='/'>{{else}}<span>{{/if}}{{path}}"
        ),
        [""; 0]
    );
}

#[test]
fn every_name_can_be_shown_and_asked_for() {
    for known in names::NAMES {
        let name = match known.name {
            "t." => "t.label.error",
            "vars." => "vars.phone",
            name => name,
        };
        let (before, after) = match known.meaning {
            names::Meaning::OfLink => ("{{#each links}}", "{{/each}}"),
            _ => ("", ""),
        };
        if known.meaning != names::Meaning::Links {
            assert_eq!(
                wrong(Syntax::Html, &format!("{before}{{{{{name}}}}}{after}")),
                [""; 0]
            );
        }
        let asked = format!("{before}{{{{#if {name}}}}}{{{{/if}}}}{after}");
        assert_eq!(wrong(Syntax::Html, &asked), [""; 0], "{name}");
    }
}

#[test]
fn scripts_and_styles_are_found_for_their_hashes() {
    let source =
        "<style>{{{brand.palette}}}a</style><svg><style></style></svg><script type=x>b</script>\
                  {{#if vars.nothing}}<style>no</style>{{/if}}{{#if path}}<STYLE>c</STYLE>{{/if}}\
                  <script>if(a<b)c</script>{{{vars.markup}}}";
    let config = config();
    let program = Env::of(&config).read(Syntax::Html, source).unwrap();
    let text = |styles| -> Vec<String> {
        let blocks = program.blocks(styles);
        blocks
            .iter()
            .map(|block| String::from_utf8(block.to_vec()).unwrap())
            .collect()
    };
    assert_eq!(
        text(true),
        [color::palette(&config.brand) + "a", "c".to_owned()]
    );
    assert_eq!(text(false), ["b", "if(a<b)c"]);
}

#[test]
fn the_work_is_bounded() {
    // The most that a template can be, of 500 blocks: no step for what is left out, and every
    // byte copied once.
    let filler = "x".repeat(limits::TEMPLATE_BYTES / 500 - 60);
    let source: String = (0..500)
        .map(|at| match at % 2 {
            0 => format!("{{{{#if path}}}}{filler}{{{{status}}}}{{{{/if}}}}"),
            _ => format!("{{{{#if tripped_by}}}}{filler}{{{{status}}}}{{{{/if}}}}"),
        })
        .collect();
    assert!(
        source.len() < limits::TEMPLATE_BYTES && source.len() > limits::TEMPLATE_BYTES * 9 / 10
    );
    let (page, steps) = run(&config(), Syntax::Html, &source, &shown());
    assert_eq!(steps, 500 + 250);
    assert_eq!(page.len(), 250 * (filler.len() + 3));
}

#[test]
fn a_text_is_looked_up_once_however_often_it_is_shown() {
    let config = config();
    let languages = Languages::new(&config.locales);
    let words = Words {
        language: languages.get(Default::default()).unwrap(),
        languages: &languages,
        page: &[],
    };
    let (source, shown) = ("{{title}}{{t.label.time}}", shown());
    let program = Env::of(&config)
        .read(Syntax::Text, &source.repeat(500))
        .map_err(|errors| errors.len())
        .unwrap();
    let scope = Scope::new(&shown, words);
    let mut out = Body::default();
    program.write(&scope, &mut out);
    assert_eq!(scope.looked_up.get(), 2);
}

#[test]
fn what_is_too_much_is_refused() {
    let too_much = "more than a page can hold, with what `each` repeats";
    let tags = "{{status}}".repeat(limits::TEMPLATE_TAGS);
    assert_eq!(wrong(Syntax::Text, &tags), [""; 0]);
    assert_eq!(wrong(Syntax::Text, &(tags + "{{status}}")), [too_much]);
    let repeated = "{{status}}".repeat(limits::TEMPLATE_TAGS / 2);
    let repeat = |body: &str| format!("{{{{#each links}}}}{body}{{{{/each}}}}");
    assert_eq!(wrong(Syntax::Text, &repeat(&repeated)), [""; 0]);
    assert!(wrong(Syntax::Text, &repeat(&(repeated + "{{status}}"))).contains(&too_much));
    let mut config = config();
    config.vars = vec![("big".to_owned(), "x".repeat(limits::VAR_BYTES))];
    let big = "{{vars.big}}".repeat(limits::PAGE_BYTES / limits::VAR_BYTES);
    assert!(Env::of(&config).check(Syntax::Text, &big).is_empty());
    let errors = Env::of(&config).check(Syntax::Text, &(big + "{{vars.big}}"));
    assert_eq!(errors[0].why, too_much);
    let deep = |depth: usize| "{{#if path}}".repeat(depth) + &"{{/if}}".repeat(depth);
    assert_eq!(wrong(Syntax::Text, &deep(limits::TEMPLATE_DEPTH)), [""; 0]);
    assert_ne!(
        wrong(Syntax::Text, &deep(limits::TEMPLATE_DEPTH + 1)),
        [""; 0]
    );
    assert_eq!(
        wrong(Syntax::Text, &"{{nothing}}".repeat(1000)).len(),
        limits::ERRORS
    );
}
