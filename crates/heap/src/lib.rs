//! The wasm module's allocator.
//!
//! The standard library's own (dlmalloc) is 8.5 KB of the module, for large heaps that the module does
//! not have. This one is under 1 KB.
//!
//! # How it works
//!
//! A block is a power of two, at least [`SMALLEST`] bytes. Each size has a list of free blocks. Where
//! that is empty, the next larger free block is halved until it fits; where there is none, the host
//! gives pages. A freed block goes to the list of its size and is never joined with its neighbour.
//!
//! # Why that is bounded
//!
//! The module lives for months in a proxy. A block of some size is only ever made when no block of
//! that size is free, so of each size there are never more than the most that were in use at once,
//! and one more. What the host has given is the sum of that over all sizes, whatever the order in
//! which requests come and go: it cannot fragment further with time.
#![no_std]
#![deny(clippy::undocumented_unsafe_blocks, unsafe_op_in_unsafe_fn)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

#[cfg(target_family = "wasm")]
mod wasm;

use core::alloc::Layout;
use core::ptr::{null_mut, NonNull};

#[cfg(target_family = "wasm")]
pub use wasm::Global;

/// Size of a page of wasm memory.
pub const PAGE: usize = 0x1_0000;
/// Size of the smallest block: two words of 64 bits, the alignment that C promises too.
pub const SMALLEST: usize = 16;

/// Number of sizes: 16 bytes to 2 GiB, more than which no object in wasm memory can have.
const SIZES: usize = 28;
/// The size that is one page.
const PAGE_SIZE: usize = 12;

/// Where memory comes from.
pub trait Pages {
    /// So many fresh bytes, a multiple of [`PAGE`], beginning at a multiple of [`PAGE`] and owned by
    /// the caller for ever; `None` where there are no more.
    fn more(&mut self, bytes: usize) -> Option<NonNull<u8>>;
}

/// A free block: it holds the address of the next one of its size, or null.
struct Free {
    next: *mut Free,
}

/// The blocks of memory that are not in use.
pub struct Heap<P> {
    pages: P,
    /// The first free block by size: of `SMALLEST`, of twice that, and so on.
    free: [*mut Free; SIZES],
}

impl<P: Pages> Heap<P> {
    /// A heap that has nothing yet.
    pub const fn new(pages: P) -> Self {
        Self {
            pages,
            free: [null_mut(); SIZES],
        }
    }

    /// A block for `layout`, aligned as it asks, with anything in it. Null where there is none, or
    /// for an alignment of more than a page.
    pub fn take(&mut self, layout: Layout) -> *mut u8 {
        if layout.align() > PAGE {
            return null_mut();
        }
        let wanted = size_of_block(layout);
        let mut size = wanted;
        let block = loop {
            if let Some(block) = self.pop(size) {
                break block;
            }
            size = size.wrapping_add(1);
            if size >= SIZES {
                size = wanted.max(PAGE_SIZE);
                match self.pages.more(bytes(size)) {
                    Some(block) => break block.as_ptr(),
                    None => return null_mut(),
                }
            }
        };
        while size > wanted {
            size = size.wrapping_sub(1);
            // The upper half stays free.
            let half = block.wrapping_add(bytes(size));
            // SAFETY: the half lies in the block just taken, which is nobody else's.
            unsafe { self.push(half, size) };
        }
        block
    }

    /// Takes a block back.
    ///
    /// # Safety
    ///
    /// `block` was taken from this heap for a layout whose block has the same size, is in use by
    /// nobody, and is not given back twice.
    pub unsafe fn give(&mut self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller says so.
        unsafe { self.push(block, size_of_block(layout)) };
    }

    fn pop(&mut self, size: usize) -> Option<*mut u8> {
        let first = self.free.get_mut(size)?;
        let block = NonNull::new(*first)?;
        // SAFETY: what is on a list is free, so it begins with what `push` wrote there.
        *first = unsafe { block.as_ref() }.next;
        Some(block.as_ptr().cast())
    }

    /// # Safety
    ///
    /// `block` is a free block of this size, and on no list.
    #[expect(clippy::cast_ptr_alignment, reason = "a block is aligned to 16 bytes")]
    unsafe fn push(&mut self, block: *mut u8, size: usize) {
        if let Some(first) = self.free.get_mut(size) {
            let block = block.cast::<Free>();
            // SAFETY: the caller owns the block, which has room for an address and is aligned.
            unsafe { block.write(Free { next: *first }) };
            *first = block;
        }
    }
}

/// Whether both fit the same block, so that a change from one to the other need not move.
pub fn same_block(one: Layout, other: Layout) -> bool {
    size_of_block(one) == size_of_block(other)
}

/// Which size of block a layout needs: the power of two that neither its size nor its
/// alignment exceeds. A block lies at a multiple of its size, counted from where its pages begin.
fn size_of_block(layout: Layout) -> usize {
    let bytes = layout.size().max(layout.align()).max(SMALLEST);
    // No layout is larger than `isize::MAX`, so the next power of two exists.
    let log = bytes.next_power_of_two().trailing_zeros();
    (log as usize).wrapping_sub(SMALLEST.trailing_zeros() as usize)
}

fn bytes(size: usize) -> usize {
    SMALLEST << size
}

#[cfg(test)]
mod tests;
