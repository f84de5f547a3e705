//! The root context: one for each configuration and worker.

use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{BufferType, ContextType};
use tidegate_core::config::Config;
use tidegate_core::exchange::Gate;

use crate::host::{self, HostError};
use crate::log_sink;
use crate::stream::Stream;

/// Holds the configuration in force.
#[derive(Default)]
pub(crate) struct Root {
    gate: Option<Rc<Gate>>,
}

impl Context for Root {}

impl RootContext for Root {
    /// Takes a configuration. One that is refused leaves the one in force untouched; Envoy then
    /// refuses the update of its own that carried it.
    fn on_configure(&mut self, size: usize) -> bool {
        log_sink::follow_envoy();
        let bytes = match host::buffer(BufferType::PluginConfiguration, size) {
            Ok(bytes) => bytes,
            Err(HostError::NOT_FOUND) => Vec::new(),
            Err(HostError(status)) => {
                log::error!("tidegate: the configuration cannot be read (host status {status})");
                return false;
            }
        };
        match Config::from_json(&bytes) {
            Ok(config) => {
                for path in &config.not_in_force {
                    log::warn!("tidegate: {path} is accepted, but not yet in force");
                }
                self.gate = Some(Rc::new(Gate::new(config)));
                true
            }
            Err(errors) => {
                for error in errors.iter() {
                    log::error!("tidegate: configuration: {error}");
                }
                false
            }
        }
    }

    fn create_http_context(&self, _context_id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream::new(self.gate.clone())))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}
