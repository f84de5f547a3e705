//! Rewrites the export section of the linked module, and nothing else.
//!
//! The SDK exports every callback of the interface, and Envoy calls whatever is exported, even when the
//! filter does nothing in it: 6 to 15 µs for each request (docs/benchmarks.md). So after linking, the
//! exports are cut down to [`list::KEPT`]. All other sections are copied byte for byte. The module works
//! without this step too, only slower.
#![forbid(unsafe_code)]

pub mod list;

use std::fmt;

use list::Export;
use wasm_encoder::reencode::{Reencode, RoundtripReencoder};
use wasm_encoder::{ExportSection, Module, RawSection};
use wasmparser::{ExternalKind, Parser, Payload, Validator};

/// Why the exports of a module cannot be rewritten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportsError {
    /// The bytes are not a valid WebAssembly core module.
    Malformed(String),
    /// The list names exports that the module does not have.
    Missing(Vec<&'static str>),
}

impl fmt::Display for ExportsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(why) => write!(f, "not a valid WebAssembly module: {why}"),
            Self::Missing(names) => write!(
                f,
                "the module does not export {}; restore the callback in src/, or remove it from crates/exports/src/list.rs",
                names.join(", ")
            ),
        }
    }
}

impl std::error::Error for ExportsError {}

impl From<wasmparser::BinaryReaderError> for ExportsError {
    fn from(error: wasmparser::BinaryReaderError) -> Self {
        Self::Malformed(error.to_string())
    }
}

/// Returns the module with the exports of `kept` only. All other sections stay as they are.
///
/// # Errors
///
/// [`ExportsError`] if the input is not a valid core module or lacks one of `kept`.
pub fn keep_exports(module: &[u8], kept: &[Export]) -> Result<Vec<u8>, ExportsError> {
    Validator::new().validate_all(module)?;
    let mut missing: Vec<_> = kept.iter().map(|export| export.name).collect();
    let mut rewritten = Module::new();
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload?;
        if let Payload::ExportSection(section) = payload {
            let mut exports = ExportSection::new();
            for export in section {
                let export = export?;
                let Some(at) = missing.iter().position(|name| *name == export.name) else {
                    continue;
                };
                missing.swap_remove(at);
                let kind = RoundtripReencoder
                    .export_kind(export.kind)
                    .map_err(|error| ExportsError::Malformed(error.to_string()))?;
                exports.export(export.name, kind, export.index);
            }
            rewritten.section(&exports);
        } else if let Some((id, range)) = payload.as_section() {
            let data = &module[range];
            rewritten.section(&RawSection { id, data });
        }
    }
    if !missing.is_empty() {
        return Err(ExportsError::Missing(missing));
    }
    Ok(rewritten.finish())
}

/// Returns the number of functions that a module exports.
///
/// # Errors
///
/// [`ExportsError::Malformed`] if the bytes cannot be read as a module.
pub fn count_exported_functions(module: &[u8]) -> Result<usize, ExportsError> {
    let mut count = 0;
    for payload in Parser::new(0).parse_all(module) {
        if let Payload::ExportSection(section) = payload? {
            for export in section {
                count += usize::from(export?.kind == ExternalKind::Func);
            }
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests;
