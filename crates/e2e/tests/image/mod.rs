//! The image that `tidegate bundle --as oci` makes, pushed to a real registry, pulled by the rules of the
//! agents that load it, and loaded by Envoy.

pub(crate) mod agent;
mod layouts;
mod remote;

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use tidegate_e2e::client::{Client, Protocol};
use tidegate_e2e::config::{cluster, route, tidegate, Bootstrap, Listener};
use tidegate_e2e::envoy::Envoy;
use tidegate_e2e::faults::Refused;
use tidegate_e2e::message::Request;
use tidegate_e2e::registry::Registry;
use tidegate_e2e::{module, tool};

use agent::pull;

/// Makes an image of the module under test and returns the digest that the command prints.
fn make(output: &Path) -> String {
    let mut command: Command = tool();
    command
        .args(["bundle", "--as", "oci", "--module"])
        .arg(module());
    let made = command.arg("--output").arg(output).output();
    let made = made.expect("run tidegate bundle");
    assert!(made.status.success(), "{made:?}");
    let printed = String::from_utf8(made.stdout).expect("a digest");
    printed.trim_end().to_owned()
}

/// Returns whether an Envoy has the filter: a failing upstream gets its page.
fn has_the_filter(envoy: &Envoy) -> bool {
    let request = Request::get("/").header("accept", "text/html");
    let page = Client::new(Protocol::H1, envoy.listener("main")).get(&request);
    page.status == 502 && page.text().starts_with("<!doctype html>")
}

#[test]
fn a_pushed_image_is_pulled_by_its_digest_and_loaded_by_envoy() {
    let folder = TempDir::new().expect("make a folder");
    let path = |name: &str| folder.path().join(name);
    let digest = make(&path("tidegate.oci.tar"));
    assert_eq!(make(&path("tidegate")), digest, "an archive and a folder");
    let of = |kind: &str, name: &str| format!("{kind}:{}", path(name).display());
    let registry = Registry::start();
    let original = fs::read(module()).expect("read the module");

    // A copy that changed the manifest would fail.
    let unchanged = ["--preserve-digests"];
    registry.copy(&of("oci-archive", "tidegate.oci.tar"), "tar:1", &unchanged);
    registry.copy(&of("oci", "tidegate"), "folder:1", &unchanged);
    // Without it skopeo also keeps the manifest, so users need no option.
    registry.copy(&of("oci-archive", "tidegate.oci.tar"), "plain:1", &[]);
    for (name, reference) in [("tar", "1"), ("folder", "1"), ("plain", &*digest)] {
        let pulled = pull(&registry, name, reference).expect(name);
        assert_eq!(pulled.digest, digest, "{name}");
        assert!(pulled.module == original, "{name}: another module");
    }
    // A registry without OCI images gets Docker's manifest.
    let docker = ["--format", "v2s2"];
    registry.copy(&of("oci-archive", "tidegate.oci.tar"), "docker:1", &docker);
    let pulled = pull(&registry, "docker", "1").expect("the image of Docker");
    assert_ne!(pulled.digest, digest);
    assert!(pulled.module == original, "docker: another module");

    // The agent of Istio gives Envoy the pulled module as a local file.
    let file = path("pulled.wasm");
    fs::write(&file, &pulled.module).expect("write the module");
    let refused = Refused::default();
    let listener = Listener::new("main").filter(tidegate(&file, Some("{}")));
    let listener = listener.routes([route("/", "refused")]).json();
    let clusters = vec![cluster("refused", &[refused.address()])];
    assert!(has_the_filter(&Envoy::start(&Bootstrap::new(
        clusters,
        vec![listener]
    ))));
}
