// Memory of JavaScript outside of V8's heap: the contents of array buffers, and whatever else the engine reports as
// external. The linear memories of guests are external, too; they are left out, because C's half of a profile shows
// what is in them.

import { disposedMemoryBytes, openSandboxes } from '../sandbox-registry.ts';

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

function findAccounting(): Accounting {
  const before = process.memoryUsage();
  const { byteLength } = new WebAssembly.Memory({ initial: 1, maximum: 1 }).buffer;
  const after = process.memoryUsage();
  return {
    external: byteLength === PAGE && after.external - before.external >= PAGE,
    arrayBuffers: after.arrayBuffers - before.arrayBuffers >= PAGE,
  };
}

function guestBytes(): number {
  let bytes = disposedMemoryBytes();
  for (const sandbox of openSandboxes()) bytes += sandbox.memory.buffer.byteLength;
  return bytes;
}
