//! The JSON Schema and the reference page of the configuration.
