//! `formats`: formats of the pages, and which client gets which.

use crate::config::option::{list, one_of, text};
use crate::config::section::{options, words, OptionTypeExt};
use crate::config::strings;

options! {
    /// Formats of the pages, and which client gets which.
    pub struct Formats {
        /// The format for clients that do not say what they accept.
        default: DefaultFormat = one_of().default(DefaultFormat::Text),

        /// The beginning of the `type` of a problem. The reason is appended, but `about:blank` is
        /// sent as it is.
        problem_type_base: String = text(&strings::PROBLEM_TYPE).default("about:blank".to_owned()),

        /// How the `User-Agent` of command-line clients begins. They get text unless they ask for
        /// another format.
        cli_agents: Vec<String> = list(text(&strings::AGENT))
            .default(["curl/", "Wget/", "HTTPie/"].map(str::to_owned).to_vec()),
    }
}

words! {
    /// The formats that can be the default.
    pub enum DefaultFormat {
        /// A page for a browser.
        Html = "html",
        /// `application/problem+json` (RFC 9457).
        Problem = "problem",
        /// A few lines for a terminal.
        Text = "text",
    }
}
