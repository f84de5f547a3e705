//! What is escaped how, what is refused, and how much work a page is.

mod parsing;
mod parts;
mod properties;
mod specialized;

use super::*;

/// Names and values as a page could provide them.
struct Environment<'v> {
    delimiters: (&'static str, &'static str),
    constants: Vec<(&'static str, String)>,
    links: Vec<Vec<Field>>,
    variables: Vec<(&'static str, Value<'v>)>,
}

fn environment() -> Environment<'static> {
    Environment {
        delimiters: ("{{", "}}"),
        constants: [
            ("brand.name", "A & B"),
            ("brand.logo", "data:image/svg+xml;base64,PHN2Zy8+"),
            ("brand.home_url", "/home?a=1&b=2"),
            ("brand.palette", "p{color:#000}"),
            ("vars.phone", "+1 <2>"),
            ("vars.tag", "{{title}}"),
            ("vars.markup", "<b title=\"x\">bold</b>"),
            ("vars.nothing", ""),
        ]
        .map(|(name, text)| (name, text.to_owned()))
        .into(),
        links: vec![
            ["<one>", "https://one.example/"].map(constant).to_vec(),
            ["two", "tel:+1"].map(constant).to_vec(),
        ],
        variables: vec![
            ("status", Value::Verbatim("502".into())),
            ("title", Value::Text("T")),
            ("path", Value::Text("/a b/\"<'>&\u{202e}\u{1b}é?")),
            ("host", Value::Text("shop.example")),
            ("tripped_by", Value::Text("")),
            ("until", Value::Text("")),
            ("auto_retry", Value::Text("false")),
            ("safe_method", Value::Text("true")),
            (
                "hint",
                Value::Joined("Please try again in about 15 seconds.".to_owned()),
            ),
            ("t.own.hello", Value::Text("Hello & {{title}}")),
        ],
    }
}

fn constant(text: &str) -> Field {
    Field::Constant(text.to_owned())
}

impl<'v> Environment<'v> {
    /// Changes the value of a variable.
    fn set(&mut self, name: &str, value: Value<'v>) {
        let variable = self.variables.iter_mut().find(|(other, _)| *other == name);
        variable.unwrap().1 = value;
    }

    /// Returns the values of the variables of a template.
    fn values(&self, template: &Template) -> Vec<Value<'v>> {
        let value = |name: &String| {
            let variable = self.variables.iter().find(|(other, _)| other == name);
            variable.unwrap().1.clone()
        };
        template.variables().iter().map(value).collect()
    }

    fn errors(&self, syntax: Syntax, source: &str) -> Vec<TemplateError> {
        Template::compile(self, syntax, source)
            .err()
            .unwrap_or_default()
    }

    /// Renders a template. Returns the page and the number of steps.
    fn render(&self, syntax: Syntax, source: &str) -> (String, usize) {
        let template = Template::compile(self, syntax, source).unwrap();
        let values = self.values(&template);
        let mut out = Output::default();
        let steps = template.render(|number| values.get(number), &mut out);
        assert!(steps <= template.operations.len());
        (out.into_string(), steps)
    }
}

impl Names for Environment<'_> {
    fn delimiters(&self) -> (&str, &str) {
        self.delimiters
    }

    fn resolve(&self, name: &str) -> Result<Meaning<'_>, UnknownName> {
        if let Some((_, text)) = self.constants.iter().find(|(other, _)| *other == name) {
            return Ok(match name {
                "brand.logo" => Meaning::CheckedUrl(text),
                _ => Meaning::Constant(text),
            });
        }
        match name {
            "part" => Ok(Meaning::Part(parts::PART)),
            "links" => Ok(Meaning::List),
            "label" => Ok(Meaning::Field(0)),
            "url" => Ok(Meaning::Field(1)),
            _ if self.variables.iter().any(|(other, _)| *other == name) => Ok(Meaning::Variable),
            _ => Err(UnknownName {
                why: "no such name",
                did_you_mean: None,
            }),
        }
    }

    fn list(&self) -> List<'_> {
        List {
            name: "links",
            items: &self.links,
        }
    }

    fn constants(&self) -> &'static str {
        "constants"
    }
}

/// Returns the page for a template.
fn rendered(syntax: Syntax, source: &str) -> String {
    environment().render(syntax, source).0
}

/// Returns what is wrong with a template.
fn refused(syntax: Syntax, source: &str) -> Vec<String> {
    let errors = environment().errors(syntax, source);
    errors.iter().map(|error| error.why.to_string()).collect()
}

