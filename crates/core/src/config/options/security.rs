//! `security` and `proxy_status`: what a page and its headers may disclose.

use crate::config::option::{flag, list, one_of, text, Mapped, OptionType, Text};
use crate::config::section::{options, words, OptionTypeExt};
use crate::config::strings;

options! {
    /// What a page may disclose, and where it may be embedded.
    pub struct Security {
        /// The `Content-Security-Policy` of HTML pages. `auto`: allows only what the page itself
        /// contains, by hashes of its scripts and styles. `off`: none is sent. Anything else is
        /// sent unchanged.
        csp: Csp = csp().default(Csp::Auto),

        /// Who may embed a page in a frame: the `frame-ancestors` directive of the `auto` policy.
        frame_ancestors: String = text(&strings::FRAME_ANCESTORS).default("'none'".to_owned()),

        /// Facts about the request that a page may show.
        expose: Vec<Exposed> =
            list(one_of()).default(vec![Exposed::RequestId, Exposed::Timestamp]),

        /// What happens to a response of the upstream that is marked as a page of Tidegate. Pages of
        /// another plugin of the same Envoy always pass.
        inner_pages: InnerPages = one_of().default(InnerPages::Trust),
    }

    /// The entry that a page adds to the `Proxy-Status` header (RFC 9209).
    pub struct ProxyStatus {
        /// The name of this deployment, not of the product.
        name: String = text(&strings::PROXY_NAME).default("gateway".to_owned()),

        /// Whether the header includes Envoy's response code details, and keeps what other proxies
        /// report of their network: `details` and `next-hop` of their members. Also keeps host names in
        /// `Via`.
        details: bool = flag().default(false),
    }
}

words! {
    /// A fact about the request that a page may show.
    pub enum Exposed {
        /// The `x-request-id`, to quote to support.
        RequestId = "request_id",
        /// The time of the failure.
        Timestamp = "timestamp",
        /// The host of the request.
        Host = "host",
        /// The path of the request, without the query.
        Path = "path",
    }

    /// What happens to a response of the upstream that is marked as a page of Tidegate.
    pub enum InnerPages {
        /// It passes unchanged, because an inner Tidegate made it.
        Trust = "trust",
        /// The mark is ignored, because any upstream could set it.
        Ignore = "ignore",
    }
}

/// The `Content-Security-Policy` of HTML pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Csp {
    /// Computed from the scripts and styles of the page.
    Auto,
    /// Not sent.
    Off,
    /// The operator's own.
    Custom(String),
}

fn csp() -> Mapped<Text, Csp> {
    text(&strings::CSP).map(
        |text| match text.as_str() {
            "auto" => Csp::Auto,
            "off" => Csp::Off,
            _ => Csp::Custom(text),
        },
        |csp| match csp {
            Csp::Auto => "auto".to_owned(),
            Csp::Off => "off".to_owned(),
            Csp::Custom(text) => text.clone(),
        },
    )
}
