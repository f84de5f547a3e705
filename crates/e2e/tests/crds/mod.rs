//! The resources that Tidegate ships, and those that `tidegate bundle` writes, have only fields of their APIs, with
//! values that the APIs accept.
//!
//! Istio and Envoy Gateway publish the CustomResourceDefinitions. They are not part of this repository: the tests find
//! them in the folder `$TIDEGATE_CRDS`, else in a folder `shared/crds` beside the checkout or above it. Without them, the
//! tests say that they check nothing. Rules that a definition states in CEL are not checked.

mod definition;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{json, Value};
use tempfile::TempDir;
use tidegate_e2e::{kubectl, tool, workspace};

/// The kinds of resources whose definitions the tests need.
const KINDS: [&str; 5] = [
    "EnvoyExtensionPolicy",
    "EnvoyFilter",
    "EnvoyPatchPolicy",
    "TrafficExtension",
    "WasmPlugin",
];
/// The kinds in `envoy/` that other projects define, and Kustomize's own.
const OTHERS: [&str; 5] = [
    "ConfigMap",
    "EnvoyProxy",
    "Kustomization",
    "PrometheusRule",
    "Settings",
];

/// The schemas, by kind and version of the API.
type Schemas = BTreeMap<(String, String), Validator>;

/// Returns the folder with the definitions.
fn folder() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("TIDEGATE_CRDS") {
        return Some(PathBuf::from(folder));
    }
    let root = workspace();
    let folders = root
        .ancestors()
        .skip(1)
        .map(|above| above.join("shared/crds"));
    folders.into_iter().find(|folder| folder.is_dir())
}

/// Returns the schemas; `None`, and says so, if there are no definitions.
fn schemas() -> Option<&'static Schemas> {
    static SCHEMAS: LazyLock<Option<Schemas>> = LazyLock::new(|| {
        let Some(folder) = folder() else {
            // Not by `eprintln!`, which the test runner captures.
            let said = "SKIPPED: the check of resources against CustomResourceDefinitions (set TIDEGATE_CRDS)\n";
            std::io::stderr()
                .write_all(said.as_bytes())
                .expect("standard error");
            return None;
        };
        let mut schemas = Schemas::new();
        for file in fs::read_dir(&folder).expect("list the definitions") {
            let path = file.expect("list the definitions").path();
            if path.extension().is_none_or(|extension| extension != "yaml") {
                continue;
            }
            for definition in documents(&fs::read_to_string(&path).expect("a definition")) {
                let kind = definition::text(&definition, "/spec/names/kind");
                for version in definition["spec"]["versions"].as_array().expect("versions") {
                    let schema = definition::strict(&definition, version);
                    let schema = jsonschema::draft202012::new(&schema).expect("a JSON Schema");
                    let version = definition::text(version, "/name").to_owned();
                    schemas.insert((kind.to_owned(), version), schema);
                }
            }
        }
        Some(schemas)
    });
    SCHEMAS.as_ref()
}

/// Returns the documents of a YAML file.
fn documents(text: &str) -> Vec<Value> {
    let documents = text.split("\n---\n");
    let documents = documents.map(|text| serde_yaml_ng::from_str::<Value>(text).expect("YAML"));
    documents.filter(|document| !document.is_null()).collect()
}

/// Returns what a resource's API would refuse or drop.
fn wrong(schemas: &Schemas, resource: &Value) -> Vec<String> {
    let kind = definition::text(resource, "/kind");
    let version = definition::text(resource, "/apiVersion");
    let version = version.rsplit('/').next().unwrap_or_default();
    match schemas.get(&(kind.to_owned(), version.to_owned())) {
        None => vec![format!("no definition of {kind} {version}")],
        Some(schema) => schema
            .iter_errors(resource)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect(),
    }
}

fn assert_accepted(schemas: &Schemas, what: &str, resource: &Value) {
    let wrong = wrong(schemas, resource);
    assert!(wrong.is_empty(), "{what}: {wrong:#?}\n{resource:#}");
}

/// Returns the files with an extension in a folder of the workspace and below.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("list a folder") {
        let path = entry.expect("list a folder").path();
        match path.is_dir() {
            true => found.extend(files(&path, extension)),
            false if path.extension().is_some_and(|its| its == extension) => found.push(path),
            false => {}
        }
    }
    found.sort();
    found
}

#[test]
fn shipped_resources_are_accepted_by_their_apis() {
    let Some(schemas) = schemas() else { return };
    let mut checked = Vec::new();
    for path in files(&workspace().join("envoy"), "yaml") {
        for resource in documents(&fs::read_to_string(&path).expect("a file")) {
            let Some(kind) = resource["kind"].as_str() else {
                continue;
            };
            if OTHERS.contains(&kind) {
                continue;
            }
            assert_accepted(schemas, &path.display().to_string(), &resource);
            checked.push(kind.to_owned());
        }
    }
    checked.sort();
    // Two of each that an overlay has too.
    let expected = [KINDS[0], KINDS[0], KINDS[3], KINDS[4], KINDS[4]];
    assert_eq!(checked, expected);
}

