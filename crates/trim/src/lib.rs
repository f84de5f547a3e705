//! Trims the linked module.
//!
//! The linker keeps every callback of the SDK, and Envoy calls what is exported, used or not. So after
//! linking, the exports are cut down to [`exports::KEPT`], and whatever code and imports only the others
//! reached goes with them, as do the custom sections (names, producers), which nothing at run time reads.
//!
//! What stays is written for a compressor: a function that is the same as another is there once, those
//! that look alike become neighbours ([`order`]), their locals are numbered alike ([`locals`]), and what
//! loads and stores say of alignment, which is a hint that engines ignore, is the same for all.
//! Together the module is 3 % smaller when it is compressed.
//!
//! # What it does not do
//!
//! It changes nothing of what a function does. A function whose address is in a table stays: which of them an indirect call
//! may reach is not known after linking. The module works untrimmed too, only slower.
#![forbid(unsafe_code)]

pub mod exports;
mod locals;
mod order;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use exports::Export;
use wasm_encoder::reencode::{self, utils, Reencode};
use wasm_encoder::{CodeSection, ElementSection, ExportSection, FunctionSection, GlobalSection};
use wasm_encoder::{ImportSection, MemArg, Module};
use wasmparser::{ExternalKind, FunctionBody, Parser, Payload, TypeRef, Validator};

/// Why a module cannot be trimmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrimError {
    /// The bytes are no WebAssembly module that this tool can read.
    Malformed(String),
    /// The list names exports that the module does not have.
    MissingExports(Vec<&'static str>),
    /// Something that stays refers to a function that does not: a fault of this tool.
    Dangling(u32),
}

impl fmt::Display for TrimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(why) => write!(f, "not a module that can be trimmed: {why}"),
            Self::MissingExports(names) => write!(
                f,
                "the module does not export {}; either the adapter lost it, or it has to leave the list in crates/trim/src/exports.rs",
                names.join(", ")
            ),
            Self::Dangling(index) => write!(f, "function {index} is still referred to, but was dropped"),
        }
    }
}

impl std::error::Error for TrimError {}

impl From<wasmparser::BinaryReaderError> for TrimError {
    fn from(error: wasmparser::BinaryReaderError) -> Self {
        Self::Malformed(error.to_string())
    }
}

impl From<reencode::Error<TrimError>> for TrimError {
    fn from(error: reencode::Error<TrimError>) -> Self {
        match error {
            reencode::Error::UserError(own) => own,
            other => Self::Malformed(other.to_string()),
        }
    }
}

/// The module with the exports of `kept` and what they reach, and nothing else.
///
/// # Errors
///
/// When the input is no valid core module, or lacks one of `kept`. The output is validated as well.
pub fn trim(module: &[u8], kept: &[Export]) -> Result<Vec<u8>, TrimError> {
    let outline = Outline::read(module, kept)?;
    let reached = outline.reached()?;
    let same = outline.same(&reached)?;
    let order = outline.by_likeness(&same)?;
    let numbers: BTreeMap<u32, u32> = order.iter().copied().zip(0..).collect();
    let renumbered = same
        .iter()
        .filter_map(|(function, first)| Some((*function, *numbers.get(first)?)))
        .collect();
    let mut keep = Keep {
        order,
        renumbered,
        outline: &outline,
        kept,
    };
    let mut trimmed = Module::new();
    keep.parse_core_module(&mut trimmed, Parser::new(0), module)?;
    let bytes = trimmed.finish();
    Validator::new().validate_all(&bytes)?;
    Ok(bytes)
}

/// What of a module decides which functions stay. Functions are numbered as wasm numbers them: imports first.
struct Outline<'a> {
    imports: u32,
    /// Of each function type the number of its parameters; of other types nothing.
    params: Vec<u32>,
    /// Of each body the number of its type.
    types: Vec<u32>,
    bodies: Vec<FunctionBody<'a>>,
    roots: BTreeSet<u32>,
}

