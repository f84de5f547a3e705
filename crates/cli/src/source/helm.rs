//! Tags of other template languages, such as Helm, which look like Tidegate's own.

/// Returns what to add to an error about a template tag: nothing, unless the tag looks like one of another language,
/// or like no tag at all.
pub(super) fn hint_for_tag(found: &str) -> &'static str {
    let found = found.trim_matches('"');
    if found.strip_prefix("{{").is_some_and(is_of_other_language) {
        return "; is this a tag of another template language, such as Helm or Go? `delimiters` gives Tidegate's \
                own tags another form, and docs/pages.md has a recipe for a chart";
    }
    let inner = found.trim_start_matches(|c: char| c.is_ascii_punctuation());
    match inner.starts_with(|c: char| c.is_ascii_digit() || c.is_whitespace()) {
        true => "; a page with this text needs other `delimiters`",
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

/// Returns whether a tag, after its opening braces, is one of Helm's, or of Go's templates with their pipes and blocks.
fn is_of_other_language(tag: &str) -> bool {
    let inner = tag.trim_end_matches('}').trim();
    let word = inner.split_whitespace().next().unwrap_or_default();
    is_helm(tag)
        || inner.contains('|')
        || inner.ends_with('-')
        || (matches!(word, "if" | "else" | "end" | "block" | "define") && inner != "else")
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
