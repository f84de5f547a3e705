//! Configurations and what is said about them, as goldens: `tests/config/NAME.json` beside
//! `NAME.err` (all errors) or `NAME.ok` (the configuration).
//!
//! `UPDATE_EXPECT=1 cargo test -p tidegate-core --test config` writes them.

#![expect(
    clippy::disallowed_methods,
    reason = "goldens are files; the core itself reads none"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use expect_test::expect_file;
use proptest::prelude::*;
use tidegate_core::config::{limits, reference, Config};

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config")
}

#[test]
fn every_case_has_the_outcome_of_its_golden() {
    let files: BTreeSet<PathBuf> = fs::read_dir(cases())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    let (cases, goldens): (BTreeSet<_>, BTreeSet<_>) = files.into_iter().partition(|path| {
        path.extension()
            .is_some_and(|extension| extension == "json")
    });
    assert!(cases.len() > 40, "the cases are gone");
    let mut expected = BTreeSet::new();
    for case in cases {
        let (golden, text) = match Config::from_json(&fs::read(&case).unwrap()) {
            Ok(config) => (case.with_extension("ok"), format!("{config:#?}\n")),
            Err(errors) => (case.with_extension("err"), format!("{errors}\n")),
        };
        expect_file![&golden].assert_eq(&text);
        expected.insert(golden);
    }
    let orphans: Vec<_> = goldens.difference(&expected).collect();
    assert!(orphans.is_empty(), "goldens without a case: {orphans:?}");
}

#[test]
fn the_committed_schema_and_reference_are_the_generated_ones() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    expect_file![root.join("schema/config.schema.json")].assert_eq(&reference::schema());
    expect_file![root.join("docs/configuration.md")].assert_eq(&reference::page());
}

#[test]
fn no_bytes_are_an_empty_object() {
    let default = Config::default();
    for text in ["{}", "", " \n", "{\"version\": 1.0}"] {
        assert_eq!(
            Config::from_json(text.as_bytes()).as_ref(),
            Ok(&default),
            "{text:?}"
        );
    }
}

#[test]
fn a_configuration_over_the_limit_is_refused() {
    let mut text = "{}".to_owned();
    text.push_str(&" ".repeat(limits::CONFIG_BYTES - 2));
    assert!(Config::from_json(text.as_bytes()).is_ok());
    text.push(' ');
    assert_eq!(
        Config::from_json(text.as_bytes()).unwrap_err().to_string(),
        "found more than 1048576 bytes; allowed: at most 1048576 for the whole configuration"
    );
}

#[test]
fn each_limit_is_accepted_and_one_more_is_refused() {
    let named = |count: usize, value: &str| {
        let entries: Vec<_> = (0..count).map(|at| format!("\"n{at}\":{value}")).collect();
        format!("{{{}}}", entries.join(","))
    };
    let listed = |count: usize, item: &dyn Fn(usize) -> String| {
        let items: Vec<_> = (0..count).map(item).collect();
        format!("[{}]", items.join(","))
    };
    let languages = |count: usize| {
        let letter = |at: usize| char::from(b'a' + u8::try_from(at).unwrap());
        let entries: Vec<_> = (0..count)
            .map(|at| format!("\"{}{}\":{{}}", letter(at / 26), letter(at % 26)))
            .collect();
        format!("{{\"locales\":{{\"strings\":{{{}}}}}}}", entries.join(","))
    };
    let quoted = |length: usize| format!("\"{}\"", "x".repeat(length));
    type Make<'a> = Box<dyn Fn(usize) -> String + 'a>;
    let table: Vec<(&str, usize, Make<'_>)> = vec![
        (
            "templates",
            limits::TEMPLATES,
            Box::new(|n| format!("{{\"templates\":{}}}", named(n, "{\"text\":\"\"}"))),
        ),
        (
            "templates.a.html",
            limits::TEMPLATE_BYTES,
            Box::new(|n| format!("{{\"templates\":{{\"a\":{{\"html\":{}}}}}}}", quoted(n))),
        ),
        ("locales.strings", limits::LOCALES, Box::new(languages)),
        (
            "routes",
            limits::ROUTES,
            Box::new(|n| {
                format!(
                    "{{\"routes\":{}}}",
                    listed(n, &|at| format!("{{\"name\":\"r{at}\"}}"))
                )
            }),
        ),
        (
            "pages",
            limits::PAGES,
            Box::new(|n| format!("{{\"pages\":{}}}", listed(n, &|_| "{}".to_owned()))),
        ),
        (
            "headers.remove",
            limits::LIST,
            Box::new(|n| {
                format!(
                    "{{\"headers\":{{\"remove\":{}}}}}",
                    listed(n, &|at| format!("\"x{at}\""))
                )
            }),
        ),
        (
            "brands",
            limits::BRANDS,
            Box::new(|n| format!("{{\"brands\":{}}}", listed(n, &|_| "{}".to_owned()))),
        ),
        (
            "brand.links",
            limits::LINKS,
            Box::new(|n| {
                let link = |_| "{\"label\":\"a\",\"url\":\"/\"}".to_owned();
                format!("{{\"brand\":{{\"links\":{}}}}}", listed(n, &link))
            }),
        ),
    ];
    for (path, limit, make) in table {
        assert_eq!(
            Config::from_json(make(limit).as_bytes()).err(),
            None,
            "{path}"
        );
        let errors = Config::from_json(make(limit + 1).as_bytes()).unwrap_err();
        let error = errors.iter().next().unwrap();
        assert_eq!((error.at(), errors.total()), (path, 1), "{errors}");
        assert!(error.to_string().contains(&limit.to_string()), "{error}");
    }
}

