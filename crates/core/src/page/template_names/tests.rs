use super::*;
use crate::config::{Color, Link};

fn config(json: &str) -> Config {
    Config::from_json(json.as_bytes()).unwrap()
}

/// Returns what is wrong with a template of this configuration.
fn errors(config: &Config, syntax: Syntax, source: &str) -> Vec<TemplateError> {
    TemplateNames::of(config, &config.brand).check(syntax, source)
}

/// Returns the text of a template that has no variables.
fn constant(config: &Config, source: &str) -> String {
    let template = TemplateNames::of(config, &config.brand)
        .read(Syntax::Text, source)
        .unwrap();
    let mut out = crate::template::Output::default();
    template.render(|_| None, &mut out);
    out.into_string()
}

#[test]
fn every_name_can_be_a_value_and_a_condition() {
    let config = config(r#"{"vars":{"phone":"1"},"brand":{"links":[{"label":"L","url":"/"}]}}"#);
    for known in NAMES {
        let name = match known.name {
            "t." => "t.label.error",
            "vars." => "vars.phone",
            name => name,
        };
        let (before, after) = match known.role {
            Role::Field(_) => ("{{#each links}}", "{{/each}}"),
            _ => ("", ""),
        };
        if known.role == Role::Retry {
            assert_eq!(errors(&config, Syntax::Html, "{{{retry}}}"), []);
            continue;
        }
        let condition = format!("{before}{{{{#if {name}}}}}{{{{/if}}}}{after}");
        assert_eq!(errors(&config, Syntax::Html, &condition), [], "{name}");
        if known.role != Role::List {
            let value = format!("{before}{{{{{name}}}}}{after}");
            assert_eq!(errors(&config, Syntax::Html, &value), [], "{name}");
        }
    }
}

#[test]
fn the_brand_and_vars_are_constants() {
    let mut config = config(r#"{"vars":{"phone":"+1"}}"#);
    config.brand.name = "Acme".to_owned();
    config.brand.color = Some(Color { r: 1, g: 2, b: 3 });
    config.brand.home_url = Some("javascript:alert(1)".to_owned());
    config.brand.links = vec![
        Link {
            label: "unsafe".into(),
            url: "javascript:alert(1)".to_owned(),
        },
        Link {
            label: "safe".into(),
            url: "/help".to_owned(),
        },
    ];
    for (source, expected) in [
        ("{{brand.name}} {{vars.phone}}", "Acme +1"),
        ("{{brand.color}}|{{brand.color_dark}}", "#010203|"),
        ("{{brand.home_url}}|{{brand.any_link}}", "|true"),
        ("{{#each links}}{{label}}:{{url}};{{/each}}", "safe:/help;"),
    ] {
        assert_eq!(constant(&config, source), expected);
    }
}

#[test]
fn an_unknown_name_gets_a_suggestion() {
    let config = config(r#"{"locales":{"strings":{"en":{"own.phone":"1"}}}}"#);
    for (source, why, meant) in [
        ("{{stauts}}", "no such name", Some("status")),
        ("{{brand.nam}}", "no such name", Some("brand.name")),
        ("{{t.own.fone}}", "no such text", Some("t.own.phone")),
        ("{{t.labl.error}}", "no such text", Some("t.label.error")),
        ("{{something_else}}", "no such name", None),
    ] {
        let errors = errors(&config, Syntax::Text, source);
        let [error] = &errors[..] else {
            panic!("one error: {errors:?}");
        };
        assert_eq!(error.why, why);
        assert_eq!(error.did_you_mean.as_deref(), meant);
    }
}
