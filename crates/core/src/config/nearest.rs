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
mod tests {
    use super::*;

    #[test]
    fn only_near_names_are_suggested() {
        let keys = ["window", "mode", "min_requests"];
        let nearest = |found| nearest(found, keys.into_iter());
        for (found, expected) in [
            ("windows", Some("window")),
            ("WINDOW", Some("window")),
            ("widnow", Some("window")),
            ("min-request", Some("min_requests")),
            ("mod", Some("mode")),
            ("colour", None),
            ("widths", None),
            ("", None),
        ] {
            assert_eq!(nearest(found).as_deref(), expected, "{found}");
        }
    }

    #[test]
    fn the_first_of_equally_near_names_is_suggested() {
        assert_eq!(
            nearest("cat", ["car", "cap"].into_iter()).as_deref(),
            Some("car")
        );
    }

    #[test]
    fn a_very_long_name_has_no_suggestion() {
        let long = "a".repeat(limits::NAME_BYTES + 1);
        assert_eq!(nearest(&long, [&*long].into_iter()), None);
    }
}
