use super::super::section::Section;
use super::*;
use crate::config::Json;

/// Options of every kind, none of them with its default.
const EVERYTHING: &str = include_str!("../../../tests/config/full_example.json");

#[test]
fn what_is_written_is_read_again() {
    for text in ["{}", EVERYTHING, super::super::reference::EXAMPLE] {
        let config = Config::from_json(text.as_bytes()).unwrap();
        let written = Json::Object(config.write()).to_string();
        let mut again = Config::from_json(written.as_bytes()).unwrap();
        // A rule writes all of its settings, which are the same as those that it inherited.
        assert_eq!(again, config, "{written}");
        again.version = 2;
        assert_ne!(again, config);
    }
}

#[test]
fn a_default_is_a_valid_value() {
    let defaults = Json::Object(Config::default().write()).to_string();
    assert_eq!(
        Config::from_json(defaults.as_bytes()),
        Ok(Config::default())
    );
}

#[test]
fn a_rule_inherits_settings_that_follow_it() {
    let text = r#"{
        "routes": [{ "name": "a", "breaker": { "open": { "base": "3s" } } }, { "name": "b", "mode": "off" }],
        "mode": "shadow",
        "breaker": { "min_requests": 7, "open": { "max": "9s" } }
    }"#;
    let config = Config::from_json(text.as_bytes()).unwrap();
    let breakers: Vec<_> = config
        .routes
        .iter()
        .map(|rule| (rule.mode, &rule.policy.breaker))
        .map(|(mode, breaker)| {
            let open = &breaker.open;
            (
                mode,
                breaker.min_requests,
                open.base.as_secs(),
                open.max.as_secs(),
            )
        })
        .collect();
    assert_eq!(breakers, [(Mode::Shadow, 7, 3, 9), (Mode::Off, 7, 2, 9)]);
}

#[test]
fn the_default_hint_is_inherited_and_hints_by_status_are_replaced() {
    let text = r#"{
        "retry": { "after": { "default": "7s", "502": "8s" } },
        "routes": [
            { "name": "a", "retry": { "after": { "503": "9s" } } },
            { "name": "b", "retry": { "after": { "default": "6s" } } },
            { "name": "c" }
        ]
    }"#;
    let config = Config::from_json(text.as_bytes()).unwrap();
    let hints: Vec<_> = config
        .routes
        .iter()
        .map(|rule| &rule.policy.retry.after)
        .map(|after| {
            let by_status = after.by_status.iter();
            let by_status: Vec<_> = by_status
                .map(|(status, hint)| (*status, hint.as_secs()))
                .collect();
            (after.default.as_secs(), by_status)
        })
        .collect();
    assert_eq!(
        hints,
        [(7, vec![(503, 9)]), (6, vec![]), (7, vec![(502, 8)]),]
    );
}

#[test]
fn any_colour_is_accepted_for_a_brand() {
    for color in ["#ffcc00", "#fff", "#000000", "#fafbfc", "#10171f"] {
        let text = format!(r#"{{"brand":{{"color":"{color}","color_dark":"{color}"}}}}"#);
        let brand = Config::from_json(text.as_bytes()).unwrap().brand;
        assert!(brand.color.is_some() && brand.color_dark == brand.color);
    }
}
