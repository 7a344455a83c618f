// A library for wasm32-unknown-unknown with the allocator of Rust's library, in front of which a counter stands. It
// allocates in each way that Rust has: zeroed, aligned, grown, shrunk and dropped.

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

struct Counting;

static BYTES: AtomicUsize = AtomicUsize::new(0);
static BLOCKS: AtomicUsize = AtomicUsize::new(0);

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BYTES.fetch_add(layout.size(), Relaxed);
        BLOCKS.fetch_add(1, Relaxed);
        System.alloc(layout)
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        BYTES.fetch_add(layout.size(), Relaxed);
        BLOCKS.fetch_add(1, Relaxed);
        System.alloc_zeroed(layout)
    }
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        BYTES.fetch_sub(layout.size(), Relaxed);
        BYTES.fetch_add(size, Relaxed);
        System.realloc(block, layout, size)
    }
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size(), Relaxed);
        BLOCKS.fetch_sub(1, Relaxed);
        System.dealloc(block, layout)
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[repr(align(64))]
#[derive(Clone)]
struct Line([u8; 64]);

static mut KEPT: Vec<Box<dyn std::any::Any>> = Vec::new();

#[no_mangle]
pub extern "C" fn counted_bytes() -> usize { BYTES.load(Relaxed) }

#[no_mangle]
pub extern "C" fn counted_blocks() -> usize { BLOCKS.load(Relaxed) }

/// Returns a number that depends on the contents of all blocks.
#[no_mangle]
pub extern "C" fn work(rounds: usize) -> usize {
    let mut sum = 0usize;
    for round in 0..rounds {
        let zeroed = vec![0u8; 1000 + round];
        let mut grown: Vec<u32> = Vec::new();
        for each in 0..(round % 700) as u32 { grown.push(each * 3); }
        let mut lines = Vec::with_capacity(1);
        for each in 0..(round % 9) as u8 { lines.push(Line([each; 64])); }
        sum += lines.iter().filter(|line| *line as *const Line as usize % 64 == 0).count();
        let mut text = String::new();
        for each in 0..round % 50 { text.push_str(&each.to_string()); }
        text.shrink_to_fit();
        let words: HashMap<String, usize> = (0..round % 20).map(|at| (format!("{text}{at}"), at)).collect();
        sum += zeroed.iter().map(|&byte| byte as usize).sum::<usize>();
        sum += grown.iter().map(|&each| each as usize).sum::<usize>();
        sum += words.values().sum::<usize>() + text.len();
        if round % 3 == 0 { unsafe { KEPT.push(Box::new((zeroed, grown, lines, words))) } }
        if round % 30 == 29 { unsafe { KEPT.drain(0..5); } }
    }
    sum
}

#[no_mangle]
pub extern "C" fn lose(size: usize) { std::mem::forget(vec![1u8; size]); }
