//! What was probably meant by a name that does not exist.

use super::limits;
use crate::prelude::*;

/// The candidate that is nearest to `found`, if one is near enough to be what was meant.
pub(crate) fn nearest(found: &str, candidates: &mut dyn Iterator<Item = &str>) -> Option<String> {
    // Longer names may hold more mistakes; a third of the letters wrong is another word.
    let allowed = found.len().wrapping_div(3).clamp(1, 3);
    let mut best = (allowed.wrapping_add(1), None);
    for candidate in candidates {
        let distance = distance(found.as_bytes(), candidate.as_bytes());
        if distance < best.0 {
            best = (distance, Some(candidate));
        }
    }
    best.1.map(str::to_owned)
}

/// How many letters must be changed, left out, put in or swapped with their neighbour to make `b`
/// of `a` (optimal string alignment), letters of either case being equal.
fn distance(a: &[u8], b: &[u8]) -> usize {
    // No key is longer; a longer text is nobody's typing mistake, and the work is its square.
    if a.len().max(b.len()) > limits::NAME_BYTES {
        return usize::MAX;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (row, &from) in a.iter().enumerate() {
        let mut current = vec![row.wrapping_add(1)];
        for (column, &to) in b.iter().enumerate() {
            let at =
                |line: &[usize], column: usize| line.get(column).copied().unwrap_or(usize::MAX);
            let same = from.eq_ignore_ascii_case(&to);
            let changed = at(&above, column).wrapping_add(usize::from(!same));
            let left_out = at(&above, column.wrapping_add(1)).wrapping_add(1);
            let put_in = at(&current, column).wrapping_add(1);
            let mut least = changed.min(left_out).min(put_in);
            let neighbours = row.checked_sub(1).zip(column.checked_sub(1));
            if let Some((earlier_row, earlier_column)) = neighbours {
                let swapped = a
                    .get(earlier_row)
                    .is_some_and(|byte| byte.eq_ignore_ascii_case(&to))
                    && b.get(earlier_column)
                        .is_some_and(|byte| byte.eq_ignore_ascii_case(&from));
                if swapped {
                    least = least.min(at(&before, earlier_column).wrapping_add(1));
                }
            }
            current.push(least);
        }
        before = core::mem::replace(&mut above, current);
    }
    above.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("window", "window", 0),
            ("WINDOW", "window", 0),
            ("windw", "window", 1),
            ("widnow", "window", 1),
            ("window", "widths", 4),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(a.as_bytes(), b.as_bytes()), expected, "{a} {b}");
            assert_eq!(distance(b.as_bytes(), a.as_bytes()), expected, "{b} {a}");
        }
    }

    #[test]
    fn suggests_only_what_is_near() {
        let keys = ["window", "mode", "min_requests"];
        let nearest = |found| nearest(found, &mut keys.into_iter());
        assert_eq!(nearest("windows"), Some("window".to_owned()));
        assert_eq!(nearest("min-request"), Some("min_requests".to_owned()));
        assert_eq!(nearest("mod"), Some("mode".to_owned()));
        assert_eq!(nearest("colour"), None);
        assert_eq!(nearest(""), None);
    }
}
