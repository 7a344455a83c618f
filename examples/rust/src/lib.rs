//! A library with a leak. For wasm32-unknown-unknown, which has no C library, allocator.rs leads to Heapline's malloc.

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
mod allocator;

/// Returns the size of a box that it leaks.
#[no_mangle]
pub extern "C" fn boxed(size: usize) -> usize {
    let bytes = vec![7u8; size].into_boxed_slice();
    let leaked: &'static mut [u8] = Box::leak(bytes);
    leaked.iter().filter(|&&byte| byte == 7).count()
}
