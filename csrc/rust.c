/* What a module that Rust's compiler links needs beside the runtime. The archive libheapline.a has both. */

/* Rust links programs as WASI commands. The linker puts a function that runs all constructors in place of each export of a
 * command, unless some object calls the constructors itself, as this one does. A library for WASI brings an _initialize of
 * its own, which then takes the place of this one. */
extern void __wasm_call_ctors(void);

__attribute__((weak)) void _initialize(void) { __wasm_call_ctors(); }

/* The target wasm32-unknown-unknown has no libc, and the runtime sets this variable. */
__attribute__((weak)) int errno;
