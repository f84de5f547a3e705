//! The forms of a page that are no template: each in a file of its own.
//!
//! | format | file |
//! | --- | --- |
//! | HTML | `page/builtin/page.html`, or the operator's template |
//! | text | `page/builtin/page.txt`, or the operator's template |
//! | one line | [`line`] |
//! | problem+json, problem+xml | [`problem`], [`problem_xml`] |
//! | Markdown | [`markdown`] |
//! | gRPC, gRPC-Web | [`grpc`], [`grpc_web`] |
//! | Connect, unary and streaming | [`connect`] |

pub(super) mod connect;
pub(super) mod grpc;
pub(super) mod grpc_web;
pub(super) mod line;
pub(super) mod markdown;
pub(super) mod problem;
pub(super) mod problem_xml;

mod call_status;
pub(crate) use call_status::CallStatus;
