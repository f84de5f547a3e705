//! What `tidegate check` finds, where, and in which format.

use crate::{text, Folder};

/// Asserts exit code and standard error of `check` with these arguments.
fn assert_check(folder: &Folder, args: &[&str], code: i32, expected: &str) {
    let (found, stderr) = folder.fails(&[&["check"], args].concat());
    assert_eq!(stderr, expected);
    assert_eq!(found, Some(code));
}

#[test]
fn missing_files_hide_no_other_error_and_all_are_sorted_by_place() {
    let source = "templates:\n  a:\n    html: { file: none.html }\n    text: { file: a.txt }\n\
                  mod: off\nlocales: { strings: { de: { file: none.yaml } } }\n\
                  pages: [{ template: a, strings: { titel: x } }]\nvars: { y: z }\n";
    let folder = Folder::new(&[("s.yaml", source), ("a.txt", "x\n{{titel}}")]);
    let (code, stderr) = folder.fails(&["check", "s.yaml"]);
    let places: Vec<_> = stderr
        .lines()
        .map(|line| line.split(": error: ").next().unwrap())
        .collect();
    assert_eq!(
        places,
        [
            "s.yaml:3:19",
            "s.yaml:5:1",
            "s.yaml:6:35",
            "s.yaml:7:35",
            "a.txt:2:1",
            "1 file checked: 5 errors"
        ],
        "{stderr}"
    );
    assert_eq!(code, Some(1));
}

#[test]
fn rules_that_never_apply_are_warnings() {
    let source = "routes:\n\
        - { name: a, match: { host: a.example } }\n\
        - { name: b, match: { host: a.example }, mode: shadow }\n\
        - { name: c, maintenance: { until: \"2020-01-01T00:00:00Z\" }, match: { host: c.example } }\n\
        - { name: d, maintenance: true }\n\
        - { name: e, match: { host: e.example } }\n\
        pages:\n\
        - { strings: { title: X } }\n\
        - { match: { reasons: [dns_error] } }\n\
        - { match: { reasons: [circuit_open] } }\n";
    let folder = Folder::new(&[("s.yaml", source)]);
    assert_check(
        &folder,
        &["s.yaml"],
        0,
        "s.yaml:3:3: warning: routes[1]: has the conditions of routes[0], so it never applies, unless \
         the metadata of an Envoy route names it\n\
         s.yaml:4:29: warning: routes[2].maintenance.until: is in the past, so the rule puts nothing \
         into maintenance\n\
         s.yaml:5:3: warning: routes[3]: has no conditions, so routes[4] never applies, unless the \
         metadata of an Envoy route names it\n\
         s.yaml:5:14: warning: routes[3].maintenance: puts every request into maintenance, since the \
         rule has no conditions\n\
         s.yaml:8:3: warning: pages[0]: has no conditions, so pages[1] and the rules after it never \
         apply\n\
         1 file checked: 0 errors, 5 warnings\n",
    );
}

#[test]
fn unused_templates_and_constants_are_warnings() {
    let source = "vars: { a: x, b: x, c: x }\n\
        templates:\n  \
          used: { text: \"{{vars.a}}\", problem: { ext: [\"{{ vars.b }}\"] } }\n  \
          chosen: { text: \"{{#if vars.ab}}{{/if}}\" }\n  \
          unused: { text: y }\n\
        pages: [{ template: used }]\nroutes: [{ name: r, page: chosen }]\n";
    let source = source.replace("{{#if vars.ab}}{{/if}}", "vars.c");
    let folder = Folder::new(&[("s.yaml", &source)]);
    assert_check(
        &folder,
        &["--strict", "s.yaml"],
        1,
        "s.yaml:1:21: warning: vars.c: no template shows `vars.c`\n\
         s.yaml:5:3: warning: templates.unused: no rule of `pages` or `routes` uses it; only the \
         metadata of an Envoy route can\n\
         1 file checked: 0 errors, 2 warnings, treated as errors\n",
    );
}

const ENVOY: &str = r#"
static_resources:
  listeners:
  - filter_chains:
    - filters:
      - typed_config:
          http_filters:
          - name: other
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
              config:
                name: other
                configuration:
                  "@type": type.googleapis.com/google.protobuf.StringValue
                  value: "not for Tidegate"
          - name: a
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
              config:
                name: tidegate
                configuration:
                  "@type": type.googleapis.com/google.protobuf.StringValue
                  value: |
                    {
                      "mode": "of"
                    }
          - name: b
            typed_config:
              "@type": type.googleapis.com/udpa.type.v1.TypedStruct
              type_url: type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
              value:
                config:
                  vm_config: { code: { local: { filename: tidegate.wasm } } }
                  configuration:
                    "@type": type.googleapis.com/google.protobuf.StringValue
                    value: '{ "brand": { "nam": "A" } }'
          - name: c
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
              config:
                root_id: tidegate
