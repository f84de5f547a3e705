//! The templates of the kinds of pages that were asked for lately, each with all that follows from the kind as
//! constants. Looking these values up and escaping them for every page took a sixth of the instructions for a page,
//! and a quarter of those for a rejection.

#[cfg(test)]
mod tests;

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;

use super::bindings::{BoundTemplate, KindBindings};
use super::kind::PageKind;
use crate::template::Syntax;

/// The most templates. While a site fails, a few languages and reasons make nearly all pages; a client that asks
/// for others costs the time in which they are made, little more than that of a page.
const MAX_TEMPLATES: NonZeroUsize = NonZeroUsize::new(32).unwrap();
/// The most bytes of all of them. The memory of a VM never shrinks.
const MAX_BYTES: usize = 512 << 10;
/// Longer templates are not specialized: copying such a page takes longer than looking up its values.
const MAX_TEMPLATE_BYTES: usize = MAX_BYTES / 8;

/// Which template a page is rendered from, and with which texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct TemplateId {
    /// The number of the brand.
    pub(super) brand: usize,
    /// The number of the operator's own page; `None` for the built-in one.
    pub(super) own: Option<usize>,
    pub(super) syntax: Syntax,
    /// The number of the rule whose texts the page has.
    pub(super) rule: Option<usize>,
    /// The number of the language.
    pub(super) language: usize,
}

/// The specialized templates.
#[derive(Debug)]
pub(super) struct SpecializedPages(Mutex<Templates>);

/// Those that were used last.
#[derive(Debug)]
struct Templates {
    by_kind: LruCache<(TemplateId, PageKind), Arc<BoundTemplate>>,
    /// What they take.
    bytes: usize,
}

impl Default for SpecializedPages {
    fn default() -> Self {
        Self(Mutex::new(Templates {
            by_kind: LruCache::new(MAX_TEMPLATES),
            bytes: 0,
        }))
    }
}

impl SpecializedPages {
    /// Returns `template` with the values of a kind as constants. `None` if that is not worth it, or if the
    /// page has a text that its kind does not decide.
    pub(super) fn get(
        &self,
        id: TemplateId,
        template: &BoundTemplate,
        of_kind: &KindBindings<'_>,
    ) -> Option<Arc<BoundTemplate>> {
        if of_kind.messages.notice.is_some() || template.template().bytes() > MAX_TEMPLATE_BYTES {
            return None;
        }
        let key = (id, *of_kind.kind);
        let mut templates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = templates.by_kind.get(&key) {
            return Some(Arc::clone(known));
        }
        let specialized = Arc::new(template.specialize(of_kind));
        templates.insert(key, Arc::clone(&specialized));
        Some(specialized)
    }
}

impl Templates {
    /// Inserts a template, and drops those that were not used for the longest time while there are too many, or
    /// they are too large together.
    fn insert(&mut self, key: (TemplateId, PageKind), template: Arc<BoundTemplate>) {
        self.bytes = self.bytes.saturating_add(template.template().bytes());
        let mut dropped = self.by_kind.push(key, template);
        loop {
            let bytes = dropped.map_or(0, |(_, template)| template.template().bytes());
            self.bytes = self.bytes.saturating_sub(bytes);
            if self.bytes <= MAX_BYTES {
                return;
            }
            dropped = self.by_kind.pop_lru();
        }
    }
}
