//! Against a model: what is in use never overlaps, is aligned, keeps its bytes, and what the host
//! gave is bounded by what was in use at once.

extern crate std;

use std::alloc::{alloc, dealloc};
use std::vec::Vec;

use proptest::prelude::*;

use super::*;

/// Gives pages until a limit, and takes them back at the end.
struct Host {
    given: Vec<(NonNull<u8>, Layout)>,
    left: usize,
}

impl Host {
    fn with(left: usize) -> Self {
        Self {
            given: Vec::new(),
            left,
        }
    }

    fn given(&self) -> usize {
        self.given.iter().map(|(_, layout)| layout.size()).sum()
    }
}

impl Pages for Host {
    fn more(&mut self, bytes: usize) -> Option<NonNull<u8>> {
        assert_eq!(bytes % PAGE, 0);
        self.left = self.left.checked_sub(bytes)?;
        let layout = Layout::from_size_align(bytes, PAGE).unwrap();
        // SAFETY: the layout is not empty.
        let memory = NonNull::new(unsafe { alloc(layout) })?;
        self.given.push((memory, layout));
        Some(memory)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        for (memory, layout) in &self.given {
            // SAFETY: allocated in `more` with this layout.
            unsafe { dealloc(memory.as_ptr(), *layout) };
        }
    }
}

struct Used {
    block: *mut u8,
    layout: Layout,
    mark: u8,
}

impl Used {
    fn take(heap: &mut Heap<Host>, layout: Layout, mark: u8) -> Option<Self> {
        let block = heap.take(layout);
        if block.is_null() {
            return None;
        }
        assert_eq!(block.addr() % layout.align(), 0, "{layout:?}");
        // SAFETY: the block has as many bytes.
        unsafe { block.write_bytes(mark, layout.size()) };
        Some(Self {
            block,
            layout,
            mark,
        })
    }

    fn give(self, heap: &mut Heap<Host>) {
        // SAFETY: `take` wrote as many bytes there.
        let bytes = unsafe { core::slice::from_raw_parts(self.block, self.layout.size()) };
        assert!(bytes.iter().all(|byte| *byte == self.mark), "overwritten");
        // SAFETY: taken for this layout, and given back once, since `self` is consumed.
        unsafe { heap.give(self.block, self.layout) };
    }
}

/// A step: take a block of this layout, or give the one at this place back.
#[derive(Debug, Clone)]
enum Step {
    Take(usize, u32),
    Give(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..300_usize, 0..6_u32).prop_map(|(size, log)| Step::Take(size, log)),
        (0..200_000_usize, 0..17_u32).prop_map(|(size, log)| Step::Take(size, log)),
        any::<usize>().prop_map(Step::Give),
        any::<usize>().prop_map(Step::Give),
    ]
}

proptest! {
    #[test]
    fn blocks_are_apart_and_the_sum_is_bounded(steps in prop::collection::vec(step(), 0..400)) {
        let mut heap = Heap::new(Host::with(usize::MAX));
        let mut used: Vec<Used> = Vec::new();
        let mut now = [0_usize; SIZES];
        let mut most = [0_usize; SIZES];
        for (mark, step) in steps.into_iter().enumerate() {
            match step {
                Step::Take(size, log) => {
                    let layout = Layout::from_size_align(size, 1 << log).unwrap();
                    let size = size_of_block(layout);
                    now[size] += 1;
                    most[size] = most[size].max(now[size]);
                    used.push(Used::take(&mut heap, layout, mark as u8).unwrap());
                }
                Step::Give(_) if used.is_empty() => {}
                Step::Give(at) => {
                    let one = used.swap_remove(at % used.len());
                    now[size_of_block(one.layout)] -= 1;
                    one.give(&mut heap);
                }
            }
        }
        let largest = most.iter().rposition(|count| *count > 0).map_or(0, |at| at.max(PAGE_SIZE));
        let bound: usize = (0..=largest).map(|size| (most[size] + 1) * bytes(size)).sum();
        prop_assert!(heap.pages.given() <= bound, "{} of {bound}", heap.pages.given());
        for one in used {
            one.give(&mut heap);
        }
    }
}

#[test]
fn what_was_given_back_is_taken_again() {
    let mut heap = Heap::new(Host::with(PAGE));
    let page = Layout::from_size_align(PAGE, 1).unwrap();
    Used::take(&mut heap, page, 1).unwrap().give(&mut heap);
    // The page is one large block, or 4096 small ones; and then nothing is left.
    let small = Layout::from_size_align(SMALLEST, 8).unwrap();
    for _ in 0..3 {
        let all: Vec<_> = (0..PAGE / SMALLEST)
            .map(|at| Used::take(&mut heap, small, at as u8).unwrap())
            .collect();
        assert!(Used::take(&mut heap, small, 0).is_none());
        all.into_iter().for_each(|one| one.give(&mut heap));
    }
}

#[test]
fn layouts_share_a_block_up_to_its_size() {
    let layout = |size, align| Layout::from_size_align(size, align).unwrap();
    for (one, other, same) in [
        (layout(0, 1), layout(16, 1), true),
        (layout(16, 1), layout(17, 1), false),
        (layout(17, 1), layout(32, 8), true),
        (layout(1, 64), layout(64, 1), true),
        (layout(1, 128), layout(64, 1), false),
    ] {
        assert_eq!(same_block(one, other), same, "{one:?} {other:?}");
    }
}

#[test]
fn what_cannot_be_had_is_null() {
    let mut heap = Heap::new(Host::with(PAGE));
    for (size, align) in [(PAGE + 1, 1), (1, 2 * PAGE), (isize::MAX as usize / 4, 1)] {
        let layout = Layout::from_size_align(size, align).unwrap();
        assert!(heap.take(layout).is_null(), "{layout:?}");
    }
}
