//! The wording of one language, looked up once, by reason, so that rendering only copies.

use super::locales::Locale;
use super::when::When;
use crate::reason::Reason;

/// A sentence with one place to fill in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gap {
    /// The text before the place.
    pub(super) before: &'static str,
    /// The text after it.
    pub(super) after: &'static str,
}

impl Gap {
    fn new(text: &'static str, place: &str) -> Self {
        let (before, after) = text.split_once(place).unwrap_or((text, ""));
        Self { before, after }
    }
}

/// What is said about one reason.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReasonWords {
    /// What happened, in one sentence.
    pub(super) message: &'static str,
    /// Whose fault it is.
    pub(super) fault: &'static str,
    /// What happens next, when trying again helps.
    pub(super) next: &'static str,
    /// What happens next, when it does not.
    pub(super) next_final: &'static str,
    /// Title of the problem type.
    pub(super) problem: &'static str,
    title: Option<&'static str>,
}

/// What is said when the request may have changed something.
#[derive(Debug, Clone, Copy)]
pub(super) struct UnsafeWords {
    /// Nobody knows whether it was processed.
    pub(super) unknown: &'static str,
    /// It never left the gateway.
    pub(super) not_processed: &'static str,
    /// What to do before sending it again.
    pub(super) check: &'static str,
}

/// The short texts around the sentences.
#[derive(Debug, Clone, Copy)]
pub(super) struct Labels {
    pub(super) retry: &'static str,
    pub(super) home_action: &'static str,
    pub(super) status_page: &'static str,
    pub(super) links: &'static str,
    pub(super) quote: &'static str,
    pub(super) error: &'static str,
    pub(super) reason: &'static str,
    pub(super) request_id: &'static str,
    pub(super) time: &'static str,
    pub(super) address: &'static str,
}

/// What the script of the page says.
#[derive(Debug, Clone, Copy)]
pub(super) struct AutoWords {
    pub(super) note: &'static str,
    pub(super) stop: &'static str,
    pub(super) stopped: &'static str,
    pub(super) gave_up: &'static str,
    pub(super) back: &'static str,
    pub(super) offline: &'static str,
}

/// The phrases for a wait.
#[derive(Debug, Clone, Copy)]
struct Waits {
    moments: &'static str,
    seconds: Gap,
    minute: &'static str,
    minutes: Gap,
    hour: &'static str,
    hours: Gap,
    days: Gap,
}

/// All that one language says.
#[derive(Debug)]
pub(super) struct Words {
    /// Language tag.
    pub(super) tag: &'static str,
    /// Direction of writing.
    pub(super) dir: &'static str,
    pub(super) labels: Labels,
    pub(super) auto: AutoWords,
    pub(super) not_safe: UnsafeWords,
    /// "Try again {when}."
    pub(super) again: Gap,
    /// "Come back {when}, and check ..."
    pub(super) check_then: Gap,
    /// In the order of [`Reason::ALL`].
    reasons: Vec<ReasonWords>,
    /// Titles of single statuses.
    titles: Vec<(u16, &'static str)>,
    title_4xx: &'static str,
    title_5xx: &'static str,
    waits: Waits,
}

impl Words {
    /// Looks up everything that pages say.
    pub(super) fn new(locale: &Locale) -> Self {
        let text = |key| locale.text(key);
        let counted = |key| Gap::new(locale.text(key), "{n}");
        let timed = |key| Gap::new(locale.text(key), "{when}");
        let titles = locale
            .strings()
            .filter_map(|(key, title)| Some((key.strip_prefix("title.")?.parse().ok()?, title)))
            .collect();
        Self {
            tag: locale.tag,
            dir: locale.dir,
            labels: Labels {
                retry: text("action.retry"),
                home_action: text("action.home"),
                status_page: text("link.status"),
                links: text("links.label"),
                quote: text("support.quote"),
                error: text("label.error"),
                reason: text("label.reason"),
                request_id: text("label.request_id"),
                time: text("label.time"),
                address: text("label.address"),
            },
            auto: AutoWords {
                note: text("auto.note"),
                stop: text("auto.stop"),
                stopped: text("auto.stopped"),
                gave_up: text("auto.gave_up"),
                back: text("auto.back"),
                offline: text("auto.offline"),
            },
            not_safe: UnsafeWords {
                unknown: text("unsafe.unknown"),
                not_processed: text("unsafe.not_processed"),
                check: text("unsafe.check"),
            },
            again: timed("hint.again"),
            check_then: timed("hint.check"),
            reasons: Reason::ALL
                .iter()
                .map(|&reason| ReasonWords::new(locale, reason))
                .collect(),
            titles,
            title_4xx: text("title.4xx"),
            title_5xx: text("title.5xx"),
            waits: Waits {
                moments: text("when.moments"),
                seconds: counted("when.seconds"),
                minute: text("when.minute"),
                minutes: counted("when.minutes"),
                hour: text("when.hour"),
                hours: counted("when.hours"),
                days: counted("when.days"),
            },
        }
    }

