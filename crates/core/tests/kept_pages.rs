//! What was kept of the pages before an answer does not show in its page.

use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;
use tidegate_core::config::{Config, Maintenance, PageRetry};
use tidegate_core::negotiate::Format;
use tidegate_core::page::{Name, PageFacts, Pages, NAMES};
use tidegate_core::reason::{Reason, Source};

/// A page that shows every name, and says of each whether there is something: twice, with words of
/// its own in one of them.
fn config() -> Config {
    let shown =
        |name: &&Name| !name.name.ends_with('.') && !["links", "label", "url"].contains(&name.name);
    let html: String = NAMES
        .iter()
        .filter(shown)
        .map(|name| {
            format!(
                "<p>{0}:{{{{#if {0}}}}}{{{{{0}}}}}{{{{else}}}}none{{{{/if}}}}</p>\n",
                name.name
            )
        })
        .collect();
    let text = html.replace("<p>", "").replace("</p>", "");
    let json = serde_json::json!({
        "templates": { "all": { "html": html, "text": text } },
        "pages": [
            { "match": { "path_prefix": "/own" }, "template": "all", "strings": { "title": "mine" } },
            { "match": { "path_prefix": "/all" }, "template": "all" },
            { "match": { "path_prefix": "/words" }, "strings": { "title": "only words" } },
        ],
        "security": { "expose": ["request_id", "timestamp", "host", "path"] },
    });
    let json = serde_json::to_vec(&json).unwrap();
    Config::from_json(&json).unwrap_or_else(|errors| {
        let all: Vec<String> = errors.iter().map(|error| error.to_string()).collect();
        panic!("{all:#?}")
    })
}

/// What [`PageFacts`] borrow from.
#[derive(Debug, Clone)]
struct Answer {
    format: Format,
    status: u16,
    reason: Reason,
    source: Source,
    tripped_by: Option<Reason>,
    maintenance: Option<Maintenance>,
    retry_after_ms: Option<u64>,
    page_retry: PageRetry,
    request_id: Option<&'static [u8]>,
    now_ms: Option<u64>,
    method: &'static [u8],
    host: &'static [u8],
    path: &'static [u8],
    language: &'static str,
}

fn answers() -> impl Strategy<Value = Answer> {
    // Few values of each, so that many answers are of the same kind.
    let maintenance = (
        select(vec![None, Some(1_787_486_400), Some(1_887_486_400)]),
        select(vec![None, Some(""), Some("We move."), Some("<b>")]),
    );
    let maintenance = maintenance.prop_map(|(until, message)| Maintenance {
        until,
        message: message.map(str::to_owned),
    });
    let page_retry =
        (any::<bool>(), 1..3_u32, 1..3_u64).prop_map(|(auto, max_attempts, cap)| PageRetry {
            auto,
            max_attempts,
            cap: Duration::from_secs(cap),
        });
    let reasons = vec![
        Reason::ConnectionRefused,
        Reason::CircuitOpen,
        Reason::Maintenance,
    ];
    let facts = (
        select(vec![Format::Html, Format::Text]),
        select(vec![502_u16, 503]),
        select(reasons),
        select(vec![Source::Proxy, Source::Upstream]),
        select(vec![None, Some(Reason::ConnectionTimeout)]),
        proptest::option::of(maintenance),
        select(vec![None, Some(0), Some(1), Some(12_345), Some(7_000_000)]),
        page_retry,
    );
    let request = (
        select(vec![
            None,
            Some(&b"a-1"[..]),
            Some(b"b-2"),
            Some(b"<no id>"),
        ]),
        select(vec![None, Some(1_787_480_130_250), Some(1_787_480_131_250)]),
        select(vec![&b"GET"[..], b"HEAD", b"POST", b"", b"not a method"]),
        select(vec![&b""[..], b"a.example", b"b.example"]),
        select(vec![
            &b""[..],
            b"/own",
            b"/all",
            b"/all/<x>",
            b"/words",
            b"/",
        ]),
        select(vec!["en", "de", "ar"]),
    );
    (facts, request).prop_map(|(facts, request)| Answer {
        format: facts.0,
        status: facts.1,
        reason: facts.2,
        source: facts.3,
        tripped_by: facts.4,
        maintenance: facts.5,
        retry_after_ms: facts.6,
        page_retry: facts.7,
        request_id: request.0,
        now_ms: request.1,
        method: request.2,
        host: request.3,
        path: request.4,
        language: request.5,
    })
}

impl Answer {
    /// This answer, and all that differ from it in one thing, which they have from another.
    fn and_its_neighbours(&self, other: &Self) -> Vec<Self> {
        let mut all = vec![self.clone()];
        let mut add = |change: &dyn Fn(&mut Self)| {
            let mut answer = self.clone();
            change(&mut answer);
            all.push(answer);
        };
        add(&|a| a.format = other.format);
        add(&|a| a.status = other.status);
        add(&|a| a.reason = other.reason);
        add(&|a| a.source = other.source);
        add(&|a| a.tripped_by = other.tripped_by);
        add(&|a| a.maintenance.clone_from(&other.maintenance));
        add(&|a| a.retry_after_ms = other.retry_after_ms);
        add(&|a| a.page_retry = other.page_retry.clone());
        add(&|a| a.request_id = other.request_id);
        add(&|a| a.now_ms = other.now_ms);
        add(&|a| a.method = other.method);
        add(&|a| a.host = other.host);
        add(&|a| a.path = other.path);
        add(&|a| a.language = other.language);
        all
    }

    fn page(&self, pages: &Pages) -> (Vec<u8>, Option<String>) {
        let page = pages.render(&PageFacts {
            format: self.format,
            status: self.status,
            reason: self.reason,
            source: self.source,
            tripped_by: self.tripped_by,
            maintenance: self.maintenance.as_ref(),
            retry_after_ms: self.retry_after_ms,
            page_retry: Some(&self.page_retry),
            request_id: self.request_id,
            now_ms: self.now_ms,
            method: self.method,
            host: self.host,
            path: self.path,
            language: pages.language_of_tag(self.language),
            route: b"",
            page: None,
        });
        (page.body, page.csp.map(str::to_owned))
    }
}

proptest! {
    #[test]
    fn a_page_does_not_depend_on_those_before(answer in answers(), other in answers()) {
        let config = config();
        let used = Pages::new(&config);
        for answer in answer.and_its_neighbours(&other) {
            let fresh = Pages::new(&config);
            let [kept, fresh] = [&used, &fresh].map(|pages| {
                let (body, csp) = answer.page(pages);
                (String::from_utf8(body).unwrap(), csp)
            });
            prop_assert_eq!(kept, fresh, "{:?}", answer);
        }
    }
}
