//! The tests that need a real Envoy. One binary, so that the harness is linked once.

/// The harness itself, without the filter.
mod harness;
