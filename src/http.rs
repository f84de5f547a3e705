//! The context of one request. It never pauses the request or the response.

use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;
use tidegate_core::filter::{BodyAction, Filter, RequestAction, ResponseAction};
use tidegate_core::host::{HeaderMap, HostError};
use tidegate_core::http::headers::HeaderBlock;
use tidegate_core::worker::Worker;

use crate::host::{self, Envoy};
use crate::plugin::{tick, Active};

/// One request. Without a configuration, or before its headers, it passes.
pub(crate) struct Request {
    id: u32,
    active: Option<Active>,
    filter: Option<Filter>,
}

impl Request {
    pub(crate) fn new(id: u32, active: Option<Active>) -> Self {
        Self {
            id,
            active,
            filter: None,
        }
    }

    /// Calls the core with the worker's state. Envoy never re-enters the module, so that the state is
    /// never in use already.
    fn with_filter<T>(&mut self, call: impl FnOnce(&mut Filter, &mut Worker) -> T) -> Option<T> {
        let mut worker = self.active.as_ref()?.worker.try_borrow_mut().ok()?;
        Some(call(self.filter.as_mut()?, &mut worker))
    }

    /// Tells the core that its action could not be carried out.
    fn fail_open(&mut self, subject: &str, result: Result<(), HostError>) {
        if let Err(error) = result {
            self.with_filter(|filter, worker| filter.fail_open(&mut Envoy, worker, subject, error));
        }
    }
}

impl Context for Request {}

impl HttpContext for Request {
    fn on_http_request_headers(&mut self, _count: usize, end_of_stream: bool) -> Action {
        let Some(active) = &self.active else {
            return Action::Continue;
        };
        let Ok(mut worker) = active.worker.try_borrow_mut() else {
            return Action::Continue;
        };
        if worker.note_request() {
            tick(&mut worker);
        }
        let config = Rc::clone(&active.config);
        let (filter, action) =
            Filter::on_request_headers(config, self.id, &mut Envoy, &mut worker, end_of_stream);
        drop(worker);
        self.filter = Some(filter);
        if let RequestAction::SendLocalReply(reply) = action {
            self.fail_open("the request", host::send_local_reply(&reply));
        }
        Action::Continue
    }

    fn on_http_response_headers(&mut self, _count: usize, end_of_stream: bool) -> Action {
        let action = self.with_filter(|filter, worker| {
            filter.on_response_headers(&mut Envoy, worker, end_of_stream)
        });
        let result = match action {
            None | Some(ResponseAction::Continue) => Ok(()),
            Some(ResponseAction::SendLocalReply(reply)) => host::send_local_reply(&reply),
            Some(ResponseAction::AddHeader(header)) => {
                host::add_header(HeaderMap::Response, &header)
            }
            Some(ResponseAction::Replace(headers)) => {
                host::set_headers(HeaderMap::Response, &headers)
            }
        };
        self.fail_open("the response", result);
        Action::Continue
    }

    fn on_http_response_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        let filter = self.filter.as_mut();
        let result = match filter.map(|filter| filter.on_response_body(size, end_of_stream)) {
            None | Some(BodyAction::Continue) => Ok(()),
            Some(BodyAction::Replace(bytes)) => host::set_response_body(size, &bytes),
            Some(BodyAction::Reset) => host::reset_response(),
        };
        if let Err(error) = result {
            log::warn!("tidegate: the body cannot be replaced ({error})");
        }
        Action::Continue
    }

    fn on_http_response_trailers(&mut self, _count: usize) -> Action {
        let must_drop =
            self.with_filter(|filter, worker| filter.on_response_trailers(&mut Envoy, worker));
        if must_drop == Some(true) {
            let none = HeaderBlock::from_pairs::<&[u8], &[u8]>(&[]);
            if let Err(error) = host::set_headers(HeaderMap::ResponseTrailers, &none) {
                log::debug!("tidegate: trailers cannot be dropped ({error})");
            }
        }
        Action::Continue
    }

    fn on_log(&mut self) {
        self.with_filter(|filter, worker| filter.on_log(&mut Envoy, worker));
    }
}
