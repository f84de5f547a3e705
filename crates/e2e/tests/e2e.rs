//! The tests that need a real Envoy, in one binary so that the harness is linked once.

/// Brands by host, formats by route, texts by language.
mod brands;
/// The circuit breaker.
mod breaker;
/// Pages in a real browser.
mod browser;
/// The filter among other filters.
mod chain;
/// The circuit that opens: that of a path or of a host, not that of the whole route.
mod classes;
/// curl and a real gRPC client.
mod clients;
/// A clock that is set back. Linux loads another clock into Envoy.
#[cfg(target_os = "linux")]
mod clock;
/// Valid and invalid configurations.
mod configuration;
/// What Istio and Envoy Gateway make of their resources.
mod control_planes;
/// Resources, against the definitions of Istio and Envoy Gateway.
mod crds;
/// `tidegate demo`, which leaves no process behind.
mod demo;
/// The source of a project in an editor.
mod editor;
/// How failing responses end: without a body, and with one that never ends.
mod endings;
/// The commands of each example's README.
mod examples;
/// The harness itself.
mod harness;
mod hints;
/// The image: pushed to a registry, pulled as the agents pull it, loaded by Envoy.
mod image;
/// The commands of docs/install.md.
mod install;
/// Maintenances with a known end.
mod maintenance;
/// Every kind of failure with every method, client and protocol.
mod matrix;
/// The memory of the VM. Linux shows how much it is.
#[cfg(target_os = "linux")]
mod memory;
/// Metrics with labels, alerts, the dashboard.
mod metrics;
/// Every reason, wherever it is reported.
mod named;
/// Other filters of the same proxy: another Tidegate, and those that limit or deny requests.
mod neighbours;
/// What counts as the upstream's fault.
mod outcomes;
/// Operators' own pages: selection, language, policy.
mod own_pages;
/// Which failures the configuration replaces.
mod policy;
/// `tidegate preview` compared with what the filter serves.
mod preview;
/// The commands of the README.
mod readme;
/// Hostile clients, and the cost of failures.
mod resilience;
/// Files for Envoy, Istio and Envoy Gateway.
mod resources;
/// Scenarios that run at the same time.
mod scenarios;
/// A site with every kind of failure.
mod site;
/// The start time of the module, read from Linux's processor times.
#[cfg(target_os = "linux")]
mod start;
/// Responses that pass byte for byte.
mod untouched;
/// Uploads that an open circuit rejects.
mod uploads;
/// The way back after an outage: check-ins, passes, the rate of a ramp.
mod way_back;
