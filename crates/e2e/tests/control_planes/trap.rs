use wasm_encoder::reencode::{utils, Error, Reencode};
use wasm_encoder::{
    CodeSection, ExportKind, ExportSection, Function, FunctionSection, ImportSection, Module,
    TypeSection, ValType,
};
use wasmparser::{
    CodeSectionReader, ExportSectionReader, FunctionSectionReader, ImportSectionReader, Parser,
    TypeSectionReader,
};

/// Adds a callback for the bodies of requests, which ours has none, and lets it trap.
pub(super) fn with_trap(module: &[u8]) -> Vec<u8> {
    let mut changed = Module::new();
    let mut trap = Trap::default();
    utils::parse_core_module(&mut trap, &mut changed, Parser::new(0), module)
        .expect("a module with a trap");
    changed.finish()
}

/// The numbers of the type and the function that are added.
#[derive(Debug, Default)]
struct Trap {
    kind: u32,
    function: u32,
}

type Result = std::result::Result<(), Error<std::convert::Infallible>>;

impl Reencode for Trap {
    type Error = std::convert::Infallible;

    fn parse_type_section(
        &mut self,
        types: &mut TypeSection,
        section: TypeSectionReader<'_>,
    ) -> Result {
        utils::parse_type_section(self, types, section)?;
        self.kind = types.len();
        types.ty().function([ValType::I32; 3], [ValType::I32]);
        Ok(())
    }

    fn parse_import_section(
        &mut self,
        imports: &mut ImportSection,
        section: ImportSectionReader<'_>,
    ) -> Result {
        // All imports are functions.
        self.function += section.count();
        utils::parse_import_section(self, imports, section)
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: FunctionSectionReader<'_>,
    ) -> Result {
        self.function += section.count();
        utils::parse_function_section(self, functions, section)?;
        functions.function(self.kind);
        Ok(())
    }

    fn parse_export_section(
        &mut self,
        exports: &mut ExportSection,
        section: ExportSectionReader<'_>,
    ) -> Result {
        utils::parse_export_section(self, exports, section)?;
        exports.export("proxy_on_request_body", ExportKind::Func, self.function);
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: CodeSectionReader<'_>,
    ) -> Result {
        utils::parse_code_section(self, code, section)?;
        let mut body = Function::new([]);
        body.instructions().unreachable().end();
        code.function(&body);
        Ok(())
    }
}
