//! The commands of docs/install.md print what it says, as far as they need neither a cluster nor a registry.

use std::fs;

use tidegate_e2e::{envoy, kubectl, workspace};

use crate::examples::{steps, Copy};

const PAGE: &str = "docs/install.md";
const REMOTE: &str = "envoy/envoy-remote.yaml";

#[test]
fn commands_of_the_four_ways_print_what_the_page_says() {
    let paths = [PAGE, "envoy", "examples/branded-502"];
    let copy = Copy::of_repository(&paths, &["envoy/envoy.yaml", REMOTE]);
    copy.add_program("kubectl", kubectl::program(), "");
    // Others run beside it.
    copy.add_program("envoy", &envoy::binary(), "--disable-hot-restart");
    let mut steps = steps(&copy.read(PAGE));
    assert!(steps.len() > 15, "{} commands", steps.len());
    // What the command writes has the ports of the original.
    let made = steps.iter_mut();
    let made: Vec<_> = made
        .filter(|step| step.command.ends_with("--as envoy -o envoy.yaml"))
        .collect();
    assert_eq!(made.len(), 1);
    for step in made {
        for (from, to) in &copy.ports {
            let edit = format!(" && sed -i 's/port_value: {from} /port_value: {to} /' envoy.yaml");
            step.command.push_str(&edit);
        }
    }
    copy.assert_prints(PAGE, &steps);
    let signs = envoy::signs_of_death(&copy.read("background.log"));
    assert!(signs.is_empty(), "{signs:#?}");
}

/// Every command that no test runs is in a block that says why.
#[test]
fn commands_that_are_not_run_are_marked() {
    let page = fs::read_to_string(workspace().join(PAGE)).expect(PAGE);
    let before: Vec<&str> = page.split("\n```sh\n").collect();
    // The first block builds what the tests have built.
    for text in &before[1..before.len() - 1] {
        let last = text.lines().last().unwrap_or_default();
        let is_marked = last.starts_with("<!-- not run: ");
        assert!(is_marked, "{last:?} comes before a block of commands");
    }
}

/// The overlay of docs/install.md is one that Kustomize builds.
#[test]
fn overlay_of_the_page_builds() {
    let page = fs::read_to_string(workspace().join(PAGE)).expect(PAGE);
    let mut blocks = page.split("```yaml\n").skip(1);
    let overlay = blocks.next().and_then(|rest| rest.split("```").next());
    let copy = Copy::of_repository(&["envoy/kustomize"], &[]);
    let overlay = overlay.expect("an overlay");
    let overlay = overlay.replace("tidegate/envoy", "envoy");
    fs::write(copy.folder.join("kustomization.yaml"), overlay).expect("write the overlay");
    let built = kubectl::kustomize(&copy.folder).unwrap_or_else(|said| panic!("{said}"));
    for part in [
        "  pluginConfig:\n    mode: shadow\n",
        "  url: oci://registry.example/mine@sha256:0123456789abcdef",
    ] {
        assert!(built.contains(part), "{built}");
    }
}

/// envoy/envoy-remote.yaml leaves the explanations to envoy/envoy.yaml.
#[test]
fn remote_example_differs_from_the_local_one_in_the_module_only() {
    let filter = |path: &str| {
        let yaml = tidegate_e2e::yaml(path);
        let filter = yaml.pointer(
            "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters/0",
        );
        let mut filter = filter.expect("the filter").clone();
        filter["typed_config"]["config"]["vm_config"]["code"] = serde_json::Value::Null;
        filter
    };
    assert_eq!(filter(REMOTE), filter("envoy/envoy.yaml"));
}
