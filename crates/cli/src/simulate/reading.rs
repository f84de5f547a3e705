//! Says what a table says, in sentences that are computed from it: where this filter stands among the
//! others, and what it spared and cost beside no breaker.

use tidegate_simulation::control::Kind;
use tidegate_simulation::measure::Figures;
use tidegate_simulation::scenario::Comparing;

use super::report::{percent, seconds, Comparison};

/// Returns the sentences, one a line; nothing if there is nothing to compare with.
pub(super) fn sentences(comparison: &Comparison) -> String {
    let of = |kind: Kind| comparison.rows.iter().find(|row| row.breaker == kind);
    let (Some(own), Some(none)) = (of(Kind::Tidegate), of(Kind::None)) else {
        return String::new();
    };
    let (own, none) = (&own.figures, &none.figures);
    let place = |value, write| place(comparison, value, write);
    let [standing, price] = match comparison.scenario.comparing() {
        Comparing::Goodput => [
            format!("Goodput: {}", place(|f| f.goodput, |value| format!("{value:.2}"))),
            format!(
                "Tidegate sent {:.0} requests in vain, no breaker {:.0}. With Tidegate, {:.0} visitors \
                 gave up, with no breaker {:.0}.",
                own.failed, none.failed, own.gave_up, none.gave_up
            ),
        ],
        Comparing::Served => [
            format!("Visitors served: {}", place(|f| f.served, percent)),
            format!(
                "Tidegate sent {:.0} requests to the broken path, no breaker {:.0}.",
                own.broken_sent, none.broken_sent
            ),
        ],
        Comparing::Times => [
            // Sooner is better.
            format!(
                "Well after the incident: {}",
                place(
                    |f| f.recovered.map_or(f64::NEG_INFINITY, |at| -at),
                    |value| seconds(Some(-value).filter(|at| at.is_finite()), 0)
                )
            ),
            format!(
                "Tidegate sent {:.0} requests into the dead, no breaker {:.0}. With Tidegate, {:.0} \
                 visitors gave up, with no breaker {:.0}.",
                own.into_dead, none.into_dead, own.gave_up, none.gave_up
            ),
        ],
    };
    format!("  {standing}\n  {price}\n")
}

/// Returns where this filter stands among all breakers. Values that read the same are equal.
fn place(comparison: &Comparison, value: fn(&Figures) -> f64, write: fn(f64) -> String) -> String {
    let rows = comparison.rows.iter();
    let values = rows.map(|row| (row.breaker, value(&row.figures)));
    let values: Vec<_> = values.collect();
    let own = values.iter().find(|(kind, _)| *kind == Kind::Tidegate);
    let own = own.map_or(f64::NEG_INFINITY, |(_, value)| *value);
    let better = values
        .iter()
        .filter(|(_, value)| *value > own && write(*value) != write(own));
    let better: Vec<_> = better.collect();
    let (written, count) = (write(own), values.len());
    let best = better.iter().max_by(|(_, a), (_, b)| a.total_cmp(b));
    match best {
        None => format!("Tidegate has {written}; none of the {count} is better."),
        Some((kind, value)) => format!(
            "Tidegate has {written}, place {} of {count}; the best is {}: {}.",
            better.len() + 1,
            kind.title(),
            write(*value)
        ),
    }
}

#[cfg(test)]
mod tests;
