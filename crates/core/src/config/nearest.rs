//! Suggestions for misspelt names.

use super::limits;

/// Returns the candidate that was probably meant by `found`, if one is near enough.
///
/// The distance is that of optimal string alignment: the number of letters to change, remove, insert
/// or swap with their neighbour. Letters of either case are equal.
pub(crate) fn nearest<'a>(
    found: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<String> {
    // Longer names may hold more mistakes; with a third of its letters wrong it is another word.
    let allowed = found.len().wrapping_div(3).clamp(1, 3);
    let found = found.to_ascii_lowercase();
    candidates
        // No name is longer, and the work grows with the square of the length.
        .filter(|name| found.len().max(name.len()) <= limits::NAME_BYTES)
        .map(|name| {
            (
                strsim::osa_distance(&found, &name.to_ascii_lowercase()),
                name,
            )
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name.to_owned())
}

#[cfg(test)]
mod tests;
