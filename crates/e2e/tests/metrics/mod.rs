//! What operators see of the filter: metrics with labels, alerts, the dashboard.

mod idle;
mod labels;
mod many;
mod stage;
