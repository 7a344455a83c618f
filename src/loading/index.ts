// The ways to a sandbox: from C sources, and from a module that was linked with the runtime.

export { compileC, type LoadCOptions, loadC, openC } from './load-c.ts';
export { type LoadWasmOptions, loadWasm, openWasm } from './load-wasm.ts';