#[test]
fn errors_beyond_the_limit_are_only_counted() {
    let keys: Vec<_> = (0..limits::ERRORS + 7)
        .map(|at| format!("\"key{at}\":1"))
        .collect();
    let errors = Config::from_json(format!("{{{}}}", keys.join(",")).as_bytes()).unwrap_err();
    assert_eq!(
        (errors.iter().count(), errors.more(), errors.total()),
        (100, 7, 107)
    );
    assert!(errors.to_string().ends_with("\nand 7 more"));
}

/// Any JSON, with keys and values of real configurations, so that the validator gets deep.
fn any_json() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        proptest::sample::select(
            &[
                "brand",
                "brands",
                "name",
                "logo",
                "links",
                "url",
                "retry",
                "after",
                "max",
                "page",
                "breaker",
                "open",
                "base",
                "routes",
                "match",
                "mode",
                "templates",
                "html",
                "pages",
                "template",
                "strings",
                "locales",
                "default",
                "dir",
                "headers",
                "set",
                "delimiters",
                "maintenance",
                "until",
                "file",
                "statuses",
                "security",
                "csp",
                "problem",
                "color",
            ][..]
        )
        .prop_map(str::to_owned),
        "\\PC{0,6}",
    ];
    let text = |word: String| serde_json::Value::String(word).to_string();
    let leaf = prop_oneof![
        word.clone().prop_map(text),
        "[0-9]{1,3}(ms|s|m|h)".prop_map(text),
        "<svg( [a-z]{1,3}=\"[a-z#&<]{0,3}\"){0,2}/?>(</svg>)?".prop_map(text),
        "[45][0-9x]{2}(-[45][0-9]{2})?".prop_map(text),
        "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:00:00Z".prop_map(text),
        "#[0-9a-f]{0,7}".prop_map(text),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| serde_json::json!(number).to_string()),
        proptest::sample::select(&["null", "true", "false", "{}", "[]"][..])
            .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(6, 60, 8, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5)
                .prop_map(|items| format!("[{}]", items.join(","))),
            proptest::collection::vec((word.clone(), inner), 0..8).prop_map(move |entries| {
                let entries: Vec<_> = entries
                    .into_iter()
                    .map(|(key, json)| format!("{}:{json}", text(key)))
                    .collect();
                format!("{{{}}}", entries.join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_cause_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Config::from_json(&bytes);
    }

    #[test]
    fn no_json_causes_a_panic_and_each_error_is_one_line(json in any_json()) {
        if let Err(errors) = Config::from_json(json.as_bytes()) {
            prop_assert!(errors.total() > 0);
            let text = errors.to_string();
            let lines = errors.iter().count() + usize::from(errors.more() > 0);
            prop_assert_eq!(text.lines().count(), lines);
            prop_assert!(!text.chars().any(|character| character.is_control() && character != '\n'));
        }
    }
}
