//! All allocations of Rust become calls of malloc, which Heapline's library has.

use std::alloc::{GlobalAlloc, Layout};

extern "C" {
    fn aligned_alloc(alignment: usize, size: usize) -> *mut u8;
    fn realloc(block: *mut u8, size: usize) -> *mut u8;
    fn malloc(size: usize) -> *mut u8;
    fn free(block: *mut u8);
}

struct Heapline;

unsafe impl GlobalAlloc for Heapline {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= 16 { malloc(layout.size()) } else { aligned_alloc(layout.align(), layout.size()) }
    }
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if layout.align() <= 16 { return realloc(block, size); }
        let new = aligned_alloc(layout.align(), size);
        if !new.is_null() {
            std::ptr::copy_nonoverlapping(block, new, layout.size().min(size));
            free(block);
        }
        new
    }
    unsafe fn dealloc(&self, block: *mut u8, _: Layout) { free(block) }
}

#[global_allocator]
static ALLOCATOR: Heapline = Heapline;
