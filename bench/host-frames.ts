// The cost of host frames for an entry into C: an entry that allocates nothing, and an entry that allocates once (one
// capture of the JavaScript stack). Each is compared with the same module without host frames, and the empty one also
// with a bare WebAssembly function. Prints nanoseconds. To run only this file:
//   npx tsx bench/host-frames.ts [--quick]

import { fileURLToPath } from 'node:url';
import { loadC } from '../src/index.ts';
import { threadTime } from './clock.ts';
import { type Spread, spread } from './statistics.ts';

type Functions = {
  store(size: number): void;
  pure(a: number, b: number): number;
};

/* (module (func (export "pure") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)) */
const BARE = 'AGFzbQEAAAABBwFgAn9/AX8DAgEABwgBBHB1cmUAAAoJAQcAIAAgAWoL';

export interface HostFrameFigures {
  /** Nanoseconds that an entry which allocates nothing costs: bare function, host frames off, host frames on. */
  readonly emptyEntry: { readonly bare: Spread; readonly off: Spread; readonly on: Spread };
  /** Nanoseconds of an entry that allocates and frees one block, host frames off and on. */
  readonly allocatingEntry: { readonly off: Spread; readonly on: Spread };
}

function nanoseconds(times: number, call: (i: number) => void): number {
  const start = threadTime();
  for (let i = 0; i < times; i++) call(i);
  return (threadTime() - start) / times;
}

/** Measures both kinds of entry. */
export async function measureHostFrames(quick: boolean): Promise<HostFrameFigures> {
  const source = fileURLToPath(new URL('../test/serve/programs/callback.c', import.meta.url));
  const open = (hostFrames: 'allocating' | 'off') =>
    loadC<Functions>(source, {
      toolchain: 'clang',
      flags: ['-O2'],
      hostFrames,
      imports: { host: { visit() {} } },
    });
  const on = await open('allocating');
  const off = await open('off');
  const bare = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(BARE, 'base64'))).exports
    .pure as Functions['pure'];
  let sink = 0;
  const empty: Record<'bare' | 'off' | 'on', number[]> = { bare: [], off: [], on: [] };
  const allocating: Record<'off' | 'on', number[]> = { off: [], on: [] };
  const calls = quick ? 300_000 : 1_000_000;
  const blocks = quick ? 10_000 : 30_000;
  for (let round = 0; round < (quick ? 8 : 20); round++) {
    const { pure: pureOn } = on.exports;
    const { pure: pureOff } = off.exports;
    empty.bare.push(nanoseconds(calls, (i) => (sink += bare(i, sink))));
    empty.off.push(nanoseconds(calls, (i) => (sink += pureOff(i, sink & 0xffff))));
    empty.on.push(nanoseconds(calls, (i) => (sink += pureOn(i, sink & 0xffff))));
    allocating.off.push(nanoseconds(blocks, () => off.heap.free(off.heap.malloc(64))));
    allocating.on.push(nanoseconds(blocks, () => on.heap.free(on.heap.malloc(64))));
    sink &= 0xffff;
  }
  on.dispose();
  off.dispose();
  // V8 compiles in the first rounds.
  const settled = (samples: readonly number[]): Spread => spread(samples.slice(3));
  return {
    emptyEntry: { bare: settled(empty.bare), off: settled(empty.off), on: settled(empty.on) },
    allocatingEntry: { off: settled(allocating.off), on: settled(allocating.on) },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { emptyEntry, allocatingEntry } = await measureHostFrames(process.argv.includes('--quick'));
  const show = ({ median }: Spread): string => `${median.toFixed(1)} ns`;
  console.log(
    `entry without allocation      bare ${show(emptyEntry.bare)}, host frames off ${show(emptyEntry.off)}, on ${show(emptyEntry.on)}; ` +
      `cost ${(emptyEntry.on.median - emptyEntry.bare.median).toFixed(1)} ns, bar < 50 ns`,
  );
  console.log(
    `malloc and free by the host   host frames off ${show(allocatingEntry.off)}, on ${show(allocatingEntry.on)}; ` +
      `one capture ${(allocatingEntry.on.median - allocatingEntry.off.median).toFixed(0)} ns`,
  );
}
