//! The files of `envoy/` and the examples are accepted by what loads them.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use tidegate_e2e::{envoy, module, tool, workspace, yaml};

/// Returns the folders of the examples, relative to the root.
fn examples() -> Vec<String> {
    let folders = fs::read_dir(workspace().join("examples")).expect("list the examples");
    let name = |entry: std::io::Result<fs::DirEntry>| {
        let name = entry.expect("list the examples").file_name();
        format!("examples/{}", name.to_string_lossy())
    };
    folders.map(name).collect()
}

/// Returns the complete Envoy configurations.
pub(crate) fn bootstraps() -> Vec<String> {
    let examples = examples().into_iter().map(|folder| folder + "/envoy.yaml");
    examples.chain(["envoy/envoy.yaml".to_owned()]).collect()
}

/// Returns every value of a key, at any depth.
fn all<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get(key));
            members.values().for_each(|value| all(value, key, found));
        }
        Value::Array(items) => items.iter().for_each(|value| all(value, key, found)),
        _ => {}
    }
}

/// Returns the filter configuration in an Envoy configuration.
fn filter_config(bootstrap: &str) -> String {
    let (bootstrap, mut found) = (yaml(bootstrap), Vec::new());
    all(&bootstrap, "configuration", &mut found);
    let [configuration] = found[..] else {
        panic!("one configuration, not {found:?}")
    };
    configuration["value"]
        .as_str()
        .expect("a StringValue")
        .to_owned()
}

/// Asserts that the command accepts a filter configuration.
fn check(config: &str) {
    let mut command = tool();
    command.args(["check", "-"]).stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut tidegate = command.spawn().expect("run tidegate check");
    let mut stdin = tidegate.stdin.take().expect("its standard input");
    stdin
        .write_all(config.as_bytes())
        .expect("give it the configuration");
    drop(stdin);
    let output = tidegate
        .wait_with_output()
        .expect("wait for tidegate check");
    assert!(output.status.success(), "{config}\n{output:?}");
}

#[test]
fn envoy_accepts_the_bootstraps() {
    for path in &bootstraps() {
        // A folder laid out like the repository, since the module may have been built elsewhere.
        let scratch = TempDir::new().expect("make a folder");
        let root = scratch.path();
        let file = root.join(path);
        let folder = file.parent().expect("a folder");
        fs::create_dir_all(folder).expect("make a folder");
        fs::create_dir_all(root.join("dist")).expect("make a folder");
        symlink(module(), root.join("dist/tidegate.wasm")).expect("link the module");
        fs::copy(workspace().join(path), &file).expect("copy the file");
        // The smallest one is started at the root, an example in its own folder.
        let start = if path.starts_with("examples") {
            folder
        } else {
            root
        };
        let log = envoy::validate(start, &file);
        let log = log.unwrap_or_else(|log| panic!("{path}:\n{log}"));
        let signs = envoy::signs_of_death(&log);
        assert!(signs.is_empty(), "{path}: {signs:#?}");
    }
}

