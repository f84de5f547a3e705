use super::*;

/// The files of `envoy/` may change, but need their placeholders.
#[test]
fn the_resources_contain_every_placeholder_once() {
    for (whole, part) in [
        (ENVOY, EMPTY),
        (ENVOY, OF_EMPTY),
        (ENVOY, MODULE),
        (ENVOY, FILTER.0),
        (ENVOY, FILTER.1),
        (ISTIO, URL),
        (ISTIO, BRAND),
        (ISTIO, ISTIO_NAME),
        (ISTIO, ISTIO_TARGET),
        (TRAFFIC_EXTENSION, URL),
        (TRAFFIC_EXTENSION, BRAND),
        (TRAFFIC_EXTENSION, ISTIO_NAME),
        (TRAFFIC_EXTENSION, ISTIO_TARGET),
        (ENVOY_GATEWAY, IMAGE),
        (ENVOY_GATEWAY, BRAND),
        (ENVOY_GATEWAY, GATEWAY_NAME),
        (ENVOY_GATEWAY, GATEWAY_TARGET),
    ] {
        assert_eq!(whole.matches(part).count(), 1, "{part:?}");
    }
}

/// The access log of the complete Envoy is the one that the docs tell to copy.
#[test]
fn the_complete_envoy_has_the_access_log() {
    let log = include_str!("../../../../../envoy/access-log.yaml");
    let (_, log) = log.split_once("access_log:\n").unwrap();
    for line in log.lines() {
        assert!(
            ENVOY.contains(&format!("                {line}\n")),
            "{line}"
        );
    }
}

#[test]
fn words_of_yaml_are_quoted() {
    for (text, expected) in [
        (
            "oci://a.example/b:1@sha256:0f",
            "oci://a.example/b:1@sha256:0f",
        ),
        ("istio-system", "istio-system"),
        ("1e3", "\"1e3\""),
        ("no", "\"no\""),
        ("a: b", "\"a: b\""),
        ("", "\"\""),
    ] {
        assert_eq!(scalar(text), expected);
    }
}
