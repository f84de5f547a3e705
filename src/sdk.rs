//! The callbacks by way of the SDK: what a plain `cargo build` of the module makes.

use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType};

use crate::root::Root;
use crate::stream::Stream;

/// The entry point, in a module of its own because the macro makes a public item without
/// documentation.
#[allow(missing_docs, reason = "made by the SDK's macro")]
mod entry {
    proxy_wasm::main! {{
        crate::log_sink::install();
        proxy_wasm::set_root_context(|_| Box::<crate::root::Root>::default());
    }}
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, size: usize) -> bool {
        self.configure(size)
    }

    fn on_tick(&mut self) {
        self.tick();
    }

    fn create_http_context(&self, id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(self.stream(id)))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        self.request_headers();
        Action::Continue
    }

    fn on_http_response_headers(&mut self, _count: usize, end_of_stream: bool) -> Action {
        self.response_headers(end_of_stream);
        Action::Continue
    }

    fn on_http_response_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        self.response_body(size, end_of_stream);
        Action::Continue
    }

    fn on_http_response_trailers(&mut self, _count: usize) -> Action {
        self.response_trailers();
        Action::Continue
    }

    fn on_log(&mut self) {
        self.log();
    }
}
