// The benchmark's clock: CPU time of this thread, in nanoseconds. Wall time would count the other programs of a
// shared machine, and process time V8's background compilers; both hide the few per cent that matter here.
// Node.js 20 has no function for it, but WASI does (clock id 3), so a guest of a hundred bytes asks for us.

/* (module
     (import "wasi_snapshot_preview1" "clock_time_get" (func $get (param i32 i64 i32) (result i32)))
     (memory (export "memory") 1)
     (func (export "_initialize"))
     (func (export "now") (result f64)
       (drop (call $get (i32.const 3) (i64.const 1) (i32.const 0)))
       (f64.convert_i64_s (i64.load (i32.const 0))))) */
const CLOCK_MODULE =
  'AGFzbQEAAAABDwNgA39+fwF/YAAAYAABfAIpARZ3YXNpX3NuYXBzaG90X3ByZXZpZXcxDmNsb2NrX3RpbWVfZ2V0AAADAwIBAgUDAQABBx4D' +
  'Bm1lbW9yeQIAC19pbml0aWFsaXplAAEDbm93AAIKFgICAAsRAEEDQgFBABAAGkEAKQMAuQs=';

async function openThreadClock(): Promise<() => number> {
  // node:wasi warns that it is experimental, which does not interest a reader of the table.
  const emitWarning = process.emitWarning;
  process.emitWarning = () => {};
  try {
    const { WASI } = await import('node:wasi');
    const wasi = new WASI({ version: 'preview1' });
    const module = new WebAssembly.Module(Buffer.from(CLOCK_MODULE, 'base64'));
    const instance = new WebAssembly.Instance(module, wasi.getImportObject() as WebAssembly.Imports);
    wasi.initialize(instance);
    return instance.exports.now as () => number;
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** CPU time of the calling thread in nanoseconds, from an arbitrary start. One call costs about 1 µs. */
export const threadTime: () => number = await openThreadClock();

/** Lets V8's background compilers have the processor for a while. */
export const rest = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));
