// The process that bench/measures/access.ts measures, in one of several versions of Node.js: a program plain, tracked, and
// with all checks, side by side. Prints the samples as JSON. Arguments: the program's name, rounds, rounds of warm-up.

import '../src/node/install.ts';
import { readFileSync } from 'node:fs';
import { instrumentWithChecks } from '../src/access/index.ts';
import { instrument } from '../src/instrument/index.ts';
import { platform } from '../src/platform/index.ts';
import { QUARANTINE } from '../src/sandbox/sandbox-options.ts';
import { linkWasi } from './build.ts';
import { realPrograms } from './corpora.ts';
import { type Guest, type Runnable, runnable } from './guest.ts';
import { interleave, type Samples } from './interleave.ts';

/** What one process reports. */
export interface AccessSample {
  readonly node: string;
  /** `plain`, `tracked` and `checked`. */
  readonly samples: readonly Samples[];
  /** Bytes of code, before and after. */
  readonly code: readonly [plain: number, checked: number];
}

/** Most memory of a program with checks; the shadow takes an eighth of it. */
const MOST_MEMORY = 512 * 2 ** 20;

type SetChecks = (quarantine: number, shadow: number, bytes: number) => number;

/** Starts the quarantine and the checks in each new instance. */
function checking(module: Runnable, shadow: { readonly base: number; readonly bytes: number }): Runnable {
  return {
    open(): Guest {
      const guest = module.open();
      const set = guest.instance.exports.heapline_set_checks as SetChecks;
      if (set(QUARANTINE, shadow.base, shadow.bytes) === 0) throw new Error('the checks do not start');
      return guest;
    },
  };
}

async function measure(name: string, rounds: number, warmUp: number): Promise<AccessSample> {
  platform().heedBranchHints?.();
  const program = (await realPrograms('wasi')).find((each) => each.name === name);
  if (program === undefined) throw new Error(`there is no program ${name}`);
  const plain = await linkWasi(program, 'dlmalloc');
  const linked = await linkWasi(program, 'heapline');
  const bytes = readFileSync(linked.path);
  const checked = await instrumentWithChecks(bytes, { maxMemory: MOST_MEMORY });
  const { entry, scale } = program;
  const variants = new Map([
    ['plain', runnable(readFileSync(plain.path), plain, entry)],
    ['tracked', runnable(instrument(bytes).bytes, linked, entry)],
    ['checked', checking(runnable(checked.bytes, linked, entry), checked.shadow!)],
  ]);
  const samples = await interleave(variants, { rounds, budget: 20e9, maximalWarmUp: warmUp, scale });
  const { originalCodeSize, instrumentedCodeSize } = checked.statistics;
  return { node: process.versions.node, samples, code: [originalCodeSize, instrumentedCodeSize] };
}

const [name, rounds, warmUp] = process.argv.slice(2);
console.log(JSON.stringify(await measure(name!, Number(rounds), Number(warmUp))));
