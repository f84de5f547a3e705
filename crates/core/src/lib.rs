//! The decisions of Tidegate, independent of a host: which failures get a page, what the page says, when
//! a client should come back, and which requests an open circuit rejects.
//!
//! The filter (`src/` of the workspace) runs it in Envoy; the command (`crates/cli`) runs it natively, so
//! that it shows exactly what the filter serves.
//!
//! # Parts
//!
//! * [`filter`]: one request, with methods named as the callbacks of proxy-wasm. It asks its
//!   [`host`] for facts and returns what to do.
//! * [`filter_config`]: a configuration, compiled; [`policy`]: which policy a request has.
//! * [`page`]: the pages, rendered by a template engine; [`config`]: the options, and the errors of a
//!   configuration.
//! * [`worker`]: the circuits, metrics and loads that one worker keeps, and exchanges with the others;
//!   [`breaker`]: one circuit.
//! * [`failure`]: why a request failed; [`http`]: what HTTP defines; [`time`]: points in time.
//!
//! # What it does not do
//!
//! It does no I/O, reads no clock, draws no random number and keeps no global state. All of these come
//! from the caller or from the [`host::Host`], so that every behaviour can be tested by a plain function
//! call, and so that it never traps: outside tests, code that can panic does not compile.
//!
//! # Example
//!
//! ```
//! use std::rc::Rc;
//!
//! use tidegate_core::config::Config;
//! use tidegate_core::filter::{BodyAction, Filter, RequestAction, ResponseAction};
//! use tidegate_core::filter_config::FilterConfig;
//! use tidegate_core::host::{HeaderMap, Host, HostError, MetricKind, MetricStore, SharedData};
//! use tidegate_core::http::headers::HeaderBlock;
//! use tidegate_core::time::Timestamp;
//!
//! /// A host in which the upstream of every request refuses the connection.
//! struct Refusing;
//!
//! impl Host for Refusing {
//!     fn now(&mut self) -> Result<Timestamp, HostError> {
//!         Ok(Timestamp::from_millis(1_795_413_600_000))
//!     }
//!     fn headers(&mut self, map: HeaderMap) -> Result<Vec<u8>, HostError> {
//!         let headers = match map {
//!             HeaderMap::Request => HeaderBlock::from_pairs(&[
//!                 (":method", "GET"),
//!                 (":path", "/basket"),
//!                 ("accept", "text/plain"),
//!             ]),
//!             _ => HeaderBlock::from_pairs(&[(":status", "503"), ("content-length", "91")]),
//!         };
//!         Ok(headers.as_wire().to_vec())
//!     }
//!     fn header(&mut self, map: HeaderMap, name: &str) -> Result<Vec<u8>, HostError> {
//!         let headers = HeaderBlock::from_wire(self.headers(map)?);
//!         headers.get(name).map(<[u8]>::to_vec).ok_or(HostError::NotFound)
//!     }
//!     fn attribute(&mut self, path: &str) -> Result<Vec<u8>, HostError> {
//!         match path {
//!             "response\0code_details" => {
//!                 Ok(b"upstream_reset_before_response_started{remote_connection_failure}".to_vec())
//!             }
//!             _ => Err(HostError::NotFound),
//!         }
//!     }
//!     // The rest does nothing.
//! #   fn set_filter_state(&mut self, _name: &str, _value: &str) -> Result<(), HostError> {
//! #       Ok(())
//! #   }
//! #     fn random(&mut self) -> Result<[u8; 32], HostError> {
//! #         Err(HostError::NotFound)
//! #     }
//! #   fn log(&mut self, _level: log::Level, _line: &str) {}
//! }
//! # impl SharedData for Refusing {
//! #     fn shared_data(&mut self, _key: &str) -> Result<Option<(Vec<u8>, u32)>, HostError> {
//! #         Ok(None)
//! #     }
//! #     fn compare_and_swap(
//! #         &mut self,
//! #         _key: &str,
//! #         _value: &[u8],
//! #         _version: Option<u32>,
//! #     ) -> Result<(), HostError> {
//! #         Ok(())
//! #     }
//! # }
//! # impl MetricStore for Refusing {
//! #     fn define_metric(&mut self, _kind: MetricKind, _name: &str) -> Result<u32, HostError> {
//! #         Ok(0)
//! #     }
//! #     fn increment_metric(&mut self, _id: u32, _by: u64) {}
//! #     fn record_metric(&mut self, _id: u32, _value: u64) {}
//! # }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let config = Config::from_json(b"{}").map_err(|errors| errors.to_string())?;
//! let config = Rc::new(FilterConfig::new(config));
//! let (host, mut worker) = (&mut Refusing, config.worker("example"));
//!
//! let (mut filter, action) = Filter::on_request_headers(config, 1, host, &mut worker, true);
//! assert_eq!(action, RequestAction::Continue);
//! let action = filter.on_response_headers(host, &mut worker, false);
//! let ResponseAction::Replace(headers) = action else {
//!     panic!("{action:?}")
//! };
//! assert_eq!(headers.get(":status"), Some(&b"502"[..]));
//! let BodyAction::Replace(page) = filter.on_response_body(91, true) else {
//!     unreachable!("a page is in place of the body");
//! };
//! assert!(String::from_utf8(page)?.contains("connection_refused"));
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::todo,
        clippy::unimplemented,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::arithmetic_side_effects
    )
)]

pub mod breaker;
pub mod config;
pub mod diagnostics;
pub mod failure;
pub mod filter;
pub mod filter_config;
pub mod host;
pub mod http;
pub mod page;
pub mod pass;
pub mod policy;
pub mod retry;
pub mod rng;
mod template;
pub mod time;
pub mod worker;

pub use template::{tags as template_tags, Tag as TemplateTag};
