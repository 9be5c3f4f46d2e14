//! The allocator of modules: a pointer that only moves on.
//!
//! A run starts from the module's first image and is over in well under a
//! millisecond, so what it frees need not be found again. Against the standard
//! library's allocator this saves 5 KB of code, a page of memory and most of the
//! work of an allocation. What was allocated last can be freed, and grows in
//! place: that is what strings and vectors under construction do. A module that
//! churns through more memory than its limit within one run switches the crate's
//! feature `bump` off.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::ptr;

const PAGE: usize = 1 << 16;

/// The free part of memory: `next..end`.
struct Bump {
    next: Cell<usize>,
    end: Cell<usize>,
}

// SAFETY: a module has one thread.
unsafe impl Sync for Bump {}

#[global_allocator]
static BUMP: Bump = Bump {
    next: Cell::new(0),
    end: Cell::new(0),
};

unsafe extern "C" {
    /// Where the linker's data ends.
    static __heap_base: u8;
}

impl Bump {
    /// Makes room for a block and takes it; `None` where memory cannot grow.
    #[cold]
    #[inline(never)]
    fn grow(&self, size: usize, align: usize) -> Option<usize> {
        if self.end.get() == 0 {
            self.next.set(&raw const __heap_base as usize);
            self.end.set(std::arch::wasm32::memory_size(0) * PAGE);
        } else {
            let pages = (size.checked_add(align)?).div_ceil(PAGE);
            let before = std::arch::wasm32::memory_grow(0, pages);
            if before == usize::MAX {
                return None;
            }
            let end = (before + pages).checked_mul(PAGE)?;
            // Somebody else may have grown memory meanwhile.
            if before * PAGE != self.end.get() {
                self.next.set(before * PAGE);
            }
            self.end.set(end);
        }
        self.take(size, align)
    }

    /// The address of a new block.
    fn take(&self, size: usize, align: usize) -> Option<usize> {
        let start = (self.next.get() + align - 1) & !(align - 1);
        match start.checked_add(size) {
            Some(top) if top <= self.end.get() => {
                self.next.set(top);
                Some(start)
            }
            _ => self.grow(size, align),
        }
    }
}

// SAFETY: every block lies inside memory, past the linker's data, and overlaps
// no other: `next` steps back only over the block that was given out last.
unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match self.take(layout.size(), layout.align()) {
            Some(start) => start as *mut u8,
            None => ptr::null_mut(),
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if block as usize + layout.size() == self.next.get() {
            self.next.set(block as usize);
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let end = block as usize + layout.size();
        let last = end == self.next.get();
        if size <= layout.size() {
            if last {
                self.next.set(block as usize + size);
            }
            return block;
        }
        if last && self.take(size - layout.size(), 1) == Some(end) {
            return block;
        }
        // SAFETY: `size` is a size that the caller may ask for with this
        // alignment, and both blocks hold the bytes copied.
        unsafe {
            let moved = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !moved.is_null() {
                ptr::copy_nonoverlapping(block, moved, layout.size());
            }
            moved
        }
    }
}