"#;

#[test]
fn configurations_in_files_of_envoy_are_checked_at_their_place() {
    let folder = Folder::new(&[("envoy.yaml", ENVOY)]);
    let (code, stderr) = folder.fails(&["check", "envoy.yaml"]);
    let expected = [
        "envoy.yaml:25:23: error: mode: found \"of\"; allowed: ",
        "envoy.yaml:36:28: error: brand.nam: found an unknown key; ",
        "envoy.yaml:41:17: warning: no `configuration`, so every option has its default",
        "1 file checked: 2 errors, 1 warning",
    ];
    assert_eq!(stderr.lines().count(), expected.len(), "{stderr}");
    for (line, expected) in stderr.lines().zip(expected) {
        assert!(line.starts_with(expected), "{line}");
    }
    assert_eq!(code, Some(1));
}

#[test]
fn configurations_in_resources_of_kubernetes_are_checked() {
    let resources = "apiVersion: v1\nkind: Service\nspec: { ports: [{ port: 80 }] }\n---\n\
        apiVersion: extensions.istio.io/v1alpha1\nkind: WasmPlugin\nmetadata: { name: tidegate }\n\
        spec:\n  url: oci://x/y\n  pluginConfig: { mod: off }\n---\n\
        apiVersion: extensions.istio.io/v1alpha1\nkind: TrafficExtension\n\
        spec: { wasm: { url: \"oci://x/tidegate\", pluginConfig: { mod: off } } }\n---\n\
        apiVersion: gateway.envoyproxy.io/v1alpha1\nkind: EnvoyExtensionPolicy\n\
        spec: { wasm: [ { name: other, config: { x: 1 } }, { name: tidegate, config: { mod: off } } ] }\n---\n\
        apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nspec: { configPatches: [ { patch: { value: {\n  \
          \"@type\": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm,\n  \
          config: { name: tidegate, configuration: { value: '{\"mod\": 1}', \"@type\": type.googleapis.com/google.protobuf.StringValue } } } } } ] }\n";
    let folder = Folder::new(&[("all.yaml", resources)]);
    let (_, stderr) = folder.fails(&["check", "all.yaml"]);
    let places: Vec<_> = stderr
        .lines()
        .map(|line| line.split(": found").next().unwrap())
        .collect();
    assert_eq!(
        places,
        [
            "all.yaml:10:19: error: mod",
            "all.yaml:14:58: error: mod",
            "all.yaml:18:80: error: mod",
            "all.yaml:24:53: error: mod",
            "1 file checked: 4 errors"
        ],
        "{stderr}"
    );
}

#[test]
fn a_resource_without_the_filter_is_an_error() {
    let folder = Folder::new(&[("s.yaml", "apiVersion: v1\nkind: Service\nspec: {}\n")]);
    assert_check(
        &folder,
        &["s.yaml"],
        1,
        "s.yaml: error: found no Wasm filter (in: Service); allowed: a source, a filter configuration, \
         or a file of Envoy, Istio or Envoy Gateway with one\n1 file checked: 1 error\n",
    );
}

#[test]
fn what_bundle_writes_can_be_checked_and_bundled_again() {
    let folder = Folder::new(&[("s.yaml", "brand: { name: A }\n")]);
    let json = folder.bundle(&["s.yaml"]).0;
    for kind in [
        "envoy",
        "envoy-filter",
        "istio",
        "trafficextension",
        "envoy-gateway",
    ] {
        let output = folder.run(&["bundle", "s.yaml", "--as", kind]);
        folder.write("made.yaml", &output.stdout);
        assert_check(
            &folder,
            &["--strict", "made.yaml"],
            0,
            "1 file checked: 0 errors\n",
        );
        assert_eq!(folder.bundle(&["made.yaml"]).0, json, "{kind}");
    }
}

#[test]
fn tags_of_helm_get_a_hint() {
    let source = "templates: { a: { text: \"{{ .Values.brand }}\" } }\npages: [{ template: a }]\n";
    let chart = "brand:\n  name: {{ .Values.brand }}\n";
    let folder = Folder::new(&[("s.yaml", source), ("chart.yaml", chart)]);
    for (file, hint) in [
        (
            "s.yaml",
            "; is this a tag of another template language, such as Helm or Go? `delimiters` gives",
        ),
        (
            "chart.yaml",
            "; is this a template of Helm? Check what `helm template` makes of it\n",
        ),
    ] {
        let (code, stderr) = folder.fails(&["check", file]);
        assert!(code == Some(1) && stderr.contains(hint), "{stderr}");
    }
}

