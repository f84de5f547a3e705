//! Says what a table says, in sentences that are computed from it.

use tidegate_simulation::hints::Strategy;

use super::Row;

/// Returns the sentences: how soon visitors are back with the hints of this filter and with the quickest of the
/// others, and what both ask of the upstream. Nothing if there is nothing to compare with.
pub(super) fn sentences(rows: &[Row]) -> Vec<String> {
    // The oracle is no choice: it knows all.
    let real = rows.iter().filter(|row| row.hints != Strategy::Oracle);
    let (own, others): (Vec<&Row>, Vec<&Row>) = real.partition(|row| row.hints.is_own());
    let time = |row: &Row| row.figures.back_95_s.mean.unwrap_or(f64::INFINITY);
    let quickest = others
        .into_iter()
        .min_by(|a, b| time(a).total_cmp(&time(b)));
    let (Some(own), Some(quickest)) = (own.first(), quickest) else {
        return vec![];
    };
    let when = |row: &Row| match row.figures.back_95_s.mean {
        Some(seconds) => format!("{seconds:.0} s"),
        None => "never".to_owned(),
    };
    let load = |row: &Row| format!("{:.2}", row.figures.peak_load.mean.unwrap_or(0.0));
    let over = |row: &Row| format!("{:.0} s", row.figures.overloaded_s.mean.unwrap_or(0.0));
    vec![
        format!(
            "95 % of the visitors are back: Tidegate {}, the quickest of the others ({}) {}.",
            when(own),
            quickest.hints.title(),
            when(quickest)
        ),
        format!(
            "The upstream gets at most {} of what it can serve with Tidegate, {} with that one, and more than it can \
             serve for {} and {}.",
            load(own),
            load(quickest),
            over(own),
            over(quickest)
        ),
    ]
}

#[cfg(test)]
mod tests;