    /// What is said about `reason`.
    pub(super) fn reason(&self, reason: Reason) -> ReasonWords {
        // ALL lists the variants in their order (a test checks it), so that the index is the reason.
        const NOTHING: ReasonWords = ReasonWords {
            message: "",
            fault: "",
            next: "",
            next_final: "",
            problem: "",
            title: None,
        };
        let words = self.reasons.get(reason as usize);
        words.copied().unwrap_or(NOTHING)
    }

    /// The heading of a page. The titles of 5xx statuses say that it will pass by itself, so that
    /// they are not for failures that do not (`retryable`).
    pub(super) fn title(&self, reason: Reason, status: u16, retryable: bool) -> &'static str {
        let of_status = || {
            let fits = retryable || status < 500;
            let title = self.titles.iter().find(|(code, _)| fits && *code == status);
            title.map(|(_, title)| *title)
        };
        let of_class = match status {
            400..=499 => self.title_4xx,
            _ => self.title_5xx,
        };
        self.reason(reason)
            .title
            .or_else(of_status)
            .unwrap_or(of_class)
    }

    /// The phrase for a wait, and the number that stands in its gap.
    pub(super) fn when(&self, when: When) -> (Gap, Option<u64>) {
        let fixed = |before| (Gap { before, after: "" }, None);
        match when {
            When::Moments => fixed(self.waits.moments),
            When::Seconds(n) => (self.waits.seconds, Some(n)),
            When::Minute => fixed(self.waits.minute),
            When::Minutes(n) => (self.waits.minutes, Some(n)),
            When::Hour => fixed(self.waits.hour),
            When::Hours(n) => (self.waits.hours, Some(n)),
            When::Days(n) => (self.waits.days, Some(n)),
        }
    }
}

impl ReasonWords {
    fn new(locale: &Locale, reason: Reason) -> Self {
        let of_reason = |prefix| locale.find_in(prefix, reason.as_str());
        let (fault, next_final) = match reason {
            Reason::Maintenance => ("fault.planned", "next.maintenance"),
            Reason::DestinationNotFound => ("fault.nobody", "next.destination_not_found"),
            _ => ("fault.ours", "next.ours_to_fix"),
        };
        Self {
            message: locale.message(reason),
            fault: locale.text(fault),
            next: of_reason("next").unwrap_or_else(|| locale.text("next.passes")),
            next_final: locale.text(next_final),
            problem: locale.problem(reason),
            title: of_reason("title"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::locales::ALL;
    use super::*;

    #[test]
    fn every_reason_has_its_words_in_every_language() {
        for locale in ALL {
            let words = Words::new(locale);
            for (index, &reason) in Reason::ALL.iter().enumerate() {
                assert_eq!(reason as usize, index);
                let said = words.reason(reason);
                for text in [
                    said.message,
                    said.fault,
                    said.next,
                    said.next_final,
                    said.problem,
                ] {
                    assert!(!text.is_empty(), "{}: {}", locale.tag, reason.as_str());
                }
                let own = locale.find(&format!("message.{}", reason.as_str()));
                assert!(own.is_none_or(|own| own == said.message));
            }
        }
    }

    #[test]
    fn the_most_particular_title_wins() {
        let words = Words::new(ALL[0]);
        for (reason, status, retryable, key) in [
            (Reason::ConnectionRefused, 502, true, "title.502"),
            (Reason::ConnectionRefused, 502, false, "title.5xx"),
            (Reason::UpstreamUnavailable, 503, true, "title.503"),
            (Reason::CircuitOpen, 503, true, "title.circuit_open"),
            (Reason::Maintenance, 503, false, "title.maintenance"),
            (Reason::UpstreamError, 500, true, "title.5xx"),
            (Reason::UpstreamError, 599, true, "title.5xx"),
            (Reason::DestinationNotFound, 404, false, "title.404"),
            (Reason::UpstreamError, 410, false, "title.4xx"),
        ] {
            assert_eq!(words.title(reason, status, retryable), ALL[0].text(key));
        }
    }

    #[test]
    fn no_text_looked_up_is_missing() {
        for locale in ALL {
            let words = format!("{:?}", Words::new(locale));
            assert!(!words.contains("\"\", before"), "{words}");
            let Words { labels, auto, .. } = Words::new(locale);
            let short = format!("{labels:?} {auto:?}");
            assert!(!short.contains("\"\""), "{short}");
        }
    }
}