#[test]
fn a_byte_order_mark_is_accepted_in_a_source_and_named_in_a_filter_configuration() {
    let folder = Folder::new(&[
        ("s.yaml", "\u{feff}brand: { name: A }\n"),
        ("filter.json", "\u{feff}{}"),
    ]);
    assert_check(&folder, &["s.yaml"], 0, "1 file checked: 0 errors\n");
    assert_check(
        &folder,
        &["filter.json"],
        1,
        "filter.json:1:1: error: not JSON: a byte order mark at the beginning (save the file as UTF-8 \
         without one)\n1 file checked: 1 error\n",
    );
}

#[test]
fn a_misspelt_reference_gets_a_proposal() {
    let folder = Folder::new(&[("s.yaml", "brand: { logo: { fil: a.svg } }\n")]);
    assert_check(
        &folder,
        &["s.yaml"],
        1,
        "s.yaml:1:10: error: brand.logo: found an object; allowed: a data:image/... URI, or an `<svg>` \
         element without scripts and references; did you mean `{ file: a.svg }`?\n\
         1 file checked: 1 error\n",
    );
}

#[test]
fn the_report_has_a_format_for_programs() {
    let folder = Folder::new(&[("a,b.yaml", "mod: 1\nvars: { x: y }\n"), ("c.yaml", "")]);
    let output = folder.run(&[
        "check",
        "--format",
        "json",
        "a,b.yaml",
        "none.yaml",
        "c.yaml",
    ]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output.stderr), "");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["errors"], 1);
    assert_eq!(report["files"], 2);
    assert_eq!(report["unreadable"], 1);
    let finding = &report["findings"][0];
    assert_eq!(finding["file"], "a,b.yaml");
    assert_eq!(
        (&finding["line"], &finding["column"]),
        (&1.into(), &1.into())
    );
    assert_eq!(finding["severity"], "error");
    assert_eq!(report["findings"][1]["line"], serde_json::Value::Null);

    let output = folder.run(&["check", "--format", "github", "a,b.yaml"]);
    let expected = "::error file=a%2Cb.yaml,line=1,col=1::mod: found an unknown key; ";
    let lines = text(&output.stdout);
    assert!(lines.starts_with(expected), "{lines}");
    assert_eq!(lines.lines().count(), 1);
}

#[test]
fn a_plugin_without_a_configuration_is_warned_of() {
    let none = |place: &str, key: &str, hint: &str| {
        format!(
            "s.yaml:{place}: warning: no `{key}`, so every option has its default{hint}\n\
             1 file checked: 0 errors, 1 warning\n"
        )
    };
    let plugin = "apiVersion: extensions.istio.io/v1alpha1\nkind: WasmPlugin\nmetadata: { name: tidegate }\nspec:";
    let policy = "apiVersion: gateway.envoyproxy.io/v1alpha1\nkind: EnvoyExtensionPolicy\nmetadata: { name: tidegate }\n\
                  spec:\n  wasm:\n    -";
    for (source, expected) in [
        (
            format!("{plugin} {{ url: a, pluginconfig: {{ brand: {{ nme: x }} }} }}\n"),
            none(
                "4:7",
                "pluginConfig",
                "; found `pluginconfig`: did you mean `pluginConfig`?",
            ),
        ),
        (
            format!("{plugin} {{ url: a }}\n"),
            none("4:7", "pluginConfig", ""),
        ),
        (
            format!("{policy} {{ name: tidegate, confg: {{}} }}\n"),
            none("6:7", "config", "; found `confg`: did you mean `config`?"),
        ),
        (
            format!("{plugin} {{ url: a, pluginConfig: {{}} }}\n"),
            "1 file checked: 0 errors\n".to_owned(),
        ),
    ] {
        let folder = Folder::new(&[("s.yaml", &source)]);
        assert_eq!(folder.fails(&["check", "s.yaml"]).1, expected, "{source}");
    }
}

#[test]
fn an_empty_file_is_warned_of() {
    for (name, text) in [("s.yaml", ""), ("s.json", " \n"), ("s.yaml", "# nothing\n")] {
        let folder = Folder::new(&[(name, text)]);
        let (code, said) = folder.fails(&["check", "--strict", name]);
        assert_eq!(code, Some(1), "{name} {text:?}");
        let expected = format!("{name}:1:1: warning: is empty, so every option has its default\n");
        assert!(said.starts_with(&expected), "{said}");
    }
}