impl<'a> Outline<'a> {
    fn read(module: &'a [u8], kept: &[Export]) -> Result<Self, TrimError> {
        Validator::new().validate_all(module)?;
        let mut outline = Self {
            imports: 0,
            params: Vec::new(),
            types: Vec::new(),
            bodies: Vec::new(),
            roots: BTreeSet::new(),
        };
        let mut roots = References::default();
        let mut missing: Vec<_> = kept.iter().map(|export| export.name).collect();
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::TypeSection(section) => {
                    for ty in section.into_iter_err_on_gc_types() {
                        outline.params.push(ty?.params().len() as u32);
                    }
                }
                Payload::FunctionSection(section) => {
                    outline.types = section.into_iter().collect::<Result<_, _>>()?;
                }
                Payload::ImportSection(section) => {
                    for import in section {
                        outline.imports += u32::from(matches!(import?.ty, TypeRef::Func(_)));
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export?;
                        let Some(at) = missing.iter().position(|name| *name == export.name) else {
                            continue;
                        };
                        missing.remove(at);
                        roots.external_index(export.kind, export.index)?;
                    }
                }
                Payload::StartSection { func, .. } => {
                    roots.start_section(func)?;
                }
                Payload::GlobalSection(section) => {
                    roots.parse_global_section(&mut GlobalSection::new(), section)?;
                }
                Payload::ElementSection(section) => {
                    roots.parse_element_section(&mut ElementSection::new(), section)?;
                }
                Payload::CodeSectionEntry(body) => outline.bodies.push(body),
                _ => {}
            }
        }
        if !missing.is_empty() {
            return Err(TrimError::MissingExports(missing));
        }
        outline.roots = roots.functions;
        Ok(outline)
    }

    /// The roots, what they call or name, what that calls or names, and so on.
    fn reached(&self) -> Result<BTreeSet<u32>, TrimError> {
        let mut reached = self.roots.clone();
        let mut unread: Vec<u32> = reached.iter().copied().collect();
        while let Some(function) = unread.pop() {
            // An import has no body, and so no references.
            let Some(index) = function.checked_sub(self.imports) else {
                continue;
            };
            let Some(body) = self.bodies.get(index as usize) else {
                continue;
            };
            let mut references = References::default();
            references.parse_function_body(&mut CodeSection::new(), body.clone())?;
            unread.extend(
                references
                    .functions
                    .into_iter()
                    .filter(|f| reached.insert(*f)),
            );
        }
        Ok(reached)
    }

    /// Of each of these functions the first that is the same: itself, where it is the only one.
    fn same(&self, functions: &BTreeSet<u32>) -> Result<BTreeMap<u32, u32>, TrimError> {
        let mut same: BTreeMap<u32, u32> = functions.iter().map(|f| (*f, *f)).collect();
        // Those that call what turned out to be the same may be the same too.
        loop {
            let mut first = BTreeMap::new();
            let mut next = BTreeMap::new();
            for &function in functions {
                // An import is only ever itself.
                let body = self.function(
                    function,
                    &mut Named(|callee| same.get(&callee).copied().unwrap_or(callee)),
                )?;
                let as_it_is = body.map(|(ty, bytes)| (None, ty, bytes));
                let shape = as_it_is.unwrap_or((Some(function), 0, Vec::new()));
                next.insert(function, *first.entry(shape).or_insert(function));
            }
            if next == same {
                return Ok(same);
            }
            same = next;
        }
    }

    /// The functions that stay as they are to be numbered: imports first, as wasm has it.
    fn by_likeness(&self, same: &BTreeMap<u32, u32>) -> Result<Vec<u32>, TrimError> {
        let stay: BTreeSet<u32> = same.values().copied().collect();
        let (mut order, with_body): (Vec<u32>, Vec<u32>) =
            stay.iter().partition(|function| **function < self.imports);
        let mut bytes = Vec::new();
        for &function in &with_body {
            // Without the numbers of other functions, which are about to change.
            let body = self.function(function, &mut Named(|_| 0))?;
            bytes.push(body.map(|(_, bytes)| bytes).unwrap_or_default());
        }
        let alike = order::by_likeness(&bytes);
        order.extend(alike.into_iter().filter_map(|at| with_body.get(at)));
        Ok(order)
    }

    /// The type of a function and its bytes as `reencoder` makes them; of an import nothing.
    fn function(
        &self,
        function: u32,
        reencoder: &mut impl Reencode<Error = TrimError>,
    ) -> Result<Option<(u32, Vec<u8>)>, TrimError> {
        let index = function
            .checked_sub(self.imports)
            .map(|index| index as usize);
        let of_body = index.and_then(|at| Some((*self.types.get(at)?, self.bodies.get(at)?)));
        let Some((ty, body)) = of_body else {
            return Ok(None);
        };
        let params = self.params.get(ty as usize).copied().unwrap_or(0);
        let function = locals::in_order(reencoder, body, params)?;
        Ok(Some((ty, function.into_raw_body())))
    }
}

/// Names functions by other numbers.
struct Named<F>(F);

impl<F: Fn(u32) -> u32> Reencode for Named<F> {
    type Error = TrimError;

    fn function_index(&mut self, function: u32) -> Result<u32, reencode::Error<TrimError>> {
        Ok((self.0)(function))
    }

