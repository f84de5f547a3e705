//! The heap as the program's allocator.

use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32::memory_grow;
use core::cell::UnsafeCell;
use core::ptr::{copy_nonoverlapping, NonNull};

use crate::{same_block, Heap, Pages, PAGE};

struct Memory;

impl Pages for Memory {
    fn more(&mut self, bytes: usize) -> Option<NonNull<u8>> {
        let before = memory_grow(0, bytes.checked_div(PAGE)?);
        // `usize::MAX`: refused. Else the number of pages that there were.
        NonNull::new(before.checked_mul(PAGE)? as *mut u8)
    }
}

/// For `#[global_allocator]`.
pub struct Global(UnsafeCell<Heap<Memory>>);

impl Global {
    /// An allocator that has no memory yet.
    #[expect(clippy::new_without_default, reason = "it is made in a static, once")]
    pub const fn new() -> Self {
        Self(UnsafeCell::new(Heap::new(Memory)))
    }

    fn take(&self, layout: Layout) -> *mut u8 {
        // SAFETY: there is one thread, and nothing in here calls back: no other reference exists.
        unsafe { &mut *self.0.get() }.take(layout)
    }
}

// SAFETY: the module is built for wasm without threads.
#[cfg(not(target_feature = "atomics"))]
unsafe impl Sync for Global {}

// SAFETY: blocks are large enough, aligned, and each on one list or in use.
unsafe impl GlobalAlloc for Global {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.take(layout)
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as in `take`; and the caller gives what it got for this layout.
        unsafe { (*self.0.get()).give(block, layout) };
    }

    unsafe fn realloc(&self, block: *mut u8, old: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller promises that this is a layout.
        let new = unsafe { Layout::from_size_align_unchecked(size, old.align()) };
        if same_block(old, new) {
            return block;
        }
        let to = self.take(new);
        if !to.is_null() {
            // SAFETY: both blocks have so many bytes, and are different ones.
            unsafe { copy_nonoverlapping(block, to, size.min(old.size())) };
            // SAFETY: the caller gives what it got for `old`.
            unsafe { self.dealloc(block, old) };
        }
        to
    }
}
