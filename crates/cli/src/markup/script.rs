//! Scripts without what is superfluous in them: indentation, empty lines, and lines that are only
//! comments. Every line that does something stays one, because a script may rely on its lines
//! (ECMAScript §12.10); whoever wants more runs a minifier of JavaScript before.

/// What the reader is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Code,
    Template,
    Comment,
}

/// The script, smaller; as it is where it cannot be understood.
pub(super) fn squeeze(script: &str) -> String {
    try_squeeze(script).unwrap_or_else(|| script.to_owned())
}

fn try_squeeze(script: &str) -> Option<String> {
    let mut out = String::with_capacity(script.len());
    // Templates that are open, each with its open braces.
    let mut templates: Vec<usize> = Vec::new();
    let mut state = State::Code;
    let mut last = ' ';
    for line in script.split_inclusive('\n') {
        let began = state;
        let bare = line.trim();
        if began == State::Code && (bare.is_empty() || bare.starts_with("//")) {
            continue;
        }
        state = end_of_line(line, began, &mut templates, &mut last)?;
        let is_comment = began == State::Code
            && state == State::Code
            && bare.starts_with("/*")
            && bare.find("*/").is_some_and(|end| end + 2 == bare.len());
        if is_comment {
            continue;
        }
        let line = match began {
            State::Code => line.trim_start(),
            _ => line,
        };
        match state {
            State::Code => {
                out.push_str(line.trim_end());
                out.push('\n');
            }
            _ => out.push_str(line),
        }
    }
    (state == State::Code && templates.is_empty()).then_some(out)
}

/// The state behind a line; `None`: not understood.
fn end_of_line(
    line: &str,
    mut state: State,
    templates: &mut Vec<usize>,
    last: &mut char,
) -> Option<State> {
    let mut rest = line.char_indices();
    while let Some((at, character)) = rest.next() {
        let tail = &line[at..];
        match (state, character) {
            (State::Comment, '*') if tail.starts_with("*/") => {
                rest.next();
                state = State::Code;
            }
            (State::Comment, _) => {}
            (State::Template, '\\') => {
                rest.next();
            }
            (State::Template, '`') => (state, *last) = (State::Code, '`'),
            (State::Template, '$') if tail.starts_with("${") => {
                rest.next();
                templates.push(0);
                (state, *last) = (State::Code, '{');
            }
            (State::Template, _) => {}
            (State::Code, '/') if tail.starts_with("//") => return Some(State::Code),
            (State::Code, '/') if tail.starts_with("/*") => {
                rest.next();
                state = State::Comment;
            }
            (State::Code, '"' | '\'') => {
                literal(&mut rest, character, false)?;
                *last = character;
            }
            (State::Code, '/') if begins_a_pattern(line, at, *last) => {
                literal(&mut rest, '/', true)?;
                *last = '/';
            }
            (State::Code, '`') => state = State::Template,
            (State::Code, '{') => {
                if let Some(open) = templates.last_mut() {
                    *open += 1;
                }
                *last = '{';
            }
            (State::Code, '}') => {
                *last = '}';
                match templates.last_mut() {
                    Some(0) => {
                        templates.pop();
                        state = State::Template;
                    }
                    Some(open) => *open -= 1,
                    None => {}
                }
            }
            (State::Code, _) if !character.is_whitespace() => *last = character,
            (State::Code, _) => {}
        }
    }
    Some(state)
}

/// Reads to the end of a string or pattern on its line.
fn literal(rest: &mut std::str::CharIndices<'_>, end: char, is_pattern: bool) -> Option<()> {
    let mut in_class = false;
    loop {
        match rest.next()?.1 {
            // A string that goes on in the next line is left alone, with its whole script.
            '\\' if rest.next()?.1 == '\n' => return None,
            '\\' => {}
            '\n' => return None,
            '[' if is_pattern => in_class = true,
            ']' if is_pattern => in_class = false,
            character if character == end && !in_class => return Some(()),
            _ => {}
        }
    }
}

/// Whether a `/` is the beginning of a pattern rather than a division.
fn begins_a_pattern(line: &str, at: usize, last: char) -> bool {
    let before = line[..at].trim_end();
    let word = before
        .rsplit(|c: char| !c.is_alphanumeric() && c != '_' && c != '$')
        .next()
        .unwrap_or_default();
    let keywords = [
        "return", "typeof", "case", "in", "of", "do", "else", "void", "delete", "await",
    ];
    keywords.contains(&word) || !(last.is_alphanumeric() || ")]}_$\"'`/".contains(last))
}
