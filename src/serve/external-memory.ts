// JavaScript's memory outside of V8's heap: the contents of array buffers, and everything else that the engine
// reports as external. The linear memories of guests are external, too. They are left out here, because C's half of a
// profile already shows what they contain.

import { disposedMemoryBytes, openSandboxes } from '../sandbox/index.ts';

/** Bytes that this thread's JavaScript uses outside of V8's heap and outside of the guests. */
export interface ExternalMemory {
  readonly arrayBuffers: number;
  /** Compiled code, memories of other WebAssembly modules, compressors, large strings and so on. */
  readonly other: number;
}

/** Which of Node's figures include the memories of WebAssembly. Versions of V8 differ in this. */
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

/** Number of probes. A garbage collection during a probe can hide the memory that the probe allocates. */
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
