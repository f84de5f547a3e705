//! What HTTP itself defines, independent of the configuration: header maps, targets, statuses, content
//! negotiation.

pub mod accept;
pub mod header_policy;
pub mod headers;
pub mod status;
pub mod uri;
