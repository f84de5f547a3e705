//! What a file would have of the standard library without asking, and has not of `core`.

pub(crate) use alloc::borrow::ToOwned;
pub(crate) use alloc::string::String;
pub(crate) use alloc::vec;
pub(crate) use alloc::vec::Vec;

pub(crate) use crate::text::Joined;
// Not for the module: see `crate::text`.
