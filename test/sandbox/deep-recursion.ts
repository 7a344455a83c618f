// Run by deep-recursion.guest.test.ts in a process with a large engine stack: allocates below 100,000 C frames and
// prints what the ledger says about them.

import type { Sandbox } from '../../src/index.ts';
import { held, load, type ToolchainName } from '../support/guest-programs.ts';

const toolchain = process.argv[2] as ToolchainName;
const lib = await load(toolchain, 'library.c');
const returned = lib.exports.sink!(100_000);
const after = lib.exports.count!();
lib.exports.clear!();
lib.exports.sink!(5);
const stacks = Object.entries(held(lib)).map(([stack, bytes]) => [stack.slice(stack.indexOf('sink')), bytes]);
const { faults, contexts, inUseObjects } = lib.heap.stats();
const profile = lib.heap.profile({ kind: 'allocs' }).encode().length;
lib.dispose();

// Entries beyond the last slot cannot be told from each other; the entries before have slots of their own.
const entries: Record<string, string[]> = {};
for (const beyond of [0, 1, 2, 5]) {
  let nested: Sandbox;
  function callBack(depth: number): number {
    if (depth === 0) return nested.heap.malloc(77);
    if (depth === 1) return nested.exports.inner!(77) as number;
    return nested.exports.plunge!(depth % 3, depth - 1) as number;
  }
  function between(): number {
    return nested.exports.plunge!(11_000, beyond) as number;
  }
  function enter(): void {
    nested.exports.plunge!(20, -1);
  }
  const host_call = (depth: number): number => (depth === -1 ? between() : callBack(depth));
  nested = await load(toolchain, 'callback.c', { imports: { env: { host_call } } });
  enter();
  const [stack] = Object.keys(held(nested));
  const names = stack!
    .split(';')
    .filter((name) => /^(enter|between|callBack|host_call|.truncated.)$/.test(name));
  entries[beyond] = names;
  nested.dispose();
}
console.log(JSON.stringify({ returned, after, stacks, faults, contexts, inUseObjects, profile, entries }));
