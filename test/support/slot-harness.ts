// Runs an instrumented module and compares the slots with the engine's own stack at every call of the
// allocation family. The engine's stack consists of the wasm frames of an Error that is made in a host
// function, which the runtime calls. The offset map translates the file offset of each frame. The test fails
// if the two do not name the same calls.

import { ExternalKind, readModule } from '../../src/binary/index.ts';
import { ALLOCATION_FAMILY } from '../../src/frames/index.ts';
import { type InstrumentedModule, instrument } from '../../src/instrument/index.ts';
import { ABI_VERSION, RUNTIME_TOP, SITE_HOST_PENDING, SLOT_SIZE } from '../../src/runtime/layout.ts';

type Imports = Record<string, Record<string, WebAssembly.ImportValue>>;
type Callable = (...values: unknown[]) => unknown;

/** One call of the family: the slots and the frames of V8, innermost first. Entries from the host are null. */
export interface Sighting {
  readonly slots: readonly (number | null)[];
  readonly frames: readonly (number | null)[];
}

export class Harness {
  readonly instrumented: InstrumentedModule;
  readonly instance: WebAssembly.Instance;
  readonly sightings: Sighting[] = [];
  readonly #sinks: ReadonlySet<number>;

  constructor(original: Uint8Array, imports: (harness: Harness) => Imports = () => ({})) {
    this.instrumented = instrument(original);
    const family = readModule(original).exports.filter(
      ({ kind, name }) => kind === ExternalKind.Function && ALLOCATION_FAMILY.includes(name),
    );
    this.#sinks = new Set(family.map(({ index }) => index));
    const all = { heapline: { trace: () => this.#record() }, ...imports(this) };
    this.instance = new WebAssembly.Instance(
      new WebAssembly.Module(Uint8Array.from(this.instrumented.bytes)),
      all,
    );
  }

  call(name: string, ...values: unknown[]): unknown {
    return (this.instance.exports[name] as Callable)(...values);
  }

  get memory(): DataView {
    return new DataView((this.instance.exports.memory as WebAssembly.Memory).buffer);
  }

  /** Depth of the shadow stack; 0 if no frame is active. */
  get depth(): number {
    return (this.#top - this.instrumented.shadowAddress) / SLOT_SIZE;
  }

  get #top(): number {
    return this.memory.getUint32(this.instrumented.runtimeAddress + RUNTIME_TOP, true);
  }

  /** Resets `top`, as the host does at depth 0 after an exception or a trap. */
  reset(): void {
    const { runtimeAddress, shadowAddress } = this.instrumented;
    this.memory.setUint32(runtimeAddress + RUNTIME_TOP, shadowAddress, true);
  }

  #record(): void {
    const { memory } = this;
    const slots: (number | null)[] = [];
    for (let slot = this.#top; slot > this.instrumented.shadowAddress; slot -= SLOT_SIZE) {
      const site = memory.getUint32(slot, true);
      slots.push(site === SITE_HOST_PENDING ? null : site);
    }
    const frames: (number | null)[] = [];
    for (const line of wholeStack().split('\n')) {
      const match = /wasm-function\[(\d+)\]:0x([0-9a-f]+)/.exec(line);
      if (match === null || this.#sinks.has(Number(match[1]))) continue;
      frames.push(this.instrumented.offsets.toOriginal(Number.parseInt(match[2]!, 16)));
    }
    this.sightings.push({ slots, frames });
  }
}

/** V8's stack with all of its frames. */
export function wholeStack(): string {
  const limit = Error.stackTraceLimit;
  try {
    Error.stackTraceLimit = Number.POSITIVE_INFINITY;
    return new Error('stack').stack!;
  } finally {
    Error.stackTraceLimit = limit;
  }
}

/** A runtime in text form, for modules in text form. The rest of the module follows it. */
export const TEXT_RUNTIME = `
  (import "heapline" "trace" (func $trace (param i32 i32 i32)))
  (memory (export "memory") 4)
  (global (export "heapline_runtime") i32 (i32.const 1024))
  (global (export "heapline_shadow") i32 (i32.const 4096))
  (data (i32.const 1024) "HEAP\\0${ABI_VERSION}\\00\\00\\00\\00\\10\\00\\00")
  (global $next (mut i32) (i32.const 196608))
  (func $malloc (export "malloc") (param i32) (result i32)
    (call $trace (global.get $next) (local.get 0) (i32.const 0))
    (global.get $next)
    (global.set $next (i32.add (global.get $next) (local.get 0))))
  (func $free (export "free") (param i32) (call $trace (local.get 0) (i32.const 0) (i32.const 1)))
`;
