// Memory of JavaScript outside of V8's heap: the contents of array buffers, and whatever else the engine reports as
// external. The linear memories of guests are external, too; they are left out, because C's half of a profile shows
// what is in them.

import { disposedMemoryBytes, openSandboxes } from '../sandbox/registry.ts';

/** Bytes in use by this thread's JavaScript, outside of V8's heap and of the guests. */
export interface ExternalMemory {
  readonly arrayBuffers: number;
  /** Compiled code, memories of other WebAssembly, compressors, large strings and the like. */
  readonly other: number;
}

/** Which of Node's figures have the memories of WebAssembly in them. It differs between versions of V8. */
interface Accounting {
  readonly external: boolean;
  readonly arrayBuffers: boolean;
}

const PAGE = 65_536;
let accounting: Accounting | null = null;

/** What is in use now. */
export function externalMemory(): ExternalMemory {
  accounting ??= findAccounting();
  const { external, arrayBuffers } = process.memoryUsage();
  const guests = guestBytes();
  const ofBuffers = Math.max(0, arrayBuffers - (accounting.arrayBuffers ? guests : 0));
  const all = Math.max(0, external - (accounting.external ? guests : 0));
  return { arrayBuffers: ofBuffers, other: Math.max(0, all - ofBuffers) };
}

/** Tries of the probe: a collection in the middle of one hides the memory that it makes. */
const PROBES = 5;

function findAccounting(): Accounting {
  const found = { external: false, arrayBuffers: false };
  for (let i = 0; i < PROBES; i++) {
    const before = process.memoryUsage();
    const { byteLength } = new WebAssembly.Memory({ initial: 1, maximum: 1 }).buffer;
    const after = process.memoryUsage();
    found.external ||= byteLength === PAGE && after.external - before.external >= PAGE;
    found.arrayBuffers ||= after.arrayBuffers - before.arrayBuffers >= PAGE;
  }
  return found;
}

function guestBytes(): number {
  let bytes = disposedMemoryBytes();
  for (const sandbox of openSandboxes()) bytes += sandbox.memory.buffer.byteLength;
  return bytes;
}
