//! What YAML makes of words without quotes: each message names the quotes to add, and its place.

use crate::Folder;

const WASM_PLUGIN: &str = "apiVersion: extensions.istio.io/v1alpha1\nkind: WasmPlugin\n\
    metadata: { name: tidegate }\nspec:\n  pluginConfig:\n";
/// Returns the errors of a file, without those that warn.
fn errors(content: &str) -> Vec<String> {
    let folder = Folder::new(&[("s.yaml", content)]);
    let (_, stderr) = folder.fails(&["check", "s.yaml"]);
    let errors = stderr.lines().filter(|line| line.contains(": error: "));
    errors.map(str::to_owned).collect()
}

fn indented(content: &str, by: usize) -> String {
    let lines = content
        .lines()
        .map(|line| format!("{}{line}\n", " ".repeat(by)));
    lines.collect()
}

/// Part of a source; its only error, or none. Sources are YAML 1.2, in which `off` is a word.
#[test]
fn a_source_is_told_which_quotes_are_missing() {
    for (source, expected) in [
        ("mode: off\n", ""),
        ("security: { csp: off }\n", ""),
        ("locales: { default: no, strings: { no: { title: x } } }\n", ""),
        ("mode: false\n", "s.yaml:1:1: error: mode: found false; allowed: \"enforce\", \"shadow\" or \"off\"; did you mean \"off\"? Quote it: YAML 1.1 reads off as false"),
        ("locales: { default: false }\n", "s.yaml:1:12: error: locales.default: found false; allowed: a language tag such as \"de\", \"pt-BR\" or \"zh-Hant\"; did you mean \"no\"? Quote it: YAML 1.1 reads no as false"),
        ("brand:\n  color: #0b5fff\n", "s.yaml:2:3: error: brand.color: found null; allowed: a colour such as \"#0b5fff\" or \"#05f\"; quote the value: YAML reads nothing, ~, and a comment, which begins with #, as null"),
        ("brand:\n  name: 1e3\n", "s.yaml:2:3: error: brand.name: found 1000; allowed: "),
        ("routes:\n- name: a\n  maintenance: { until: 2026-12-01 }\n", "s.yaml:3:18: error: routes[0].maintenance.until: found \"2026-12-01\"; allowed: a date and time with zone (RFC 3339), such as \"2026-12-01T06:00:00Z\""),
        ("breaker: &base { window: 20s }\nroutes:\n- name: a\n  breaker:\n    <<: *base\n", "s.yaml:5:5: error: routes[0].breaker[\"<<\"]: found a merge key of YAML; allowed: the keys themselves, in place of the alias"),
        ("brand:\n\tname: x\n", "s.yaml:2:2: error: not YAML: tabs disallowed within this context (block indentation); allowed: blanks, since YAML has no tabs there"),
        ("mode: shadow\n---\nmode: enforce\n", "s.yaml:3:1: error: a second document; allowed: one, or resources of Kubernetes only"),
    ] {
        let errors = errors(source);
        match expected {
            "" => assert_eq!(errors, Vec::<String>::new(), "{source}"),
            expected => {
                assert_eq!(errors.len(), 1, "{source}{errors:?}");
                assert!(errors[0].starts_with(expected), "{source}{}\n{expected}", errors[0]);
            }
        }
    }
}

/// Part of a `pluginConfig`; the place and a part of its error, or none.
#[test]
fn a_resource_is_read_as_kubernetes_reads_it() {
    const OFF: &str = "; did you mean \"off\"? Quote it: YAML 1.1 reads off as false";
    const NO: &str = "; did you mean \"no\"? Quote it: YAML 1.1 reads no as false";
    const KEY: &str = "found \"false\" (YAML 1.1 makes it of no without quotes)";
    for (content, place, expected) in [
        ("mode: off\n", (1, 1), OFF),
        ("mode: \"off\"\n", (0, 0), ""),
        ("routes: [{ name: a, mode: off }]\n", (1, 21), OFF),
        ("security:\n  csp: off\n", (2, 3), OFF),
        ("locales: { default: no }\n", (1, 12), NO),
        ("locales: { strings: { no: { title: x } } }\n", (1, 23), KEY),
        ("brand: { color: #0b5fff\n  }\n", (1, 10), "as null"),
        ("breaker:\n  failure_ratio: 0.4\n", (0, 0), ""),
        (
            "breaker:\n  failure_ratio: \"0.4\"\n",
            (2, 3),
            "; write it without quotes",
        ),
        (
            "breaker: &b { window: 20s }\nroutes: [{ name: a, breaker: { <<: *b } }]\n",
            (0, 0),
            "",
        ),
    ] {
        let errors = errors(&format!("{WASM_PLUGIN}{}", indented(content, 4)));
        if expected.is_empty() {
            assert_eq!(errors, Vec::<String>::new(), "{content}");
            continue;
        }
        let (line, column) = place;
        let place = format!(
            "s.yaml:{}:{}: error: ",
            WASM_PLUGIN.lines().count() + line,
            column + 4
        );
        assert_eq!(errors.len(), 1, "{content}{errors:?}");
        assert!(errors[0].starts_with(&place), "{content}{}", errors[0]);
        assert!(errors[0].contains(expected), "{content}{}", errors[0]);
    }
}

/// Envoy does not make JSON of it.
#[test]
fn a_struct_in_envoys_own_configuration_is_refused() {
    let envoy = "http_filters:\n- name: tidegate\n  typed_config:\n    \
        \"@type\": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm\n    config:\n      \
        name: tidegate\n      configuration:\n        \"@type\": type.googleapis.com/google.protobuf.Struct\n        \
        value: { mode: shadow }\n";
    assert_eq!(
        errors(envoy),
        ["s.yaml:8:9: error: found a `Struct`, which Envoy hands to the filter as protobuf; allowed: JSON in a `StringValue`"]
    );
}

/// What is embedded is checked in the files that the repository has for it.
#[test]
fn the_resources_of_the_repository_are_checked_as_they_are() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../envoy/");
    let folder = Folder::new(&[]);
    for file in ["istio/wasmplugin.yaml", "envoy-gateway.yaml", "envoy.yaml"] {
        let (code, stderr) = folder.fails(&["check", &format!("{root}{file}")]);
        assert_eq!(
            (code, stderr.as_str()),
            (Some(0), "1 file checked: 0 errors\n"),
            "{file}"
        );
    }
}
