//! Prepares drawings for a page.

use html5gum::emitters::default::{DefaultEmitter, Token};
use html5gum::Tokenizer;

/// Removes the XML declaration, document type and comments of an SVG file. The filter rejects these
/// in a logo.
pub(crate) fn plain(svg: &str) -> String {
    let svg = svg.trim_start_matches('\u{feff}');
    let mut out = String::with_capacity(svg.len());
    let mut from = 0;
    for token in Tokenizer::new_with_emitter(svg, DefaultEmitter::<usize>::new_with_span()) {
        let Ok(token) = token;
        // HTML treats an XML declaration as a comment.
        let span = match token {
            Token::Comment(comment) => comment.span,
            Token::Doctype(doctype) => doctype.span,
            _ => continue,
        };
        out.push_str(svg.get(from..span.start).unwrap_or_default());
        from = span.end;
    }
    out.push_str(svg.get(from..).unwrap_or_default());
    out.trim().to_owned()
}
