// All open sandboxes of this process, so that a profile server finds them without being told. The list is a property of
// globalThis under a registered symbol: the package may be loaded once as ESM and once more as CommonJS, its entries
// are separate bundles, and all of them must see the same sandboxes. The list is made when the first sandbox opens, or
// when somebody first asks for it. Its references are weak, so a sandbox that is forgotten without dispose() can still
// be collected.
//
// The target of a WeakRef stays alive until the event loop turns if the WeakRef was made or read in this turn, and a
// loop that awaits only modules that are already loaded never lets the event loop turn. Therefore the weak reference
// points to a small handle, and dispose() removes the sandbox from the handle.

import type { WasmMemory } from '../binary/wasm-types.ts';
import type { Sandbox } from './sandbox.ts';

interface Handle {
  sandbox: Sandbox<object> | null;
}

interface Entry {
  readonly handle: WeakRef<Handle>;
  readonly instance: string;
}

/** Keeps each handle as long as its sandbox exists, and finds the entry of a sandbox. */
const registered = new WeakMap<Sandbox<object>, { readonly handle: Handle; readonly entry: Entry }>();

/** Is told of sandboxes that open and close. Nobody catches what it throws. */
export interface SandboxWatcher {
  opened(sandbox: Sandbox<object>): void;
  /** Called while the sandbox can still be used. */
  disposing(sandbox: Sandbox<object>): void;
}

interface Registry {
  readonly entries: Set<Entry>;
  readonly watchers: Set<SandboxWatcher>;
  /** How many sandboxes of each name have been opened. */
  readonly opened: Map<string, number>;
  /** Entries of collected sandboxes are removed when the list has this many entries. */
  sweepAt: number;
}

const KEY = Symbol.for('heapline.sandboxes');
const FIRST_SWEEP = 64;

/**
 * Adds a sandbox.
 * @returns its instance name: the module's name, with a number for the second and later ones of that name. It is
 *   the same in every run of a program that opens its sandboxes in the same order, so profiles can be compared.
 */
export function registerSandbox(sandbox: Sandbox<object>, name: string): string {
  const registry = shared();
  const number = (registry.opened.get(name) ?? 0) + 1;
  registry.opened.set(name, number);
  const instance = number === 1 ? name : `${name}#${number}`;
  const handle = { sandbox };
  const entry = { handle: new WeakRef(handle), instance };
  registered.set(sandbox, { handle, entry });
  registry.entries.add(entry);
  if (registry.entries.size >= registry.sweepAt) {
    registry.sweepAt = Math.max(FIRST_SWEEP, 2 * openSandboxes().length);
  }
  for (const watcher of registry.watchers) watcher.opened(sandbox);
  return instance;
}

/** Tells the watchers that a sandbox is about to be disposed of. */
export function announceDisposal(sandbox: Sandbox<object>): void {
  for (const watcher of shared().watchers) watcher.disposing(sandbox);
}

/** Adds a watcher. @returns the function that removes it */
export function watchSandboxes(watcher: SandboxWatcher): () => void {
  const { watchers } = shared();
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

/** Removes a sandbox from the list. */
export function unregisterSandbox(sandbox: Sandbox<object>): void {
  const found = registered.get(sandbox);
  if (found === undefined) return;
  found.handle.sandbox = null;
  shared().entries.delete(found.entry);
}

/**
 * Size of a linear memory that nobody uses any more. This object does not refer to the memory itself, because a WeakRef
 * to the memory would keep it alive (see above).
 */
interface Remains {
  readonly bytes: number;
}

const remainsOf = new WeakMap<object, Remains>();
const REMAINS = Symbol.for('heapline.disposedMemories');

/** Remembers the memory of a disposed sandbox until the engine has collected it. */
export function rememberDisposed(memory: WasmMemory): void {
  const remains = { bytes: memory.buffer.byteLength };
  remainsOf.set(memory, remains);
  disposedMemories().add(new WeakRef(remains));
}

/** Total size in bytes of the linear memories that the engine has not collected yet. */
export function disposedMemoryBytes(): number {
  const memories = disposedMemories();
  let bytes = 0;
  for (const reference of memories) {
    const remains = reference.deref();
    if (remains === undefined) memories.delete(reference);
    else bytes += remains.bytes;
  }
  return bytes;
}

function disposedMemories(): Set<WeakRef<Remains>> {
  const holder = globalThis as { [REMAINS]?: Set<WeakRef<Remains>> };
  holder[REMAINS] ??= new Set();
  return holder[REMAINS];
}

/** The open sandboxes, in the order in which they were opened. */
export function openSandboxes(): Sandbox<object>[] {
  const { entries } = shared();
  const open: Sandbox<object>[] = [];
  for (const entry of entries) {
    const sandbox = entry.handle.deref()?.sandbox ?? null;
    if (sandbox === null) entries.delete(entry);
    else open.push(sandbox);
  }
  return open;
}

function shared(): Registry {
  const holder = globalThis as { [KEY]?: Registry };
  holder[KEY] ??= { entries: new Set(), watchers: new Set(), opened: new Map(), sweepAt: FIRST_SWEEP };
  return holder[KEY];
}
