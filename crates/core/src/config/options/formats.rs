//! `formats`: formats of the pages, and which client gets which.

use crate::config::option::{list, nullable, one_of, text};
use crate::config::section::{options, words, OptionTypeExt};
use crate::config::strings;
use crate::http::format::Format;

options! {
    /// Formats of the pages, and which client gets which.
    pub struct Formats {
        /// The format for clients that do not say what they accept.
        default: PageFormat = one_of().default(PageFormat::Text),

        /// The format for all clients, whatever they accept: for the routes of an API, `problem`.
        /// Calls (gRPC, gRPC-Web, Connect), upgrades and sub-resources such as images keep the
        /// reply that they can read. `null`: each client gets what it accepts.
        always: Option<PageFormat> = nullable(one_of()).default(None),

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
    /// A format that a client can be given without asking for it.
    pub enum PageFormat {
        /// A page for a browser.
        Html = "html",
        /// `application/problem+json` (RFC 9457).
        Problem = "problem",
        /// A few lines for a terminal.
        Text = "text",
    }
}

impl From<PageFormat> for Format {
    fn from(format: PageFormat) -> Self {
        match format {
            PageFormat::Html => Self::Html,
            PageFormat::Problem => Self::Problem,
            PageFormat::Text => Self::Text,
        }
    }
}
