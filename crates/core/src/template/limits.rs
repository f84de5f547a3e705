//! How large a template may be.

/// The size in bytes to which a template may grow when constants are filled in and `each` repeats its
/// content.
pub const PAGE_BYTES: usize = 512 << 10;

/// Values and conditions of one template, counted each time that `each` repeats them. No page needs as
/// many; each costs memory in every worker and time for every page.
pub const TEMPLATE_TAGS: usize = 20_000;

/// Nesting depth of blocks.
pub const TEMPLATE_DEPTH: usize = 8;

/// Errors that are reported for one template.
pub(crate) const ERRORS: usize = 100;
