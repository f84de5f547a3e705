//! The root context: one for each configuration and worker.

use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;
use tidegate_core::breaker::meters::CONFIG_ERRORS;
use tidegate_core::config::Config;
use tidegate_core::gate::Gate;

use crate::host::{self, BufferType, HostError};
use crate::logger;
use crate::shared;
use crate::stream::Stream;
use crate::worker::Worker;

/// How often a worker tells what it counted and learns what others did, in milliseconds. Twice
/// within the time in which all workers must know of a trip.
const TICK_MS: u32 = 50;

/// Holds the configuration in force.
#[derive(Default)]
pub(crate) struct Root {
    worker: Option<Rc<Worker>>,
}

impl Context for Root {}

impl RootContext for Root {
    /// Takes a configuration. One that is refused leaves the one in force untouched; Envoy then
    /// refuses the update of its own that carried it.
    fn on_configure(&mut self, size: usize) -> bool {
        logger::follow_envoy();
        let bytes = match host::buffer(BufferType::PluginConfiguration, size) {
            Ok(bytes) => bytes,
            Err(HostError::NOT_FOUND) => Vec::new(),
            Err(error) => {
                log::error!("tidegate: the configuration cannot be read ({error})");
                return false;
            }
        };
        match Config::from_json(&bytes) {
            Ok(config) => {
                if let Err(error) = host::set_tick_period(TICK_MS) {
                    log::error!("tidegate: no tick ({error}); breakers are late");
                }
                self.worker = Some(Rc::new(Worker::new(
                    Gate::new(config),
                    self.worker.as_deref(),
                )));
                true
            }
            Err(errors) => {
                for error in errors.iter() {
                    log::error!("tidegate: configuration: {}", error.text());
                }
                shared::count_once(CONFIG_ERRORS);
                false
            }
        }
    }

    fn on_tick(&mut self) {
        if let Some(worker) = &self.worker {
            worker.tick();
        }
    }

    fn create_http_context(&self, id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream::new(id, self.worker.clone())))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}
