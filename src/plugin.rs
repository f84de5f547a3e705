//! The root context: the configuration in force, and the state of this worker.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;
use tidegate_core::config::Config;
use tidegate_core::filter::on_tick;
use tidegate_core::filter_config::FilterConfig;
use tidegate_core::host::{Host, MetricKind, MetricStore};
use tidegate_core::worker::{Worker, CONFIG_ERRORS, TICK};

use crate::host::{self, Envoy};
use crate::http::Request;
use crate::logger;

/// The plugin on one worker. Until a configuration is accepted, all requests pass.
#[derive(Default)]
pub(crate) struct Plugin {
    active: Option<Active>,
}

/// A configuration in force, and the worker's state for it. Requests keep the one they began with.
#[derive(Clone)]
pub(crate) struct Active {
    pub(crate) config: Rc<FilterConfig>,
    pub(crate) worker: Rc<RefCell<Worker>>,
}

impl Active {
    /// Puts a configuration in force. The loads of the routes are kept; circuits are in shared data.
    fn new(config: Config, previous: Option<&Self>) -> Self {
        let config = FilterConfig::new(config);
        // All plugins of a proxy may share one namespace of shared data; the name separates them.
        // Plugins without a name share their circuits.
        let name = Envoy.attribute("plugin_name").unwrap_or_default();
        let mut worker = config.worker(&String::from_utf8_lossy(&name));
        if let Some(mut previous) = previous.and_then(|active| active.worker.try_borrow_mut().ok())
        {
            worker.inherit_load(&mut previous);
        }
        // A circuit may be open already, and must reject even the first request.
        tick(&mut worker);
        Self {
            config: Rc::new(config),
            worker: Rc::new(RefCell::new(worker)),
        }
    }
}

/// Does what is due at a tick.
pub(crate) fn tick(worker: &mut Worker) {
    if let Some(period) = on_tick(&mut Envoy, worker) {
        set_tick_period(period);
    }
}

fn set_tick_period(period: Duration) {
    let ms = u32::try_from(period.as_millis()).unwrap_or(u32::MAX);
    if let Err(error) = host::set_tick_period(ms) {
        log::error!("tidegate: the tick cannot be set ({error}); breakers are late");
    }
}

impl Context for Plugin {}

impl RootContext for Plugin {
    /// Takes a configuration. If it is refused, the one in force stays, and Envoy refuses the update.
    fn on_configure(&mut self, size: usize) -> bool {
        logger::follow_envoy();
        let bytes = match host::configuration(size) {
            Ok(bytes) => bytes,
            Err(error) => {
                log::error!("tidegate: the configuration cannot be read ({error})");
                return false;
            }
        };
        match Config::from_json(&bytes) {
            Ok(config) => {
                set_tick_period(TICK);
                self.active = Some(Active::new(config, self.active.as_ref()));
                true
            }
            Err(errors) => {
                for error in errors.iter() {
                    log::error!("tidegate: configuration: {error}");
                }
                if errors.more() > 0 {
                    log::error!("tidegate: configuration: and {} more errors", errors.more());
                }
                if let Ok(id) = Envoy.define_metric(MetricKind::Counter, CONFIG_ERRORS) {
                    Envoy.increment_metric(id, 1);
                }
                false
            }
        }
    }

    fn on_tick(&mut self) {
        let worker = self.active.as_ref().map(|active| &active.worker);
        if let Some(mut worker) = worker.and_then(|worker| worker.try_borrow_mut().ok()) {
            tick(&mut worker);
        }
    }

    fn create_http_context(&self, id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Request::new(id, self.active.clone())))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}