#[test]
fn a_value_is_escaped_for_its_position() {
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
        (
            "<object data-x='a' data='{{path}}'>",
            format!("<object data-x='a' data='{link}'>"),
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
            "<a href='Please%20try%20again%20in%20about%2015%20seconds.'>".to_owned(),
        ),
        (
            "<img src='{{brand.logo}}'>",
            "<img src='data:image/svg+xml;base64,PHN2Zy8+'>".to_owned(),
        ),
        (
            "{{brand.name}}{{{brand.name}}}",
            "A &amp; BA & B".to_owned(),
        ),
        // A value is not expanded again.
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
        assert_eq!(rendered(Syntax::Html, source), expected, "{source}");
    }
    assert_eq!(
        rendered(Syntax::Json, "a\"{{path}}"),
        "a\\\"/a b/\\\"\\u003c'\\u003e\\u0026\u{202e}\\u001bé?"
    );
    assert_eq!(
        rendered(Syntax::Text, "a<\n{{path}}\n{{{vars.phone}}}"),
        "a<\n/a b/\"<'>&\u{fffd}é?\n+1 <2>"
    );
}

#[test]
fn a_link_with_an_unsafe_scheme_is_empty() {
    let mut environment = environment();
    environment.set("path", Value::Text("javascript:alert(1)"));
    environment.set("host", Value::Text("java\nscript:alert(1)"));
    let joined = "java\nscript:alert(1)javascript:alert(1)".to_owned();
    environment.set("hint", Value::Joined(joined));
    let html =
        "<a href=\"{{path}}\"><a href=\"{{host}}\"><a href=\"/{{path}}\"><a href=\"{{hint}}\">";
    let expected = "<a href=\"\"><a href=\"\"><a href=\"/javascript:alert(1)\">\
                    <a href=\"java%0Ascript%3Aalert%281%29javascript%3Aalert%281%29\">";
    assert_eq!(environment.render(Syntax::Html, html).0, expected);
}

#[test]
fn a_verbatim_value_is_written_unchanged_in_every_position() {
    let mut environment = environment();
    environment.set("status", Value::Verbatim("12:15 UTC".into()));
    let html = "{{status}}<a href='{{status}}'><a href='/{{status}}'><a href='?{{status}}'>";
    let expected = "12:15 UTC<a href='12:15 UTC'><a href='/12:15 UTC'><a href='?12:15 UTC'>";
    assert_eq!(environment.render(Syntax::Html, html).0, expected);
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
        assert_eq!(rendered(Syntax::Html, source), expected, "{source}");
    }
    let mut environment = environment();
    environment.links[1][0] = Field::Variable("tripped_by".to_owned());
    let source = "{{#each links}}{{label}}{{#if label}}x{{else}}y{{/if}};{{/each}}";
    let made = environment.render(Syntax::Text, source).0;
    assert_eq!(made, "<one>x;y;");
    environment.links.clear();
    let source = "a{{#each links}}b{{label}}{{status}}{{/each}}{{#if links}}c{{else}}d{{/if}}";
    assert_eq!(environment.render(Syntax::Html, source).0, "ad");
}

#[test]
fn a_block_tag_alone_on_its_line_takes_the_line() {
    let source = "a\n  {{#if path}}  \nb\n{{else}}\nc\n{{/if}}\n{{! note }}\n{{#each links}}\n- {{label}}\n{{/each}}\nd {{#if path}}e{{/if}}\nf\n{{#if path}}\ng{{/if}}";
    assert_eq!(
        rendered(Syntax::Text, source),
        "a\nb\n- <one>\n- two\nd e\nf\ng"
    );
}

#[test]
fn other_delimiters_replace_the_usual_ones() {
    let mut environment = environment();
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
        environment.delimiters = (open, close);
        let text = environment.render(Syntax::Text, source).0;
        assert_eq!(text, "502A & B{{a}}", "{open}");
    }
}

#[test]
fn a_value_is_refused_where_it_could_act() {
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
        assert_ne!(refused(Syntax::Html, source), [""; 0], "{source}");
    }
}

#[test]
fn both_branches_of_a_block_end_in_the_same_state() {
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
        assert_ne!(refused(Syntax::Html, source), [""; 0], "{source}");
    }
    // The elements may differ, since they do not change how the text after them is read.
    assert_eq!(
        refused(
            Syntax::Html,
            "{{#if path}}<a href='/'>{{else}}<span>{{/if}}{{path}}"
        ),
        [""; 0]
    );
}