/// From `tidegate init` to Envoy and to the other resources, as in the README.
#[test]
fn bundles_are_accepted_by_what_loads_them() {
    let scratch = TempDir::new().expect("make a folder");
    let root = scratch.path();
    fs::create_dir_all(root.join("dist")).expect("make a folder");
    symlink(module(), root.join("dist/tidegate.wasm")).expect("link the module");
    let run = |mut command: Command, args: &[&str]| {
        let output = command.args(args).current_dir(root).output();
        let output = output.expect("run the command");
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    run(tool(), &["init", "own"]);
    let bundle = |kind: &str| run(tool(), &["bundle", "own/tidegate.yaml", "--as", kind]);
    let json = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
    let made = json(&bundle("json"));
    for (kind, pointer) in [
        ("istio", "/spec/pluginConfig"),
        ("trafficextension", "/spec/wasm/pluginConfig"),
        ("envoy-gateway", "/spec/wasm/0/config"),
    ] {
        let resource: Value = serde_yaml_ng::from_str(&bundle(kind)).expect(kind);
        assert_eq!(resource.pointer(pointer), Some(&made), "{kind}");
    }
    let filter: Value = serde_yaml_ng::from_str(&bundle("envoy-filter")).expect("YAML");
    let inner = filter.pointer("/0/typed_config/config/configuration/value");
    let inner = inner.and_then(Value::as_str).expect("a StringValue");
    assert_eq!(json(inner), made);
    fs::write(root.join("envoy.yaml"), bundle("envoy")).expect("write envoy.yaml");
    envoy::validate(root, Path::new("envoy.yaml")).unwrap_or_else(|log| panic!("{log}"));
}

/// Collects the fields of a resource, except those of the filter configuration, which its API
/// accepts as a whole.
fn fields(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        _ if path.ends_with("onfig") => {
            assert!(value.is_object(), "{path}");
            found.insert(path.to_owned());
        }
        Value::Object(members) => {
            for (name, value) in members {
                fields(value, &format!("{path}.{name}"), found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| fields(item, path, found)),
        leaf => {
            found.insert(format!("{path}={leaf}"));
        }
    }
}

/// An API server does not refuse unknown fields but drops them, and the filter would run without
/// its configuration. `crds` checks the resources against the CustomResourceDefinitions, where
/// those are there. Elsewhere this list must do: the fields as Istio and Envoy Gateway had them in
/// August 2026.
#[test]
fn resources_have_only_fields_of_their_apis() {
    let istio = |prefix: &str| {
        let inner = [
            "url=\"oci://registry.example/tidegate:0.1.0\"",
            "failStrategy=\"FAIL_RELOAD\"",
            "pluginConfig",
        ];
        let inner = inner.map(|field| format!("{prefix}.{field}"));
        let outer = [
            ".apiVersion=\"extensions.istio.io/v1alpha1\"",
            ".metadata.name=\"tidegate\"",
            ".metadata.namespace=\"istio-system\"",
            ".spec.selector.matchLabels.istio=\"ingressgateway\"",
        ];
        inner
            .into_iter()
            .chain(outer.map(str::to_owned))
            .collect::<BTreeSet<_>>()
    };
    let with = |mut fields: BTreeSet<String>, kind: &str| {
        fields.insert(format!(".kind=\"{kind}\""));
        fields
    };
    let gateway = [
        ".apiVersion=\"gateway.envoyproxy.io/v1alpha1\"",
        ".metadata.name=\"tidegate\"",
        ".metadata.namespace=\"default\"",
        ".spec.targetRefs.group=\"gateway.networking.k8s.io\"",
        ".spec.targetRefs.kind=\"Gateway\"",
        ".spec.targetRefs.name=\"eg\"",
        ".spec.wasm.name=\"tidegate\"",
        ".spec.wasm.code.type=\"Image\"",
        ".spec.wasm.code.image.url=\"registry.example/tidegate:0.1.0\"",
        ".spec.wasm.failOpen=true",
        ".spec.wasm.config",
    ];
    let gateway: BTreeSet<String> = gateway.map(str::to_owned).into();
    let bundled_with = |kind: &str, more: &[&str]| {
        let mut command = tool();
        command.args(["bundle", "examples/own-pages/tidegate.yaml", "--as", kind]);
        command.args(more);
        let output = command.current_dir(workspace()).output();
        let output = output.expect("run tidegate bundle");
        serde_yaml_ng::from_slice(&output.stdout).expect("YAML")
    };
    let bundled = |kind: &str| bundled_with(kind, &[]);
    let sha256 = "0123456789abcdef".repeat(4);
    let of_web = [
        "--module",
        "https://x.example/y.wasm",
        "--sha256",
        &sha256,
        "--selector",
        "app=shop",
    ];
    let changed = |mut fields: BTreeSet<String>, from: &[&str], to: &[&str]| {
        fields.retain(|field| !from.iter().any(|from| field.starts_with(from)));
        fields.extend(to.iter().map(|field| (*field).to_owned()));
        fields
    };
    let gateway_of_web = changed(
        gateway.clone(),
        &[".spec.wasm.code", ".spec.targetRefs"],
        &[
            ".spec.wasm.code.type=\"HTTP\"",
            ".spec.wasm.code.http.url=\"https://x.example/y.wasm\"",
            &format!(".spec.wasm.code.http.sha256=\"{sha256}\""),
            ".spec.targetSelectors.group=\"gateway.networking.k8s.io\"",
            ".spec.targetSelectors.kind=\"Gateway\"",
            ".spec.targetSelectors.matchLabels.app=\"shop\"",
        ],
    );
    let istio_of_web = changed(
        istio(".spec.wasm"),
        &[".spec.wasm.url", ".spec.selector"],
        &[
            ".spec.wasm.url=\"https://x.example/y.wasm\"",
            &format!(".spec.wasm.sha256=\"{sha256}\""),
            ".spec.selector.matchLabels.app=\"shop\"",
        ],
    );
    let istio_of_gateway = changed(
        istio(".spec"),
        &[".spec.selector"],
        &[
            ".spec.targetRefs.group=\"gateway.networking.k8s.io\"",
            ".spec.targetRefs.kind=\"Gateway\"",
            ".spec.targetRefs.name=\"public\"",
        ],
    );
    for (resource, expected) in [
        (
            bundled("trafficextension"),
            with(istio(".spec.wasm"), "TrafficExtension"),
        ),
        (
            bundled_with("trafficextension", &of_web),
            with(istio_of_web, "TrafficExtension"),
        ),
        (
            bundled_with("istio", &["--gateway", "public"]),
            with(istio_of_gateway, "WasmPlugin"),
        ),
        (
            bundled_with("envoy-gateway", &of_web),
            with(gateway_of_web, "EnvoyExtensionPolicy"),
        ),
        (
            yaml("envoy/istio/wasmplugin.yaml"),
            with(istio(".spec"), "WasmPlugin"),
        ),
        (bundled("istio"), with(istio(".spec"), "WasmPlugin")),
        (
            yaml("envoy/istio/trafficextension.yaml"),
            with(istio(".spec.wasm"), "TrafficExtension"),
        ),
        (
            yaml("envoy/envoy-gateway.yaml"),
            with(gateway.clone(), "EnvoyExtensionPolicy"),
        ),
        (
            bundled("envoy-gateway"),
            with(gateway, "EnvoyExtensionPolicy"),
        ),
    ] {
        let mut found = BTreeSet::new();
        fields(&resource, "", &mut found);
        assert_eq!(found, expected);
    }
}

#[test]
fn filter_accepts_every_configuration() {
    check(&filter_config("envoy/envoy.yaml"));
    for (path, pointer) in [
        ("envoy/istio/wasmplugin.yaml", "/spec/pluginConfig"),
        (
            "envoy/istio/trafficextension.yaml",
            "/spec/wasm/pluginConfig",
        ),
        ("envoy/envoy-gateway.yaml", "/spec/wasm/0/config"),
    ] {
        let resource = yaml(path);
        check(&resource.pointer(pointer).expect(path).to_string());
    }
}

#[test]
fn resources_restart_the_module_after_a_crash() {
    // With the default of Envoy and Istio, every later request would get a 503.
    for (path, pointer, wanted) in [
        (
            "envoy/istio/wasmplugin.yaml",
            "/spec/failStrategy",
            "FAIL_RELOAD",
        ),
        (
            "envoy/istio/trafficextension.yaml",
            "/spec/wasm/failStrategy",
            "FAIL_RELOAD",
        ),
    ] {
        assert_eq!(
            yaml(path).pointer(pointer),
            Some(&Value::from(wanted)),
            "{path}"
        );
    }
    for path in &bootstraps() {
        let (bootstrap, mut found) = (yaml(path), Vec::new());
        all(&bootstrap, "failure_policy", &mut found);
        assert_eq!(found, [&Value::from("FAIL_RELOAD")], "{path}");
    }
}

#[test]
fn every_example_loads_its_filter_json() {
    for folder in examples() {
        let file = workspace().join(&folder).join("filter.json");
        let file = fs::read_to_string(file).expect("filter.json");
        check(&file);
        let json = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
        let loaded = filter_config(&format!("{folder}/envoy.yaml"));
        assert_eq!(json(&loaded), json(&file), "{folder}");
    }
}
