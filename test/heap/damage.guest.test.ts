// Whatever a program writes over, questions about its heap are answered rightly or rejected, in time. Thousands of damaged
// memories (words, bits, floods, texts past the ends of blocks, records over other records; seeds are fixed) are asked in
// processes of their own (damage-run.ts), so that a process that hangs is noticed and reported with its seed.
//
// HEAPLINE_DAMAGE=100000 runs that many rounds, and HEAPLINE_FULL=1 more than every day.

import { spawn } from 'node:child_process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { FULL } from '../support/full.ts';

const loader = pathToFileURL(fileURLToPath(import.meta.resolve('tsx'))).href;
const runner = fileURLToPath(new URL('damage-run.ts', import.meta.url));
const rounds = Number(process.env.HEAPLINE_DAMAGE ?? (FULL ? 20_000 : 2_000));
/** A process that gives no sign of life (250 rounds) for so many milliseconds hangs. */
const PATIENCE = 120_000;

interface Result {
  readonly rounds: number;
  readonly outcomes: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** By region: questions whose answer changed, in agreement with all other answers. */
  readonly differing: Readonly<Record<string, number>>;
  readonly bad: readonly string[];
  readonly badCount: number;
  /** The longest answer, in milliseconds. */
  readonly slowest: number;
  /** The most memory that the process took, in bytes. */
  readonly most: number;
}

function run(first: number, count: number, large: number, mode: 'read' | 'work'): Promise<Result> {
  const args = ['--import', loader, runner, ...[first, count, large, mode].map(String)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  return new Promise((resolve, reject) => {
    let seed = first;
    let output = '';
    let errors = '';
    let timer: NodeJS.Timeout;
    const watch = () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        child.kill('SIGKILL');
        reject(new Error(`hangs between the seeds ${seed} and ${seed + 250} (${mode}, ${large} KB)`));
      }, PATIENCE);
    };
    watch();
    child.stdout.on('data', (data) => {
      watch();
      output += data;
      for (const line of output.split('\n').slice(0, -1)) seed = JSON.parse(line).seed ?? seed;
      output = output.slice(output.lastIndexOf('\n', output.length - 2) + 1);
    });
    child.stderr.on('data', (data) => {
      errors += data;
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      if (code !== 0) reject(new Error(`ended with ${code} after seed ${seed}\n${errors.slice(-2000)}`));
      else resolve(JSON.parse(output));
    });
  });
}

function show(title: string, { outcomes }: Result): void {
  if (process.env.HEAPLINE_DAMAGE === undefined) return;
  console.log(title);
  console.table(outcomes);
}

/** Sums of the outcomes over the regions. */
function totals({ outcomes }: Result): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const [row, counts] of Object.entries(outcomes)) {
    if (row.startsWith('as ')) continue;
    for (const [outcome, count] of Object.entries(counts)) sum[outcome] = (sum[outcome] ?? 0) + count;
  }
  return sum;
}

test('a damaged heap is read rightly or rejected with CorruptLedgerError, in bounded time and memory', async () => {
  const result = await run(1, rounds, 0, 'read');
  show('questions', result);
  expect(result.bad).toEqual([]);
  expect(result.badCount).toBe(0);
  expect(result.most).toBeLessThan(512 * 2 ** 20);
  const { right = 0, refused = 0, other = 0 } = totals(result);
  expect(right).toBeGreaterThan(rounds);
  expect(refused).toBeGreaterThan(rounds);
  // Facts that the runtime keeps only once cannot be judged: lifetimes, temporary blocks, call sites that became others.
  expect(other).toBeLessThan((right + refused + other) / 100);
});

test('and so is a large one, whose scan builds a graph', async () => {
  const result = await run(1, Math.ceil(rounds / 40), 3000, 'read');
  show('questions about a large heap', result);
  expect(result.bad).toEqual([]);
});

test('malloc and free over a damaged heap go on or trap, and end', async () => {
  const result = await run(1, Math.ceil(rounds / 4), 0, 'work');
  show('calls', result);
  expect(result.bad).toEqual([]);
  const { ends = 0, traps = 0, error = 0 } = totals(result);
  expect(ends + traps + error).toBe(result.rounds);
  expect(traps).toBeGreaterThan(0);
});