#[test]
fn resources_in_the_documentation_are_accepted_by_their_apis() {
    let Some(schemas) = schemas() else { return };
    let root = workspace();
    let mut pages = files(&root.join("docs"), "md");
    pages.push(root.join("README.md"));
    let mut checked = 0;
    for page in pages {
        let text = fs::read_to_string(&page).expect("a page");
        for block in text.split("```yaml\n").skip(1) {
            let block = block.split("\n```").next().unwrap_or_default();
            // A template of Helm is no YAML; crates/cli/tests checks the one of docs/pages.md.
            if !block.contains("apiVersion:") || block.contains("{{ .") {
                continue;
            }
            for resource in documents(block) {
                if KINDS.iter().any(|kind| resource["kind"] == *kind) {
                    assert_accepted(schemas, &page.display().to_string(), &resource);
                    checked += 1;
                }
            }
        }
    }
    assert!(checked >= 2, "the README has two: {checked}");
}

/// Returns the output of `tidegate bundle` for a kind.
fn bundled(source: &str, kind: &str, more: &[&str]) -> Value {
    let mut command = tool();
    command.args(["bundle", source, "--as", kind]).args(more);
    let output = command.current_dir(workspace()).output();
    let output = output.expect("run tidegate bundle");
    assert!(output.status.success(), "{kind} {more:?}: {output:?}");
    serde_yaml_ng::from_slice(&output.stdout).expect("YAML")
}

const DIGEST: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Every kind with every combination of its options.
#[test]
fn bundled_resources_are_accepted_by_their_apis() {
    let Some(schemas) = schemas() else { return };
    let web = ["--module", "https://files.example/tidegate.wasm"];
    let checked = ["--module", web[1], "--sha256", DIGEST];
    let plain = ["--module", "http://files.example/tidegate.wasm"];
    let file = ["--module", "file:///opt/tidegate.wasm"];
    let image = ["--module", "oci://registry.example/tidegate:0.1.0"];
    let pinned = format!("oci://registry.example/tidegate@sha256:{DIGEST}");
    let pinned = ["--module", &pinned];
    let istio: [&[&str]; 7] = [&[], &web, &checked, &plain, &file, &image, &pinned];
    let gateway: [&[&str]; 6] = [&[], &web, &checked, &plain, &image, &pinned];
    let names: [&[&str]; 4] = [
        &[],
        &["--name", "on"],
        &["--namespace", "1shop"],
        &["--name", "a.b-c", "--namespace", "shop"],
    ];
    let targets: [&[&str]; 4] = [
        &[],
        &["--gateway", "public"],
        &["--selector", "app=shop"],
        &["--selector", "app=1", "--selector", "x.example/y=true"],
    ];
    let sources = [
        "examples/own-pages/tidegate.yaml",
        "crates/core/tests/config/full_example.json",
    ];
    let mut count = 0;
    for (kind, modules) in [
        ("istio", &istio[..]),
        ("trafficextension", &istio[..]),
        ("envoy-gateway", &gateway[..]),
    ] {
        for module in modules {
            for name in names {
                for target in targets {
                    let options = [*module, name, target].concat();
                    let source = sources[count % sources.len()];
                    let resource = bundled(source, kind, &options);
                    assert_accepted(schemas, &format!("{kind} {options:?}"), &resource);
                    count += 1;
                }
            }
        }
    }
    assert_eq!(count, (7 + 7 + 6) * 4 * 4);
}

