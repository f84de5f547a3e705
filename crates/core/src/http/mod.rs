//! What HTTP defines and the other modules need.

pub(crate) mod language;
