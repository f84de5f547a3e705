//! Finds what style sheets refer to: `url(…)` and `@import`.

use std::ops::Range;

use cssparser::{Delimiter, ParseError, Parser, ParserInput, Token};

/// References in deeper blocks are not looked for, so that the stack is bounded.
const MAX_DEPTH: usize = 64;

/// A reference of a style sheet.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) target: String,
    /// `url(…)`, or the whole `@import …;`.
    pub(super) at: Range<usize>,
    /// The conditions after the address of an `@import`; `None` for `url(…)`.
    pub(super) import: Option<String>,
}

/// Returns every reference of a style sheet, in the order of the text.
pub(super) fn references(css: &str) -> Vec<Reference> {
    let mut input = ParserInput::new(css);
    let mut found = Vec::new();
    collect(&mut Parser::new(&mut input), 0, &mut found);
    found
}

fn collect(parser: &mut Parser<'_, '_>, depth: usize, found: &mut Vec<Reference>) {
    loop {
        parser.skip_whitespace();
        let start = parser.position().byte_index();
        if let Ok(target) = parser.try_parse(Parser::expect_url) {
            found.push(Reference {
                target: target.to_string(),
                at: start..parser.position().byte_index(),
                import: None,
            });
            continue;
        }
        let Ok(token) = parser.next() else {
            return;
        };
        match token {
            Token::AtKeyword(name) if name.eq_ignore_ascii_case("import") => {
                if let Ok((target, conditions)) = parser.try_parse(import) {
                    found.push(Reference {
                        target,
                        at: start..parser.position().byte_index(),
                        import: Some(conditions),
                    });
                }
            }
            Token::Function(_)
            | Token::ParenthesisBlock
            | Token::SquareBracketBlock
            | Token::CurlyBracketBlock
                if depth < MAX_DEPTH =>
            {
                // It succeeds: `collect` reads to the end of the block.
                let _ = parser.parse_nested_block(|block| {
                    collect(block, depth + 1, found);
                    Ok::<_, ParseError<'_, ()>>(())
                });
            }
            _ => {}
        }
    }
}

/// Reads the address and the conditions of an `@import`, and its semicolon.
fn import<'i>(parser: &mut Parser<'i, '_>) -> Result<(String, String), ParseError<'i, ()>> {
    parser.parse_until_after(Delimiter::Semicolon, |parser| {
        let target = parser.expect_url_or_string()?.to_string();
        let start = parser.position();
        while parser.next().is_ok() {}
        Ok((target, parser.slice_from(start).trim().to_owned()))
    })
}
