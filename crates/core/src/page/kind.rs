//! Answers of one kind: their pages differ in a few values only, and the rest of them is made once.
//!
//! While a site is down nearly all answers are of a few kinds: one reason, one or two languages. So
//! what [`Program::filled`] leaves of a template is kept here for each kind that was asked for, up to
//! a limit; behind it all are dropped, and made again when they are asked for.

use core::cell::RefCell;

use super::language::LanguageId;
use super::scope::Scope;
use super::shown::Shown;
use super::template::Program;
use crate::prelude::*;
use crate::reason::{Reason, Source};

/// Most bytes of pages that are kept: some thirty built-in ones.
const LIMIT: usize = 512 * 1024;
/// A larger template is not kept: copying it is most of its work anyway.
const LARGEST: usize = LIMIT / 8;

/// What the text of a page depends on, but for what [`Scope::varies`] names: of those only whether
/// they are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind {
    template: usize,
    /// The rule of `pages` whose words are used.
    rule: Option<usize>,
    language: LanguageId,
    status: u16,
    reason: Reason,
    source: Source,
    there: [bool; 13],
}

impl Kind {
    /// The kind of an answer. `template`: a number of its own for each template.
    pub(super) fn new(
        template: usize,
        rule: Option<usize>,
        language: LanguageId,
        shown: &Shown<'_>,
    ) -> Self {
        Self {
            template,
            rule,
            language,
            status: shown.status,
            reason: shown.reason,
            source: shown.source,
            there: [
                shown.safe,
                shown.tripped_by.is_some(),
                shown.auto.is_some(),
                shown.notice.is_some(),
                shown.notice.unwrap_or_default().is_empty(),
                shown.until.is_some(),
                shown.retry_after_ms.is_some(),
                shown.retry_at.is_some(),
                shown.request_id.is_some(),
                shown.time.is_some(),
                shown.host.is_some(),
                shown.path.is_some(),
                !shown.method.is_empty(),
            ],
        }
    }
}

/// The pages that are kept.
#[derive(Debug, Default)]
pub(super) struct Kept(RefCell<Vec<(Kind, Program)>>);

impl Kept {
    /// Makes the page of a template for an answer.
    pub(super) fn page(&self, template: &Program, kind: Kind, scope: &Scope<'_>) -> Vec<u8> {
        let kept = self.0.try_borrow_mut();
        let Some(mut kept) = kept.ok().filter(|_| template.len() <= LARGEST) else {
            return template.page(scope);
        };
        for (other, filled) in kept.iter() {
            if *other == kind {
                return filled.page(scope);
            }
        }
        let filled = template.filled(scope);
        let page = filled.page(scope);
        let mut bytes = filled.len();
        for (_, other) in kept.iter() {
            bytes = bytes.wrapping_add(other.len());
        }
        if bytes > LIMIT {
            kept.clear();
        }
        kept.push((kind, filled));
        page
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::facts;
    use super::super::{PageFacts, Pages};
    use crate::config::Config;
    use crate::negotiate::Format;

    /// So many pages are kept after pages for 100 statuses, from a template of so many bytes.
    fn kept_of(bytes: usize) -> usize {
        let json = format!(
            r#"{{"templates":{{"t":{{"html":"{}"}}}},"pages":[{{"template":"t"}}]}}"#,
            "x".repeat(bytes)
        );
        let pages = Pages::new(&Config::from_json(json.as_bytes()).unwrap());
        for status in 500..600 {
            let page = pages.render(&PageFacts {
                status,
                ..facts(Format::Html)
            });
            assert_eq!(page.body.len(), bytes);
        }
        pages.kept.0.into_inner().len()
    }

    #[test]
    fn pages_are_kept_up_to_a_limit() {
        assert_eq!(kept_of(1), 100);
        // Eight of them, then they begin anew.
        assert_eq!(kept_of(super::LARGEST), 100 % 8);
        assert_eq!(kept_of(super::LARGEST + 1), 0);
    }
}
