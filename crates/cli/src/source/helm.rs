//! Tags of Helm, which look like Tidegate's own but are filled in by another tool, before.

/// Returns what to add to an error about a template tag: nothing, unless the tag looks like one of Helm's.
pub(super) fn hint_for_tag(found: &str) -> &'static str {
    match found
        .trim_matches('"')
        .strip_prefix("{{")
        .is_some_and(is_helm)
    {
        true => {
            "; is this a tag of Helm? `delimiters` gives Tidegate's own tags another form, and \
             docs/pages.md has a recipe for a chart"
        }
        false => "",
    }
}

/// Returns what to add to an error about a file that cannot be read: nothing, unless it looks like a
/// template of Helm.
pub(super) fn hint_for_file(text: &str) -> &'static str {
    match text.split("{{").skip(1).any(is_helm) {
        true => "; is this a template of Helm? Check what `helm template` makes of it",
        false => "",
    }
}

/// Returns whether a tag, after its opening braces, is one of Helm's.
fn is_helm(tag: &str) -> bool {
    let tag = tag.trim_start_matches('-').trim_start();
    let word = tag.split(|c: char| !c.is_ascii_alphanumeric()).next();
    tag.starts_with(['.', '$'])
        || matches!(
            word,
            Some(
                "include"
                    | "template"
                    | "tpl"
                    | "toYaml"
                    | "required"
                    | "default"
                    | "with"
                    | "range"
            )
        )
}