/// The check finds a mistake in each kind.
#[test]
fn mistakes_are_refused() {
    let Some(schemas) = schemas() else { return };
    let at = |api: &str, kind: &str, spec: Value| json!({ "apiVersion": api, "kind": kind, "metadata": { "name": "tidegate" }, "spec": spec });
    let istio = "extensions.istio.io/v1alpha1";
    let filters = "networking.istio.io/v1alpha3";
    let gateway = "gateway.envoyproxy.io/v1alpha1";
    let target = json!([{ "group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "eg" }]);
    let image = json!({ "type": "Image", "image": { "url": "registry.example/tidegate" } });
    let patch =
        |target: Value| json!({ "type": "JSONPatch", "targetRef": target, "jsonPatches": [] });
    for (place, good, pointer, key, value) in [
        (
            "spec",
            at(istio, "WasmPlugin", json!({ "url": "oci://x/y" })),
            "/spec",
            "failstrategy",
            json!("FAIL_RELOAD"),
        ),
        (
            "enumeration",
            at(istio, "WasmPlugin", json!({ "url": "oci://x/y" })),
            "/spec",
            "failStrategy",
            json!("RELOAD"),
        ),
        (
            "sha256",
            at(istio, "WasmPlugin", json!({ "url": "oci://x/y" })),
            "/spec",
            "sha256",
            json!("123"),
        ),
        (
            "metadata",
            at(istio, "WasmPlugin", json!({ "url": "oci://x/y" })),
            "/metadata",
            "nameSpace",
            json!("x"),
        ),
        (
            "version",
            at(istio, "WasmPlugin", json!({ "url": "oci://x/y" })),
            "",
            "apiVersion",
            json!("extensions.istio.io/v1"),
        ),
        (
            "wasm",
            at(
                istio,
                "TrafficExtension",
                json!({ "wasm": { "url": "oci://x/y" } }),
            ),
            "/spec/wasm",
            "image",
            json!("x"),
        ),
        (
            "target",
            at(
                gateway,
                "EnvoyExtensionPolicy",
                json!({ "targetRefs": target, "wasm": [{ "name": "tidegate", "code": image }] }),
            ),
            "/spec/targetRefs/0",
            "namespace",
            json!("x"),
        ),
        (
            "code",
            at(
                gateway,
                "EnvoyExtensionPolicy",
                json!({ "targetRefs": target, "wasm": [{ "name": "tidegate", "code": image }] }),
            ),
            "/spec/wasm/0/code/image",
            "tag",
            json!("1"),
        ),
        (
            "filter",
            at(
                filters,
                "EnvoyFilter",
                json!({ "configPatches": [{ "applyTo": "HTTP_FILTER", "patch": { "operation": "INSERT_BEFORE", "value": { "any": 1 } } }] }),
            ),
            "/spec/configPatches/0",
            "value",
            json!({}),
        ),
        (
            "patch",
            at(gateway, "EnvoyPatchPolicy", patch(target[0].clone())),
            "/spec",
            "jsonPatch",
            json!([]),
        ),
    ] {
        assert_accepted(schemas, place, &good);
        let mut bad = good.clone();
        bad.pointer_mut(pointer).expect(place)[key] = value;
        assert!(!wrong(schemas, &bad).is_empty(), "{place}: not seen");
    }
}

/// Returns the resources that Kustomize makes of a folder.
fn built(folder: &Path) -> Vec<Value> {
    let built = kubectl::kustomize(folder);
    documents(&built.unwrap_or_else(|said| panic!("{}: {said}", folder.display())))
}

/// The overlays and the resources that stand alone in `envoy/` are the same.
#[test]
fn overlays_build_the_resources_that_stand_alone() {
    let folder = workspace().join("envoy/kustomize");
    assert_eq!(built(&folder.join("base")), [] as [Value; 0]);
    for (overlay, alone) in [
        ("istio", "envoy/istio/wasmplugin.yaml"),
        ("envoy-gateway", "envoy/envoy-gateway.yaml"),
    ] {
        let resources = built(&folder.join(overlay));
        assert_eq!(resources, [tidegate_e2e::yaml(alone)], "{overlay}");
        if let Some(schemas) = schemas() {
            assert_accepted(schemas, overlay, &resources[0]);
        }
    }
}

/// Image and configuration are set in one place.
#[test]
fn overlays_take_image_and_configuration_from_the_base() {
    let scratch = TempDir::new().expect("make a folder");
    let root = scratch.path();
    let from = workspace().join("envoy/kustomize");
    for path in files(&from, "yaml") {
        let to = root.join(path.strip_prefix(&from).expect("a path below"));
        fs::create_dir_all(to.parent().expect("a folder")).expect("make a folder");
        fs::copy(path, to).expect("copy a file");
    }
    let config = bundled("examples/own-pages/tidegate.yaml", "json", &[]);
    let image = format!("registry.example:5000/a/tidegate@sha256:{DIGEST}");
    let settings = root.join("base/settings.yaml");
    let text = fs::read_to_string(&settings).expect("the settings");
    let mut changed: Value = serde_yaml_ng::from_str(&text).expect("YAML");
    changed["spec"] = json!({ "image": image, "config": config });
    fs::write(&settings, changed.to_string()).expect("write the settings");
    for (overlay, place, url, pointer) in [
        (
            "istio",
            "/spec/url",
            format!("oci://{image}"),
            "/spec/pluginConfig",
        ),
        (
            "envoy-gateway",
            "/spec/wasm/0/code/image/url",
            image.clone(),
            "/spec/wasm/0/config",
        ),
    ] {
        let resources = built(&root.join(overlay));
        assert_eq!(resources.len(), 1, "{overlay}");
        assert_eq!(
            resources[0].pointer(place),
            Some(&Value::from(url)),
            "{overlay}"
        );
        assert_eq!(resources[0].pointer(pointer), Some(&config), "{overlay}");
        if let Some(schemas) = schemas() {
            assert_accepted(schemas, overlay, &resources[0]);
        }
    }
}