    fn mem_arg(&mut self, arg: wasmparser::MemArg) -> Result<MemArg, reencode::Error<TrimError>> {
        Ok(least_hint(arg))
    }
}

/// The most that a hint about alignment says, as the exponent of two: words of all sizes say the same.
/// (None at all, zero, would be as right; but then it is taken for the offset next to it.)
const MOST_ALIGNED: u8 = 1;

/// The place in memory, with its hint cut.
fn least_hint(arg: wasmparser::MemArg) -> MemArg {
    MemArg {
        align: arg.align.min(MOST_ALIGNED).into(),
        offset: arg.offset,
        memory_index: arg.memory,
    }
}

/// Notes each function that is named in what is re-encoded through it; the encoding itself is thrown
/// away. So both passes agree on what a reference is: the re-encoder's own notion of it.
#[derive(Default)]
struct References {
    functions: BTreeSet<u32>,
}

impl Reencode for References {
    type Error = TrimError;

    fn function_index(&mut self, function: u32) -> Result<u32, reencode::Error<TrimError>> {
        self.functions.insert(function);
        Ok(function)
    }
}

/// Copies a module without the functions that have no new number.
struct Keep<'a> {
    /// The functions that stay, in their new order.
    order: Vec<u32>,
    renumbered: BTreeMap<u32, u32>,
    outline: &'a Outline<'a>,
    kept: &'a [Export],
}

impl Keep<'_> {
    fn stays(&self, function: u32) -> bool {
        self.renumbered.contains_key(&function)
    }
}

impl Reencode for Keep<'_> {
    type Error = TrimError;

    fn function_index(&mut self, function: u32) -> Result<u32, reencode::Error<TrimError>> {
        let new = self.renumbered.get(&function).copied();
        new.ok_or(reencode::Error::UserError(TrimError::Dangling(function)))
    }

    fn mem_arg(&mut self, arg: wasmparser::MemArg) -> Result<MemArg, reencode::Error<TrimError>> {
        Ok(least_hint(arg))
    }

    fn parse_import_section(
        &mut self,
        imports: &mut ImportSection,
        section: wasmparser::ImportSectionReader<'_>,
    ) -> Result<(), reencode::Error<TrimError>> {
        let mut function = 0;
        for import in section {
            let import = import?;
            if matches!(import.ty, TypeRef::Func(_)) {
                function += 1;
                if !self.stays(function - 1) {
                    continue;
                }
            }
            utils::parse_import(self, imports, import)?;
        }
        Ok(())
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        _section: wasmparser::FunctionSectionReader<'_>,
    ) -> Result<(), reencode::Error<TrimError>> {
        for function in &self.order {
            let index = function.checked_sub(self.outline.imports);
            if let Some(ty) = index.and_then(|index| self.outline.types.get(index as usize)) {
                functions.function(*ty);
            }
        }
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        _section: wasmparser::CodeSectionReader<'_>,
    ) -> Result<(), reencode::Error<TrimError>> {
        let outline = self.outline;
        for function in self.order.clone() {
            if let Some((_, body)) = outline
                .function(function, self)
                .map_err(reencode::Error::UserError)?
            {
                code.raw(&body);
            }
        }
        Ok(())
    }

    fn parse_export(
        &mut self,
        exports: &mut ExportSection,
        export: wasmparser::Export<'_>,
    ) -> Result<(), reencode::Error<TrimError>> {
        let listed = self.kept.iter().any(|kept| kept.name == export.name);
        if listed {
            utils::parse_export(self, exports, export)
        } else {
            Ok(())
        }
    }

    fn parse_custom_section(
        &mut self,
        _module: &mut Module,
        _section: wasmparser::CustomSectionReader<'_>,
    ) -> Result<(), reencode::Error<TrimError>> {
        Ok(())
    }
}

/// How many callbacks and host calls a module has: what a person wants to hear of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Surface {
    /// Exported functions.
    pub exports: usize,
    /// Imported functions.
    pub imports: usize,
}

/// Counts what a module exports and imports.
///
/// # Errors
///
/// When the bytes cannot be read as a module.
pub fn surface(module: &[u8]) -> Result<Surface, TrimError> {
    let mut surface = Surface {
        exports: 0,
        imports: 0,
    };
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::ImportSection(section) => {
                for import in section {
                    surface.imports += usize::from(matches!(import?.ty, TypeRef::Func(_)));
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    surface.exports += usize::from(export?.kind == ExternalKind::Func);
                }
            }
            _ => {}
        }
    }
    Ok(surface)
}

#[cfg(test)]
mod tests;
