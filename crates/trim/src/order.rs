//! The order of the functions: each after those that it has most in common with, so that a compressor
//! finds in reach what it can refer to.

use std::collections::BTreeSet;

/// How many bytes in a row count as something in common.
const PIECE: usize = 4;
/// How many functions before it one is compared with: about what a compressor still reaches.
const BEFORE: usize = 8;

/// The numbers of `functions` in their new order. Beginning with the shortest, always the one that has
/// the greatest part of its bytes in common with the last few. Of equals the first, so that what is
/// in order stays so.
pub(crate) fn by_likeness(functions: &[Vec<u8>]) -> Vec<usize> {
    let pieces: Vec<BTreeSet<&[u8]>> = functions
        .iter()
        .map(|bytes| bytes.windows(PIECE).collect())
        .collect();
    let mut left: Vec<usize> = (0..functions.len()).collect();
    left.sort_by_key(|&function| functions[function].len());
    let mut order: Vec<usize> = Vec::new();
    while !left.is_empty() {
        let last = order.iter().rev().take(BEFORE);
        let seen: BTreeSet<&[u8]> = last
            .flat_map(|&function| &pieces[function])
            .copied()
            .collect();
        let mut best = (0, 0);
        for (at, &function) in left.iter().enumerate() {
            let own = &pieces[function];
            let common = own.iter().filter(|piece| seen.contains(*piece)).count();
            // In ten thousandths: whole numbers are the same on every machine.
            let share = common * 10_000 / own.len().max(1);
            if share > best.0 {
                best = (share, at);
            }
        }
        order.push(left.remove(best.1));
    }
    order
}
