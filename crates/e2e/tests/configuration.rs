//! How a configuration takes effect, and how an invalid one does not.

use tidegate_e2e::client::Client;
use tidegate_e2e::client::Protocol;
use tidegate_e2e::config::{cluster, route, tidegate, Bootstrap, Listener};
use tidegate_e2e::envoy::Envoy;
use tidegate_e2e::faults::Refused;
use tidegate_e2e::message::{Request, Response};

/// Returns a listener whose upstream is down.
fn listener(configuration: Option<&str>) -> serde_json::Value {
    Listener::new("main")
        .filter(tidegate(&tidegate_e2e::module(), configuration))
        .routes([route("/", "refused")])
        .json()
}

fn start(configuration: Option<&str>) -> (Envoy, Refused) {
    let refused = Refused::default();
    let clusters = vec![cluster("refused", &[refused.address()])];
    (
        Envoy::start(&Bootstrap::new(clusters, vec![listener(configuration)])),
        refused,
    )
}

fn page(envoy: &Envoy) -> Response {
    let request = Request::get("/").header("accept", "text/html");
    Client::new(Protocol::H1, envoy.listener("main")).get(&request)
}

#[test]
fn no_configuration_equals_the_empty_one() {
    let length = |configuration| {
        let (envoy, _refused) = start(configuration);
        let page = page(&envoy);
        assert_eq!(page.status, 502);
        assert!(page.text().starts_with("<!doctype html>"));
        page.body.len()
    };
    let (none, empty) = (length(None), length(Some("{}")));
    // Request id and time have the same length on every page; the wait may differ.
    assert!(none.abs_diff(empty) <= 16, "{none} {empty}");
}

#[test]
fn update_replaces_the_configuration() {
    let (envoy, _refused) = start(Some(r#"{ "brand": { "name": "First & Co" } }"#));
    assert!(page(&envoy).text().contains("First &amp; Co"));
    envoy.replace_listeners(&[listener(Some(r#"{ "brand": { "name": "Second" } }"#))]);
    let updated = page(&envoy);
    assert!(updated.text().contains("Second") && !updated.text().contains("First"));
}

#[test]
fn refused_update_keeps_the_configuration() {
    let (envoy, _refused) = start(Some(r#"{ "brand": { "name": "First" } }"#));
    let bad = r#"{
        "brand": { "nam": "Second" },
        "intercept": { "statuses": ["6xx"] },
        "retry": { "max": "soon" }
    }"#;
    for (count, bad) in [(1, bad), (2, "not JSON"), (3, r#"{ "version": 2 }"#)] {
        envoy.replace_listeners(&[listener(Some(bad))]);
        assert_eq!(
            envoy.stat("listener_manager.lds.update_rejected"),
            count,
            "{bad}"
        );
        let page = page(&envoy);
        assert_eq!(page.status, 502, "{bad}");
        assert!(page.text().contains("First"), "{bad}");
    }
    // Each error has its own line with its key path.
    let log = envoy.log();
    for path in ["brand.nam", "intercept.statuses[0]", "retry.max"] {
        let lines = log
            .lines()
            .filter(|line| line.contains("tidegate") && line.contains(path));
        // Only the lines of the wasm log. Envoy's own lines quote a whole update.
        let lines: Vec<_> = lines.filter(|line| line.contains("wasm log")).collect();
        assert!(!lines.is_empty(), "no line for {path} in:\n{log}");
        assert!(
            lines.iter().all(|line| line.contains("[error]")),
            "{lines:?}"
        );
        let others = ["brand.nam", "intercept.statuses[0]", "retry.max"];
        let others = others.iter().filter(|other| **other != path);
        for other in others {
            assert!(lines.iter().all(|line| !line.contains(other)), "{lines:?}");
        }
    }
    envoy.replace_listeners(&[listener(Some(r#"{ "brand": { "name": "Third" } }"#))]);
    assert!(page(&envoy).text().contains("Third"));
}

#[test]
fn validation_refuses_an_invalid_configuration() {
    let run = |configuration: &str| {
        let bootstrap = Bootstrap::new(
            vec![cluster("refused", &[])],
            vec![listener(Some(configuration))],
        );
        Envoy::validate(&bootstrap)
    };
    assert!(run("{}").is_ok());
    let error = run(r#"{ "brand": { "nam": "x" } }"#).expect_err("a configuration that is wrong");
    assert!(error.contains("brand.nam"), "{error}");
}

/// Envoy does not make JSON of a `Struct`, so the words of YAML do not matter in it.
#[test]
fn a_struct_is_refused_by_its_name() {
    let bootstrap = Bootstrap::new(
        vec![cluster("refused", &[])],
        vec![listener(Some("CONFIGURATION"))],
    );
    let json = bootstrap.static_json().to_string();
    for configuration in ["{ mode: off }", "{ mode: \"off\" }"] {
        let yaml = json.replace("google.protobuf.StringValue", "google.protobuf.Struct");
        let yaml = yaml.replace("\"CONFIGURATION\"", &format!(" {configuration}"));
        let error = Envoy::validate_text("envoy.yaml", &yaml).expect_err("a `Struct`");
        let expected = "not JSON: a protobuf message, which Envoy makes of a `Struct` (allowed: JSON in a `StringValue`)";
        assert!(error.contains(expected), "{configuration}: {error}");
    }
}
