// All sandboxes of this process that are open, so that a profile server finds them without being told. The list
// hangs on globalThis under a registered symbol: the package is loaded once as ESM and perhaps once more as
// CommonJS, its entries are bundles of their own, and all of them must see the same sandboxes. Entries are weak,
// so a sandbox that is forgotten without dispose() can still be collected.
//
// What a WeakRef was made of or has given stays until the event loop turns, and a loop that awaits nothing but modules
// known already never lets it turn. So the weak reference is to a small handle, which lets go of its sandbox when that
// is disposed of.

import type { WasmMemory } from '../binary/wasm-types.ts';
import type { Sandbox } from './sandbox.ts';

interface Handle {
  sandbox: Sandbox<object> | null;
}

interface Entry {
  readonly handle: WeakRef<Handle>;
  readonly instance: string;
}

/** Keeps each handle for as long as there is its sandbox, and finds its entry. */
const registered = new WeakMap<Sandbox<object>, { readonly handle: Handle; readonly entry: Entry }>();

/** Hears of sandboxes that come and go; what it throws is nobody's to catch. */
export interface SandboxWatcher {
  opened(sandbox: Sandbox<object>): void;
  /** Called while the sandbox can still be used. */
  disposing(sandbox: Sandbox<object>): void;
}

interface Registry {
  readonly entries: Set<Entry>;
  readonly watchers: Set<SandboxWatcher>;
  /** How many sandboxes of each name there have been. */
  readonly opened: Map<string, number>;
  /** Dead entries are cleared away when there are this many. */
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

/** Adds a watcher. @returns the function that takes it out again */
export function watchSandboxes(watcher: SandboxWatcher): () => void {
  const { watchers } = shared();
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

/** Takes a sandbox out. */
export function unregisterSandbox(sandbox: Sandbox<object>): void {
  const found = registered.get(sandbox);
  if (found === undefined) return;
  found.handle.sandbox = null;
  shared().entries.delete(found.entry);
}

/** Bytes of a linear memory that nobody uses any more. It holds no memory itself, for the reason given above. */
interface Remains {
  readonly bytes: number;
}

const remainsOf = new WeakMap<object, Remains>();
const REMAINS = Symbol.for('heapline.disposedMemories');

/** Remembers the memory of a sandbox that was disposed of, for as long as the engine has not collected it. */
export function rememberDisposed(memory: WasmMemory): void {
  const remains = { bytes: memory.buffer.byteLength };
  remainsOf.set(memory, remains);
  disposedMemories().add(new WeakRef(remains));
}

/** Bytes of the linear memories that wait for the engine to collect them. */
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
