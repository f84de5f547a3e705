//! Tidegate on a real Envoy.
