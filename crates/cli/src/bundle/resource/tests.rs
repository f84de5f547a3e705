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
        (ISTIO, IMAGE),
        (ISTIO, BRAND),
        (ENVOY_GATEWAY, IMAGE),
        (ENVOY_GATEWAY, BRAND),
    ] {
        assert_eq!(whole.matches(part).count(), 1, "{part:?}");
    }
}
