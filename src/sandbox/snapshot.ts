// Snapshots of a sandbox: all that its guest consists of, at a moment when none of its functions is active. That is the
// linear memory with the heap and its ledger, globals, tables, files and descriptors, and what the host keeps about them.
// Restoring copies all of it back, so that the same calls lead to the same addresses, contents and reports.

import type { WasmExports } from '../binary/wasm-types.ts';
import { InvalidArgumentError, StateError, UnsupportedModuleError } from '../errors.ts';
import type { ShadowPlace } from '../instrument/index.ts';
import { runtimeFunctions } from '../runtime/index.ts';
import * as layout from '../runtime/layout.ts';
import type { Session } from './session.ts';

/** The state of a sandbox at one moment, for sandbox.restore(). It keeps a copy of the memory. */
export class SandboxSnapshot {
  /** @internal The session that it belongs to. */
  readonly owner: object;
  /** @internal Puts the state back. */
  readonly put: () => void;

  /** @internal Use sandbox.snapshot(). */
  constructor(
    owner: object,
    put: () => void,
    /** Size of the linear memory in bytes. */
    readonly memoryBytes: number,
  ) {
    this.owner = owner;
    this.put = put;
  }
}

/** Saves the state of a session. */
export function snapshotOf(session: Session): SandboxSnapshot {
  checkQuiet(session, 'snapshot');
  const { subject, guest, boundary, ledger, events, leaks, peaks, program, requests, timeline } = session;
  const { hidden, names } = subject.module.mutableGlobals;
  if (hidden > 0) {
    throw new UnsupportedModuleError(
      `${subject.name} was instrumented by an older version, and has ${hidden} mutable globals that it does not export: ` +
        'a snapshot cannot save them. Instrument it again.',
    );
  }
  const { traps } = leaks;
  const parts = [
    guest.save(),
    boundary.loop.save(),
    peaks.save(),
    savedMemory(session),
    savedGlobals(guest.exports, names),
    ...savedTables(guest.exports),
    boundary.stdin.save(),
    boundary.stdout.save(),
    boundary.stderr.save(),
    ledger.save(),
    events.save(),
    leaks.held.save(),
    requests.save(),
    program.save(),
    ...(timeline === null ? [] : [timeline.save()]),
  ];
  const put = (): void => {
    for (const restore of parts) restore();
    leaks.traps = traps;
  };
  return new SandboxSnapshot(session, put, guest.memory.buffer.byteLength);
}

/** Restores the state of a session. */
export function restoreTo(session: Session, snapshot: unknown): void {
  if (!(snapshot instanceof SandboxSnapshot)) {
    throw new InvalidArgumentError(
      'snapshot',
      'restore() takes what snapshot() of the same sandbox returned.',
    );
  }
  if (snapshot.owner !== session) {
    throw new InvalidArgumentError(
      'snapshot',
      `The snapshot is not one of ${session.subject.name}: restore the other sandbox.`,
    );
  }
  checkQuiet(session, 'restore');
  snapshot.put();
}

function checkQuiet({ gate, subject: { name } }: Session, call: string): void {
  if (gate.entry === null) return;
  throw new StateError(
    `${call}() of ${name} was called while one of its functions is running: what is on the stacks of the engine cannot be ` +
      `saved. Call it when the function has returned.`,
  );
}

function savedMemory({ guest, subject }: Session): () => void {
  const { shadow } = subject.module.instrumented;
  const now = new Uint8Array(guest.memory.buffer);
  const size = now.length;
  const saved = usedRanges(size, shadow).map(([start, end]) => ({ start, bytes: now.slice(start, end) }));
  const { heapline_memory_returned } = runtimeFunctions(guest.exports);
  return () => {
    const bytes = new Uint8Array(guest.memory.buffer);
    const grown = bytes.length > size;
    if (grown && heapline_memory_returned === undefined) {
      throw new UnsupportedModuleError(
        `${subject.name} does not export heapline_memory_returned, and its memory has grown since the snapshot: link it ` +
          'with the flags that `heapline link-flags` prints.',
      );
    }
    for (const { start, bytes: kept } of saved) bytes.set(kept, start);
    if (!grown) return;
    bytes.fill(0, size);
    if (shadow !== null) bytes.fill(0, shadowOf(shadow, size), shadowOf(shadow, bytes.length));
    heapline_memory_returned!(size);
  };
}

/**
 * The parts of a memory of `size` bytes that something may have written to. A shadow has a byte for each granule of the
 * most memory that there may be, and nothing writes to those that stand for memory that is not there yet, or for itself.
 */
function usedRanges(size: number, shadow: ShadowPlace | null): (readonly [start: number, end: number])[] {
  if (shadow === null) return [[0, size]];
  const { base, bytes } = shadow;
  const ranges = [
    [0, shadowOf(shadow, base)],
    [shadowOf(shadow, base + bytes), shadowOf(shadow, size)],
    [base + bytes, size],
  ] as const;
  return ranges.filter(([start, end]) => start < end);
}

/** Where the shadow of an address lies; the end of the shadow for addresses that have none. */
function shadowOf({ base, bytes }: ShadowPlace, address: number): number {
  return base + Math.min(bytes, Math.ceil(address / layout.SHADOW_GRANULE));
}

function savedGlobals(exports: WasmExports, names: readonly string[]): () => void {
  const saved = names.map((name) => {
    const global = exports[name] as WebAssembly.Global;
    try {
      return { global, value: global.value as unknown };
    } catch (cause) {
      throw new UnsupportedModuleError(
        `The global ${name} is a vector, which JavaScript cannot read: a snapshot cannot save it.`,
        { cause },
      );
    }
  });
  return () => {
    for (const { global, value } of saved) global.value = value;
  };
}

function savedTables(exports: WasmExports): (() => void)[] {
  const tables = new Set(Object.values(exports).filter((value) => value instanceof WebAssembly.Table));
  // Glue may have replaced the methods of a table by its own.
  const { get, set } = WebAssembly.Table.prototype;
  return [...tables].map((table) => {
    const saved = Array.from({ length: table.length }, (_, index): unknown => get.call(table, index));
    return () => {
      for (let index = 0; index < table.length; index++) {
        // A table cannot become shorter.
        const value = saved[index] ?? null;
        if (get.call(table, index) !== value) set.call(table, index, value);
      }
    };
  });
}
