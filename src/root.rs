//! The root context: one for each configuration and worker.

use alloc::rc::Rc;
use alloc::vec::Vec;

use tidegate_core::config::Config;
use tidegate_core::gate::Gate;
use tidegate_core::worker::CONFIG_ERRORS;

use crate::host::{self, BufferType, HostError, LogLevel};
use crate::log_sink;
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

impl Root {
    /// Takes a configuration. One that is refused leaves the one in force untouched; Envoy then
    /// refuses the update of its own that carried it.
    pub(crate) fn configure(&mut self, size: usize) -> bool {
        log_sink::follow_envoy();
        let bytes = match host::buffer(BufferType::PluginConfiguration, size) {
            Ok(bytes) => bytes,
            Err(HostError::NOT_FOUND) => Vec::new(),
            Err(error) => {
                let what = "the configuration cannot be read";
                log_sink::failed(LogLevel::Error, what, error, "");
                return false;
            }
        };
        match Config::from_json(&bytes) {
            Ok(config) => {
                if let Err(error) = host::set_tick_period(TICK_MS) {
                    log_sink::failed(LogLevel::Error, "no tick", error, "; breakers are late");
                }
                self.worker = Some(Rc::new(Worker::new(
                    Gate::new(config),
                    self.worker.as_deref(),
                )));
                true
            }
            Err(errors) => {
                for error in errors.iter() {
                    let line = ["tidegate: configuration: ", &error.text()];
                    log_sink::write(LogLevel::Error, &line);
                }
                shared::count_once(CONFIG_ERRORS);
                false
            }
        }
    }

    /// What is to be done a few times a second.
    pub(crate) fn tick(&self) {
        if let Some(worker) = &self.worker {
            worker.tick();
        }
    }

    /// The context of a new request.
    pub(crate) fn stream(&self, id: u32) -> Stream {
        Stream::new(id, self.worker.clone())
    }
}
