//! `formats`: which form of a page a client gets.

use crate::config::option::{list, one_of, text};
use crate::config::section::{options, words, OptionTypeExt};
use crate::config::strings;

options! {
    /// Which form of a page a client gets.
    pub struct Formats {
        /// The format for a client that does not say what it can use.
        default: DefaultFormat = one_of().default(DefaultFormat::Text),

        /// What the `type` of a problem begins with; the reason follows. `about:blank` stands as it
        /// is.
        problem_type_base: String = text(&strings::PROBLEM_TYPE).default("about:blank".to_owned()),

        /// What the `User-Agent` of programs of a terminal begins with.
        cli_agents: Vec<String> = list(text(&strings::AGENT))
            .default(["curl/", "Wget/", "HTTPie/"].map(str::to_owned).to_vec()),
    }
}

words! {
    /// The formats that can be the default.
    pub enum DefaultFormat {
        /// A page for a person.
        Html = "html",
        /// `application/problem+json` (RFC 9457).
        Problem = "problem",
        /// A few lines for a terminal.
        Text = "text",
    }
}
