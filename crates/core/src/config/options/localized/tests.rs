use crate::config::Config;

fn read(message: &str, default: &str) -> Config {
    let json = format!(
        r#"{{"locales":{{"default":"{default}"}},"vars":{{"x":{message}}},
            "brand":{{"links":[{{"label":{message},"url":"/"}}]}},
            "routes":[{{"name":"a","maintenance":{{"message":{message}}}}}]}}"#
    );
    Config::from_json(json.as_bytes()).unwrap()
}

#[test]
fn a_text_is_that_of_the_language_or_of_a_broader_one_or_of_the_default_language() {
    let texts = r#"{"de":"Moin","pt-BR":"Oi","zh-Hant":"\u55e8","en":"Hi","no":"Hei"}"#;
    let config = read(texts, "de");
    let maintenance = config.routes[0].maintenance.as_ref().unwrap();
    let message = maintenance.message.as_ref().unwrap();
    for text in [&config.vars[0].1, &config.brand.links[0].label, message] {
        for (language, expected) in [
            ("de", "Moin"),
            ("de-AT", "Moin"),
            ("DE", "Moin"),
            ("en", "Hi"),
            ("pt", "Oi"),
            ("zh-TW", "\u{55e8}"),
            ("nb", "Hei"),
            // The default language, whatever comes first.
            ("ja", "Moin"),
            ("zh-Hans", "\u{55e8}"),
        ] {
            assert_eq!(text.get(language), expected, "{language}");
        }
        assert_eq!(text.single(), None);
    }
}

#[test]
fn a_text_without_languages_is_for_all_of_them() {
    let config = read("\"Hi\"", "ja");
    for language in ["de", "ja", ""] {
        assert_eq!(config.vars[0].1.get(language), "Hi");
    }
    assert_eq!(config.vars[0].1.single(), Some("Hi"));
}
