// Run by deep-recursion.test.ts in a process with a large engine stack: allocates below 100,000 C frames and
// prints what the ledger made of it.

import { held, load, type ToolchainName } from './toolchains.ts';

const lib = await load(process.argv[2] as ToolchainName, 'library.c');
const returned = lib.exports.sink!(100_000);
const after = lib.exports.count!();
lib.exports.clear!();
lib.exports.sink!(5);
const stacks = Object.entries(held(lib)).map(([stack, bytes]) => [stack.slice(stack.indexOf('sink')), bytes]);
const { faults, contexts, inUseObjects } = lib.heap.stats();
const profile = lib.heap.profile({ kind: 'allocs' }).encode().length;
console.log(JSON.stringify({ returned, after, stacks, faults, contexts, inUseObjects, profile }));