#[test]
fn scripts_and_styles_are_found_for_their_hashes() {
    let source =
        "<style>{{{brand.palette}}}a</style><svg><style></style></svg><script type=x>b</script><script></script>\
                  {{#if vars.nothing}}<style>no</style>{{/if}}{{#if path}}<STYLE>c</STYLE>{{/if}}\
                  <script>if(a<b)c</script>{{{vars.markup}}}";
    let template = Template::compile(&environment(), Syntax::Html, source).unwrap();
    assert_eq!(template.styles(), ["p{color:#000}a", "", "c"]);
    assert_eq!(template.scripts(), ["b", "if(a<b)c"]);
}

#[test]
fn branches_not_taken_take_no_steps() {
    const SOURCE_BYTES: usize = 256 << 10;
    // Of 500 blocks, half are left out: these take no steps, and the text of the others is copied once.
    let filler = "x".repeat(SOURCE_BYTES / 500 - 60);
    let source: String = (0..500)
        .map(|at| match at % 2 {
            0 => format!("{{{{#if path}}}}{filler}{{{{status}}}}{{{{/if}}}}"),
            _ => format!("{{{{#if tripped_by}}}}{filler}{{{{status}}}}{{{{/if}}}}"),
        })
        .collect();
    assert!(source.len() < SOURCE_BYTES && source.len() > SOURCE_BYTES * 9 / 10);
    let (page, steps) = environment().render(Syntax::Html, &source);
    assert_eq!(steps, 500 + 250);
    assert_eq!(page.len(), 250 * (filler.len() + 3));
}

#[test]
fn only_values_of_branches_that_are_taken_are_needed() {
    let source = "{{#if path}}{{status}}{{else}}{{title}}{{/if}}{{#if until}}{{host}}{{/if}}";
    let environment = environment();
    let template = Template::compile(&environment, Syntax::Text, source).unwrap();
    let needed = std::cell::RefCell::new(Vec::new());
    let value = |number: usize| {
        let name = template.variables()[number].as_str();
        needed.borrow_mut().push(name);
        let (_, value) = environment.variables.iter().find(|(of, _)| *of == name)?;
        Some(value)
    };
    template.render(value, &mut Output::default());
    assert_eq!(*needed.borrow(), ["path", "status", "until"]);
}

#[test]
fn a_variable_needs_one_value_however_often_it_is_used() {
    let source = "{{title}}{{#if title}}{{status}}{{/if}}".repeat(500);
    let template = Template::compile(&environment(), Syntax::Text, &source).unwrap();
    assert_eq!(template.variables(), ["title", "status"]);
}

#[test]
fn a_template_beyond_a_limit_is_refused() {
    let too_much = "the page would be too large, counting what `each` repeats";
    let tags = "{{status}}".repeat(limits::TEMPLATE_TAGS);
    assert_eq!(refused(Syntax::Text, &tags), [""; 0]);
    assert_eq!(refused(Syntax::Text, &(tags + "{{status}}")), [too_much]);
    let repeated = "{{status}}".repeat(limits::TEMPLATE_TAGS / 2);
    let repeat = |body: &str| format!("{{{{#each links}}}}{body}{{{{/each}}}}");
    assert_eq!(refused(Syntax::Text, &repeat(&repeated)), [""; 0]);
    assert!(
        refused(Syntax::Text, &repeat(&(repeated + "{{status}}"))).contains(&too_much.to_owned())
    );
    let mut environment = environment();
    let big = 16 << 10;
    environment.constants.push(("vars.big", "x".repeat(big)));
    let source = "{{vars.big}}".repeat(limits::PAGE_BYTES / big);
    assert!(environment.errors(Syntax::Text, &source).is_empty());
    let errors = environment.errors(Syntax::Text, &(source + "{{vars.big}}"));
    assert_eq!(errors[0].why, too_much);
    let deep = |depth: usize| "{{#if path}}".repeat(depth) + &"{{/if}}".repeat(depth);
    assert_eq!(
        refused(Syntax::Text, &deep(limits::TEMPLATE_DEPTH)),
        [""; 0]
    );
    assert_ne!(
        refused(Syntax::Text, &deep(limits::TEMPLATE_DEPTH + 1)),
        [""; 0]
    );
    assert_eq!(
        refused(Syntax::Text, &"{{nothing}}".repeat(1000)).len(),
        limits::ERRORS
    );
}
