//! What the requests of one worker share: the configuration in force, and its breakers.

use core::cell::RefCell;

use tidegate_core::breaker::bank::Moment;
use tidegate_core::breaker::Bank;
use tidegate_core::exchange::Breakers;
use tidegate_core::gate::{Gate, RouteFacts};
use tidegate_core::headers::HeaderBlock;
use tidegate_core::text::lossy;

use crate::host::{self, LogLevel};
use crate::log_sink;
use crate::shared::{HostMetrics, SharedData};

/// The configuration in force on this worker, and its breakers.
pub(crate) struct Worker {
    pub(crate) gate: Gate,
    bank: RefCell<Bank>,
}

impl Worker {
    /// Makes a configuration the one in force.
    pub(crate) fn new(gate: Gate) -> Self {
        // All plugins of a proxy may share one namespace of shared data; their names tell them
        // apart. Without a name the breakers still work, for all plugins without one.
        let plugin = host::property("plugin_name").unwrap_or_default();
        let bank = RefCell::new(gate.bank(&lossy(&plugin)));
        let worker = Self { gate, bank };
        // A circuit may be open since before: not even one request may pass it by.
        worker.tick();
        worker
    }

    /// Does something with the breakers; nothing where they are in use already, which no host does.
    pub(crate) fn with_breakers<T>(
        &self,
        work: impl FnOnce(&Gate, &mut Breakers<'_>) -> T,
    ) -> Option<T> {
        let mut bank = self.bank.try_borrow_mut().ok()?;
        let mut store = SharedData;
        Some(work(
            &self.gate,
            &mut Breakers {
                bank: &mut bank,
                store: &mut store,
            },
        ))
    }

    /// Tells what was counted, learns what other workers did, and says what changed.
    pub(crate) fn tick(&self) {
        let Ok(now_ns) = host::now_ns() else { return };
        self.with_breakers(|_, breakers| {
            breakers.bank.tick(breakers.store, Moment::new(now_ns, 0));
            breakers.bank.report(&mut HostMetrics);
        });
        self.report();
    }

    /// Writes a line for each change of state.
    pub(crate) fn report(&self) {
        let events = self.with_breakers(|_, breakers| breakers.bank.take_events());
        for event in events.into_iter().flatten() {
            log_sink::write(LogLevel::Info, &[&event.line()]);
        }
    }
}

/// Reads the facts of the request's route. What the host does not know is empty.
pub(crate) fn route_facts() -> RouteFacts {
    let text = |path| host::property(path).unwrap_or_default();
    RouteFacts {
        route: text("xds\0route_name"),
        virtual_host: text("xds\0virtual_host_name"),
        cluster: text("xds\0cluster_name"),
        metadata: HeaderBlock::from_wire(text("xds\0route_metadata\0filter_metadata\0tidegate")),
    }
}
