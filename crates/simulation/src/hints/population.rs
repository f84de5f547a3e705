//! The populations that hints are compared for: who the clients are, and how they behave.

use clap::ValueEnum;
use serde::Serialize;

use crate::crowd::Restless;
use crate::hammer::Hammer;
use crate::scenario::BEFORE_MS;
use crate::world::Setup;

/// Share of the clients that obey where others do not.
const OBEY: f64 = 0.7;
/// Requests per second of a client that retries without a pause...
const HAMMER_PER_SECOND: u32 = 50;
/// ...and of a monitor.
const MONITOR_PER_SECOND: u32 = 5;

/// A population of clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Population {
    /// All clients obey
    Obey,
    /// 30 % of the clients ignore hints and ask every second
    EverySecond,
    /// From the outage on, one more client ignores hints and asks 50 times a second
    Hammer,
    /// A small site, which a monitor that ignores hints asks 5 times a second
    SmallSite,
    /// All clients obey, and have one address
    OneAddress,
}

/// The size of a site, and the outages that are simulated for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Site {
    /// New visitors per second.
    pub rate: u32,
    /// Requests per second that the upstream can serve.
    pub capacity: u32,
    /// Lengths of the outages in milliseconds.
    pub outages_ms: &'static [u64],
}

impl Population {
    /// Returns its name on the command line and in file names.
    pub fn name(self) -> String {
        crate::value_name(&self)
    }

    /// Returns its name in the title of a table.
    pub fn title(self) -> &'static str {
        match self {
            Self::Obey => "all obey",
            Self::EverySecond => "some ask every second",
            Self::Hammer => "one client asks 50 times a second",
            Self::SmallSite => "a small site with a monitor",
            Self::OneAddress => "all have one address",
        }
    }

    /// Returns the site that it visits unless the command line says otherwise.
    pub fn site(self) -> Site {
        match self {
            Self::Obey | Self::EverySecond | Self::Hammer | Self::OneAddress => Site {
                rate: 100,
                capacity: 150,
                outages_ms: &[60_000, 180_000],
            },
            Self::SmallSite => Site {
                rate: 2,
                capacity: 50,
                outages_ms: &[30_000],
            },
        }
    }

    /// Returns a setup with the clients of this population. `obey`: the share of clients that obey
    /// where others do not.
    pub fn of(self, setup: Setup, obey: Option<f64>) -> Setup {
        let all_obey = Setup {
            obey: 1.0,
            restless: Restless::EverySecond,
            ..setup
        };
        match self {
            Self::Obey => all_obey,
            Self::EverySecond => Setup {
                obey: obey.unwrap_or(OBEY),
                ..all_obey
            },
            Self::Hammer => Setup {
                hammer: Some(Hammer {
                    per_second: HAMMER_PER_SECOND,
                    from_ms: BEFORE_MS,
                }),
                ..all_obey
            },
            Self::SmallSite => Setup {
                hammer: Some(Hammer {
                    per_second: MONITOR_PER_SECOND,
                    from_ms: 0,
                }),
                ..all_obey
            },
            Self::OneAddress => Setup {
                has_one_address: true,
                ..all_obey
            },
        }
    }
}

#[cfg(test)]
mod tests;
