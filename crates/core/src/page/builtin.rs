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
/// because the Content-Security-Policy names its hash. The build script has made it small (`build.rs`).
const SCRIPT: &str = include_str!(concat!(env!("OUT_DIR"), "/page.js"));
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
    RETRY.replace(SCRIPT_TAG, SCRIPT)
}
