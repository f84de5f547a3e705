//! What HTTP itself defines, independent of the configuration: header maps, targets, statuses, content
//! negotiation, languages.

pub(crate) mod accept;
pub mod format;
pub(crate) mod forwarding;
pub mod header_policy;
pub mod headers;
pub(crate) mod language;
pub mod negotiate;
pub mod rpc;
pub mod status;
pub mod uri;
