//! What HTTP itself defines, independent of the configuration: header maps, targets, statuses, content
//! negotiation, languages.

pub mod accept;
pub mod header_policy;
pub mod headers;
pub(crate) mod language;
pub mod status;
pub mod uri;
