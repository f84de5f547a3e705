//! Finds what style sheets refer to: `url(…)`, `image-set(…)`, `@import`, and the forms of fonts.

mod fonts;

use std::ops::Range;

use cssparser::{Delimiter, ParseError, Parser, ParserInput, Token};

/// References in deeper blocks are not looked for, so that the stack is bounded.
const MAX_DEPTH: usize = 64;

/// A reference of a style sheet.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) target: String,
    /// `url(…)`, the string in `image-set(…)`, the whole `@import …;`, or what is left out.
    pub(super) at: Range<usize>,
    pub(super) kind: Kind,
}

/// What a reference is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A picture or a font.
    Url,
    /// A style sheet, with the conditions after its address.
    Import(String),
    /// A form of a font that is left out, because no supported browser reads it (EOT, SVG).
    Obsolete,
    /// A form of a font that is left out, because another one is embedded.
    Redundant,
}

/// Returns every reference of a style sheet, in the order of the text.
pub(super) fn references(css: &str) -> Vec<Reference> {
    let mut input = ParserInput::new(css);
    let mut found = Vec::new();
    collect(&mut Parser::new(&mut input), Block::Sheet, 0, &mut found);
    found
}

/// What is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    /// A style sheet before its first rule, where imports are allowed (CSS Cascading 5 §2).
    Sheet,
    Rules,
    /// `image-set(…)`, where a string is an address too.
    Set,
}

/// Collects the references of a block.
fn collect(parser: &mut Parser<'_, '_>, within: Block, depth: usize, found: &mut Vec<Reference>) {
    let mut within = within;
    let mut is_font = false;
    loop {
        parser.skip_whitespace();
        let start = parser.position().byte_index();
        if let Ok(target) = parser.try_parse(Parser::expect_url) {
            found.push(Reference {
                target: target.to_string(),
                at: start..parser.position().byte_index(),
                kind: Kind::Url,
            });
            continue;
        }
        let Ok(token) = parser.next() else {
            return;
        };
        match token {
            Token::QuotedString(target) if within == Block::Set => {
                let target = target.to_string();
                found.push(Reference {
                    target,
                    at: start..parser.position().byte_index(),
                    kind: Kind::Url,
                });
            }
            Token::AtKeyword(name) if name.eq_ignore_ascii_case("import") => {
                match parser.try_parse(import) {
                    Ok((target, conditions)) if within == Block::Sheet => found.push(Reference {
                        target,
                        at: start..parser.position().byte_index(),
                        kind: Kind::Import(conditions),
                    }),
                    // Browsers ignore it.
                    _ => {}
                }
            }
            Token::AtKeyword(name) if is_statement(name) => {
                let ends = Delimiter::Semicolon | Delimiter::CurlyBracketBlock;
                if name.eq_ignore_ascii_case("namespace") {
                    within = Block::Rules;
                }
                // The address of a namespace is a name; nothing is loaded from it.
                let _ = parser.parse_until_before(ends, |rest| {
                    while rest.next().is_ok() {}
                    Ok::<_, ParseError<'_, ()>>(())
                });
            }
            Token::AtKeyword(name) => {
                is_font = name.eq_ignore_ascii_case("font-face");
                within = Block::Rules;
            }
            Token::CurlyBracketBlock if is_font => {
                is_font = false;
                within = Block::Rules;
                let _ = parser.parse_nested_block(|block| {
                    fonts::collect(block, found);
                    Ok::<_, ParseError<'_, ()>>(())
                });
            }
            Token::Function(_)
            | Token::ParenthesisBlock
            | Token::SquareBracketBlock
            | Token::CurlyBracketBlock
                if depth < MAX_DEPTH =>
            {
                let inner = match token {
                    Token::Function(name) if is_set(name) => Block::Set,
                    _ => Block::Rules,
                };
                if within == Block::Sheet {
                    within = Block::Rules;
                }
                // It succeeds: `collect` reads to the end of the block.
                let _ = parser.parse_nested_block(|block| {
                    collect(block, inner, depth + 1, found);
                    Ok::<_, ParseError<'_, ()>>(())
                });
            }
            Token::Semicolon | Token::CDO | Token::CDC => {}
            _ if within == Block::Sheet => within = Block::Rules,
            _ => {}
        }
    }
}

/// Returns whether an at-rule is a statement that loads nothing.
fn is_statement(name: &str) -> bool {
    ["charset", "layer", "namespace"]
        .iter()
        .any(|statement| name.eq_ignore_ascii_case(statement))
}

fn is_set(function: &str) -> bool {
    function.eq_ignore_ascii_case("image-set") || function.eq_ignore_ascii_case("-webkit-image-set")
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
