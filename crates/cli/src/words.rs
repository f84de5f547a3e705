//! `tidegate words`: prints every text of the pages, to change or translate.

use std::process::ExitCode;

use tidegate_core::config::Config;
use tidegate_core::page::{placeholder_doc, words, Word};

/// The language that has every text.
const ENGLISH: &str = "en";

/// Print every text of the pages as YAML, to change or translate
///
/// Delete what you do not change: a text that is missing in `locales` is the built-in one.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tidegate words                               every text in English, as the `locales` of a source
  tidegate words --lang de --flat > locales/de.yaml
                                               the texts in German, as a file for `{ file: locales/de.yaml }`")]
pub(crate) struct Args {
    /// Language tag, such as `de` or `pt-BR`; of a language that is not built in, the texts are English
    #[arg(long, value_name = "LANG", default_value = ENGLISH)]
    lang: String,
    /// Print the keys alone, without `locales`, `strings` and the language above them
    #[arg(long)]
    flat: bool,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> ExitCode {
    let tag = args.lang.as_str();
    let language = serde_json::json!({ "locales": { "strings": { tag: {} } } });
    if Config::from_json(language.to_string().as_bytes()).is_err() {
        eprintln!("--lang: found {tag:?}; allowed: a language tag such as \"de\", \"pt-BR\" or \"zh-Hant\"");
        return ExitCode::from(crate::USAGE);
    }
    let found = words(tag);
    if found.is_none() {
        eprintln!("{tag} is no built-in language: these texts are English, to be translated");
    }
    let list = found.or_else(|| words(ENGLISH)).unwrap_or_default();
    let (head, indent) = match args.flat {
        true => (String::new(), ""),
        false => (format!("locales:\n  strings:\n    {tag}:\n"), "      "),
    };
    crate::output::print(&(head + &yaml(indent, &list)))
}

/// Returns the texts as lines of YAML, each after its description.
fn yaml(indent: &str, words: &[Word]) -> String {
    let mut out = String::new();
    for word in words {
        out.push_str(&format!("{indent}# {}", word.doc));
        if let Some(doc) = placeholder_doc(&word.key) {
            out.push_str(&format!(" {doc}"));
        }
        if word.is_english {
            out.push_str(" English: the language has none of its own.");
        }
        out.push_str(&format!("\n{indent}{}: {}\n", word.key, quoted(word.text)));
    }
    out
}

/// Returns a text as a string of YAML, in which a no-break space can be seen.
fn quoted(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    json.replace('\u{a0}', "\\u00a0")
}
