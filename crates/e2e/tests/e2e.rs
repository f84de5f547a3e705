//! The tests that need a real Envoy. One binary, so that the harness is linked once.

/// The circuit breaker.
mod breaker;
/// The pages in a real browser.
mod browser;
/// Between other filters of the chain.
mod chain;
/// curl, and the real gRPC client.
mod clients;
/// Configurations that come into force, and those that do not.
mod configuration;
/// `tidegate demo`, and that it leaves nothing behind.
mod demo;
/// The commands of each example's README do what it says.
mod examples;
/// The harness itself, without the filter.
mod harness;
mod hints;
/// Every failure, every method, every client, both protocols.
mod matrix;
/// What operators see: metrics with labels, alerts, the dashboard.
mod metrics;
/// Every reason, at every place that names it.
mod named;
/// Pages of operators: which, in which language, with which policy.
mod own_pages;
/// What the configuration says about failures.
mod policy;
/// What `tidegate preview` shows, beside what the filter serves.
mod preview;
/// What the README tells a newcomer to do.
mod readme;
/// Hostile clients, and what failing costs.
mod resilience;
/// What is to be loaded into Envoy, Istio and Envoy Gateway.
mod resources;
/// The site in which everything goes wrong.
mod site;
/// How long the module takes to be ready. Processor times are read as Linux has them.
#[cfg(target_os = "linux")]
mod start;
/// What passes byte for byte.
mod untouched;
