//! The sources of the built-in pages (`builtin/`).

#[cfg(test)]
mod tests;

/// The HTML page, without the constants of [`constants`].
pub(super) const HTML: &str = include_str!("builtin/page.html");
/// The template of the built-in text page.
pub(super) const TEXT: &str = include_str!("builtin/page.txt");

const STYLE: &str = include_str!("builtin/page.css");
const SCENE: &str = include_str!("builtin/scene.svg");
/// What makes a page come back by itself, without its script.
const RETRY: &str = include_str!("builtin/retry.html");
/// The script that reloads the page when the site is back. The page is complete without it: what only
/// the script needs is hidden until it runs. The script contains nothing that differs from page to page,
/// because the Content-Security-Policy names its hash.
const SCRIPT: &str = include_str!("builtin/page.js");
/// Where the script stands in [`RETRY`].
const SCRIPT_TAG: &str = "{{{retry.script}}}";

/// Returns the names and values of the parts that the HTML page contains.
pub(super) fn constants() -> [(&'static str, String); 2] {
    [
        ("builtin.style", STYLE.lines().collect()),
        ("builtin.scene", SCENE.to_owned()),
    ]
}

/// Returns the template of what makes a page come back by itself: the countdown and its script.
pub(super) fn retry() -> String {
    RETRY.replace(SCRIPT_TAG, &served(SCRIPT))
}

/// Returns a script without what only its authors need: comment lines, indentation, blanks beside an
/// operator, semicolons before a brace that ends a block, and line breaks where a statement goes on or
/// ends anyway. The page has to fit into the first packets of a connection.
fn served(script: &str) -> String {
    let lines = script.lines().map(str::trim);
    let mut served = String::with_capacity(script.len());
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with("//")) {
        if line.starts_with('}') {
            while served.ends_with([';', '\n']) {
                served.pop();
            }
        }
        push_dense(&mut served, line);
        if !line.ends_with([',', '{', '(', ';']) {
            served.push('\n');
        }
    }
    served
}

/// Appends a line of a script, without the blanks that stand outside of strings and separate no words.
fn push_dense(served: &mut String, line: &str) {
    let is_word = |character: char| character.is_ascii_alphanumeric() || "_$".contains(character);
    let mut quote = None;
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match quote {
            Some(end) => quote = Some(end).filter(|_| character != end),
            None => quote = Some(character).filter(|character| "\"'`".contains(*character)),
        }
        let separates =
            served.ends_with(is_word) && characters.peek().copied().is_some_and(is_word);
        if character != ' ' || quote.is_some() || separates {
            served.push(character);
        }
    }
}
