//! What the requests of one worker share: the configuration in force, and its breakers.

use std::cell::{RefCell, RefMut};

use tidegate_core::breaker::bank::Moment;
use tidegate_core::breaker::meters::Total;
use tidegate_core::breaker::Bank;
use tidegate_core::exchange::Breakers;
use tidegate_core::gate::{Gate, RouteFacts};
use tidegate_core::headers::HeaderBlock;
use tidegate_core::pace::Pacer;
use tidegate_core::text::lossy;

use crate::host;
use crate::shared::{HostMetrics, SharedData};

/// The configuration in force on this worker, and its breakers.
pub(crate) struct Worker {
    pub(crate) gate: Gate,
    known: RefCell<Known>,
}

/// What is known of the routes.
struct Known {
    bank: Bank,
    pacer: Pacer,
}

impl Worker {
    /// Makes a configuration the one in force, after `before`: what is known of the routes stays so.
    pub(crate) fn new(gate: Gate, before: Option<&Self>) -> Self {
        // All plugins of a proxy may share one namespace of shared data; their names tell them
        // apart. Without a name the breakers still work, for all plugins without one.
        let plugin = host::property("plugin_name").unwrap_or_default();
        let mut bank = gate.bank(&lossy(&plugin));
        let pacer = before.and_then(Self::known).map(|mut known| {
            let pacer = std::mem::take(&mut known.pacer);
            pacer.moved(known.bank.keys(), bank.keys())
        });
        let pacer = pacer.unwrap_or_default();
        let known = RefCell::new(Known { bank, pacer });
        let worker = Self { gate, known };
        // A circuit may be open since before: not even one request may pass it by.
        worker.tick();
        worker
    }

    /// What is known of the routes; nothing where that is in use already, which no host does.
    fn known(&self) -> Option<RefMut<'_, Known>> {
        self.known.try_borrow_mut().ok()
    }

    /// Does something with the breakers, unless they are in use already.
    pub(crate) fn with_breakers<T>(
        &self,
        work: impl FnOnce(&Gate, &mut Breakers<'_>) -> T,
    ) -> Option<T> {
        let mut known = self.known()?;
        let Known { bank, pacer } = &mut *known;
        let store = &mut SharedData;
        let mut breakers = Breakers { bank, pacer, store };
        Some(work(&self.gate, &mut breakers))
    }

    /// Tells what was counted, learns what other workers did, and says what changed.
    pub(crate) fn tick(&self) {
        let Ok(now_ns) = host::now_ns() else { return };
        let at = Moment::new(now_ns, 0);
        self.with_breakers(|_, breakers| {
            breakers.bank.tick(breakers.store, at);
            breakers.pacer.tick(at);
            let now_ms = at.now_ms;
            breakers
                .bank
                .report(&mut HostMetrics, breakers.store, now_ms);
        });
        self.report(at.now_ms);
    }

    /// Writes what there is to write.
    pub(crate) fn report(&self, now_ms: u64) {
        self.with_breakers(|_, breakers| {
            for event in breakers.bank.take_events() {
                let releases = breakers.pacer.releases(breakers.bank.keys(), event.route());
                log::info!("{}", event.line(releases, now_ms));
            }
        });
    }

    /// The filter leaves a request alone because a call to the host failed.
    pub(crate) fn count_host_error(&self) {
        self.with_breakers(|_, breakers| breakers.bank.count_total(Total::HostErrors));
    }
}

/// Reads the facts of the request's route. What the host does not know is empty.
pub(crate) fn route_facts(gate: &Gate) -> RouteFacts {
    let text = |path| host::property(path).unwrap_or_default();
    let route = text("xds\0route_name");
    RouteFacts {
        virtual_host: if gate.needs_virtual_host(&route) {
            text("xds\0virtual_host_name")
        } else {
            Vec::new()
        },
        route,
        cluster: text("xds\0cluster_name"),
        metadata: HeaderBlock::from_wire(text("xds\0route_metadata\0filter_metadata\0tidegate")),
    }
}
