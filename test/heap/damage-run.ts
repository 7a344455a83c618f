// A process of its own for test/heap/damage.guest.test.ts: writes over the memory of a guest again and again, asks
// everything that can be asked about its heap, and counts the kinds of answers. It prints JSON, with a line of
// progress every few rounds, so that the test can tell where a process that hangs was.
//
// Arguments: first seed, number of rounds, KB that the heap is larger, 'read' or 'work'.

import { threadTime } from '../../bench/clock.ts';
import { layout as L } from '../../src/heap/index.ts';
import {
  CorruptLedgerError,
  type Frame,
  HeaplineError,
  LeakError,
  loadC,
  TrapError,
} from '../../src/index.ts';
import { randomFrom } from '../support/random.ts';

type Functions = { build(large: number): void; work(seed: number): number };

const [firstSeed, rounds, large, mode] = [
  Number(process.argv[2]),
  Number(process.argv[3]),
  Number(process.argv[4]),
  process.argv[5],
];

const lib = await loadC<Functions>(new URL('damage.c', import.meta.url).pathname, {
  toolchain: 'clang',
  flags: ['-O1', '-fno-optimize-sibling-calls'],
  link: ['-Wl,-z,stack-size=65536'],
  hostFrames: 'off',
});
lib.exports.build(large * 4);
if (large > 0) lib.heap.free(lib.heap.malloc(2 ** 21)); // room for the graph of the scan

const { heap } = lib;
let bytes = new Uint8Array(lib.memory.buffer);
let words = new Uint32Array(lib.memory.buffer);
const runtime = words.indexOf(L.MAGIC) * 4;
const word = (address: number): number => words[address / 4]!;

// -- where things are -------------------------------------------------------------------------------------------

type Region = readonly (readonly [start: number, end: number])[];

function chunks(first: number, size: number): [number, number][] {
  const found: [number, number][] = [];
  for (let at = word(runtime + first); at !== 0; at = word(at + L.CHUNK_NEXT)) {
    found.push([at, at + L.CHUNK_ENTRIES + word(at + L.CHUNK_USED) * size]);
  }
  return found;
}

const nodeChunks = chunks(L.RUNTIME_FIRST_CHUNK, L.NODE_SIZE);
const budChunks = chunks(L.RUNTIME_FIRST_BUD_CHUNK, L.BUD_SIZE);
const spanChunks = chunks(L.RUNTIME_FIRST_SPAN_CHUNK, L.SPAN_SIZE);
const entries = (list: [number, number][], size: number): number[] =>
  list.flatMap(([start, end]) => {
    const found: number[] = [];
    for (let at = start + L.CHUNK_ENTRIES; at < end; at += size) found.push(at);
    return found;
  });
const accounts = [...entries(nodeChunks, L.NODE_SIZE), ...entries(budChunks, L.BUD_SIZE)]
  .filter((node) => word(node + L.NODE_SITE) >>> 30 !== L.SITE_BUD >>> 30)
  .map((node) => word(node + L.NODE_LINK))
  .filter((link) => (link & L.NODE_LINK_ACCOUNT) !== 0)
  .map((link): [number, number] => [link - L.NODE_LINK_ACCOUNT, link - L.NODE_LINK_ACCOUNT + L.ACCOUNT_SIZE]);
const spans = entries(spanChunks, L.SPAN_SIZE).filter(
  (span) => word(span + L.SPAN_STATE) !== L.SPAN_STATE_FREE,
);
const metadata = spans.map((span): [number, number] => {
  const start = word(span + L.SPAN_METADATA);
  return [start, start + word(span + L.SPAN_BLOCKS) * L.BLOCK_SIZE];
});
const blocks = [...heap.blocks()];
const shadow = word(runtime + L.RUNTIME_TOP); // no frame is active

/** The page map names the first span at the number of its page. */
function pageMap(): [number, number] {
  const span = spans.find((each) => word(each + L.SPAN_STATE) === L.SPAN_STATE_LARGE)!;
  const page = word(span + L.SPAN_BASE) >>> 12;
  for (let at = 0; at < words.length; at++) {
    if (words[at] !== span || words[at + 1] !== span || words[at + 2] !== span) continue;
    const map = at * 4 - page * 4;
    if (map > 0 && map % 4096 === 64) return [map, map + (bytes.length >>> 12) * 4];
  }
  throw new Error('no page map');
}

const regions: Record<string, Region> = {
  header: [[runtime, runtime + L.RUNTIME_IGNORED_COUNT + 4]],
  // The runtime's two variables and their neighbours, among them variables of the program and of libc.
  'static data': [
    [runtime, runtime + 16384],
    [nodeChunks[0]![0], nodeChunks[0]![0] + 4096],
    [shadow + L.SHADOW_SLOTS * L.SLOT_SIZE, shadow + L.SHADOW_SLOTS * L.SLOT_SIZE + 16384],
  ],
  spans: spans.map((span) => [span, span + L.SPAN_SIZE]),
  'free runs': entries(spanChunks, L.SPAN_SIZE)
    .filter((span) => !spans.includes(span))
    .map((span) => [span, span + L.SPAN_SIZE]),
  'page map': [pageMap()],
  metadata,
  nodes: nodeChunks,
  buds: budChunks,
  accounts,
  'shadow stack': [[shadow, shadow + 64 * L.SLOT_SIZE]],
  'fault records': [
    [word(runtime + L.RUNTIME_FAULT_RING), word(runtime + L.RUNTIME_FAULT_RING) + 4 * L.FAULT_SIZE],
  ],
  'behind blocks': blocks.map(({ address, size, capacity }) => [address + size, address + capacity + 64]),
  'before blocks': blocks.map(({ address }) => [address - 64, address]),
};
const names = Object.keys(regions);
/** Regions that only the runtime uses: the blocks that the program can reach do not depend on them. */
const ledgerOnly = new Set([
  'header',
  'spans',
  'free runs',
  'page map',
  'metadata',
  'nodes',
  'buds',
  'accounts',
  'shadow stack',
  'fault records',
]);

// -- writing over -----------------------------------------------------------------------------------------------

const TEXT = new TextEncoder().encode('the quick brown fox jumps over the lazy dog; '.repeat(8));
const kinds = ['word', 'pointer', 'bit', 'flood', 'text', 'copy'] as const;

interface Damage {
  readonly region: string;
  readonly kind: (typeof kinds)[number];
  /** Whether only memory of the runtime was written. */
  readonly inLedger: boolean;
}

function writeOver(seed: number): Damage {
  const random = randomFrom(seed);
  const region = names[random(names.length)]!;
  const kind = kinds[random(kinds.length)]!;
  const place = (): [number, number] => {
    const pieces = regions[region]!;
    const [start, end] = pieces[random(pieces.length)]!;
    return [start + random(Math.max(end - start, 1)), end];
  };
  const [at, end] = place();
  const aligned = at & ~3;
  let inLedger = ledgerOnly.has(region);
  switch (kind) {
    case 'word': {
      const values = [0, 0xffffffff, random(2 ** 32), random(64), word(aligned) + 1, word(aligned) - 1];
      words[aligned / 4] = values[random(values.length)]!;
      break;
    }
    case 'pointer':
      // A word of the same kind, which makes as much sense as possible in another place.
      words[aligned / 4] = word(place()[0] & ~3);
      break;
    case 'bit':
      bytes[at]! ^= 1 << random(8);
      break;
    case 'flood': {
      const length = 2 ** (2 + random(12)) + random(16);
      inLedger &&= at + length <= end;
      bytes.fill([0, 0xff, 0x43, random(256)][random(4)]!, at, at + length);
      break;
    }
    case 'text': {
      const length = 1 + random(TEXT.length);
      inLedger &&= at + length <= end;
      bytes.set(TEXT.subarray(0, Math.min(length, bytes.length - at)), Math.min(at, bytes.length - 1));
      break;
    }
    case 'copy': {
      const from = place()[0];
      const length = 4 * (1 + random(32));
      inLedger &&= at + length <= end;
      bytes.copyWithin(aligned, from & ~3, (from & ~3) + length);
      break;
    }
  }
  return { region, kind, inLedger };
}

// -- asking -----------------------------------------------------------------------------------------------------

const sum = (column: Float64Array): number => column.reduce((a, b) => a + b, 0);
const text = (frames: readonly Frame[]): string =>
  frames.map(({ function: f, line }) => `${f}:${line}`).join(' ');

/** The figures in the answers of one round, which must not contradict each other. */
interface Figures {
  objects?: number;
  bytes?: number;
}

type Answer = { readonly text: string; readonly figures?: Figures };

const stats = (): Answer => {
  const now = heap.stats();
  return { text: JSON.stringify(now), figures: { objects: now.inUseObjects, bytes: now.inUseBytes } };
};
const questions: Record<string, () => Answer> = {
  stats,
  snapshot: () => {
    const shot = heap.snapshot();
    const { totals } = shot;
    const pairs = [
      [sum(shot.allocObjects), totals.allocObjects],
      [sum(shot.allocBytes), totals.allocBytes],
      [sum(shot.peakObjects), totals.peakObjects],
      [sum(shot.peakBytes), totals.peakBytes],
      [sum(shot.liveObjects), totals.liveObjects],
      [sum(shot.liveBytes), totals.liveBytes],
      [shot.count, totals.contexts],
    ];
    for (const [a, b] of pairs) if (a !== b) throw new Contradiction(`snapshot: ${a}, ${b}`);
    const { takenAt: _, ...rest } = shot;
    const figures = { objects: totals.liveObjects, bytes: totals.liveBytes };
    return { text: JSON.stringify(rest), figures };
  },
  blocks: () => {
    const figures = { objects: 0, bytes: 0 };
    let all = '';
    for (const { address, size, context } of heap.blocks()) {
      figures.objects++;
      figures.bytes += size;
      all += `${address} ${size} ${context};`;
    }
    return { text: all, figures };
  },
  leaks: () => {
    const report = heap.leaks();
    const { total } = report;
    const records = report.records.map(
      ({ kind, blocks, bytes, frames }) => `${kind} ${blocks} ${bytes} ${text(frames)}`,
    );
    return { text: records.join('\n'), figures: { objects: total.blocks, bytes: total.bytes } };
  },
  faults: () => ({ text: JSON.stringify([heap.faults(), heap.failures()]) }),
};
for (const kind of ['heap', 'allocs', 'peak', 'temporary', 'lifetime'] as const) {
  questions[kind] = () => {
    const profile = heap.profile({ kind });
    profile.encode();
    return { text: profile.folded() };
  };
}
questions.scope = () => {
  const { allocated, peak, leaks } = heap.scope(() => {});
  return { text: JSON.stringify([allocated, peak, leaks.totals]) };
};
questions.since = () => ({ text: JSON.stringify(heap.leaksSince(heap.mark()).totals) });
questions.growth = () => {
  const { contexts, inUseBytes } = heap.growth(() => {}, { warmup: 0, runs: 2 });
  return { text: JSON.stringify([contexts, inUseBytes]) };
};
questions.assert = () => {
  try {
    heap.assertNoLeaks();
    return { text: '' };
  } catch (error) {
    if (error instanceof LeakError) return { text: String(error.report.records.length) };
    throw error;
  }
};
const contexts = [...heap.snapshot().node].filter((node) => node !== 0);
questions.frames = () => ({
  text: contexts
    .filter((_, index) => index % 16 === 3)
    .map((node) => text(heap.contextFrames(node)))
    .join('\n'),
});

class Contradiction extends Error {}

/** Questions that are asked in every round. The others take turns. */
const always = ['stats', 'snapshot', 'blocks', 'leaks', 'faults'];
const turns = Object.keys(questions).filter((name) => !always.includes(name));

const tell = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const before = new Map(Object.entries(questions).map(([name, ask]) => [name, ask()]));
const image = new Uint8Array(lib.memory.buffer.slice(0));

function restore(): void {
  bytes = new Uint8Array(lib.memory.buffer);
  words = new Uint32Array(lib.memory.buffer);
  bytes.set(image);
  if (bytes.length > image.length) bytes.fill(0, image.length);
}

const outcomes: Record<string, Record<string, number>> = {};
const differing: Record<string, number> = {};
const bad: string[] = [];
let slowest = 0;
let most = 0;

function note({ region, kind }: Damage, outcome: string): void {
  for (const row of [region, `as ${kind}`]) {
    outcomes[row] ??= {};
    outcomes[row][outcome] = (outcomes[row][outcome] ?? 0) + 1;
  }
}

function judge(seed: number, damage: Damage, name: string, figures: Figures[]): string {
  const started = threadTime() / 1e6;
  try {
    const answer = questions[name]!();
    if (answer.figures !== undefined) figures.push(answer.figures);
    const was = before.get(name)!;
    if (answer.text === was.text) return 'right';
    // When the program's own memory was written, other blocks can be reached than before. Then only the sums must be
    // right.
    const sums = JSON.stringify(answer.figures) === JSON.stringify(was.figures);
    if (!damage.inLedger && sums) return 'right';
    differing[`${name}, ${damage.region}`] = (differing[`${name}, ${damage.region}`] ?? 0) + 1;
    return 'other';
  } catch (error) {
    if (error instanceof CorruptLedgerError) return 'refused';
    if (error instanceof Contradiction) bad.push(`seed ${seed}: ${name}: ${error.message}`);
    else bad.push(`seed ${seed} (${damage.region}, ${damage.kind}): ${name}: ${(error as Error).stack}`);
    return 'bad';
  } finally {
    const took = threadTime() / 1e6 - started;
    if (took > slowest) slowest = took;
    if (took > 2000) bad.push(`seed ${seed}: ${name} took ${took} ms`);
  }
}

function read(seed: number): void {
  const damage = writeOver(seed);
  const figures: Figures[] = [];
  for (const name of [...always, turns[seed % turns.length]!]) {
    note(damage, judge(seed, damage, name, figures));
  }
  const distinct = new Set(figures.map(({ objects, bytes }) => `${objects} ${bytes}`));
  if (distinct.size > 1) bad.push(`seed ${seed} (${damage.region}): ${[...distinct].join(', ')}`);
}

function work(seed: number): void {
  const damage = writeOver(seed);
  const started = threadTime() / 1e6;
  try {
    lib.exports.work(seed & 0xff);
    note(damage, 'ends');
  } catch (error) {
    note(damage, error instanceof TrapError ? 'traps' : 'error');
    if (!(error instanceof HeaplineError)) bad.push(`seed ${seed}: ${(error as Error).stack}`);
  }
  const took = threadTime() / 1e6 - started;
  if (took > slowest) slowest = took;
  if (took > 2000) bad.push(`seed ${seed}: work took ${took} ms`);
}

for (let seed = firstSeed; seed < firstSeed + rounds; seed++) {
  restore();
  if (seed % 250 === 0) tell({ seed });
  if (process.env.HEAPLINE_DAMAGE_TRACE) process.stderr.write(`seed ${seed}\n`);
  if (mode === 'work') work(seed);
  else read(seed);
  if (seed % 50 === 0) most = Math.max(most, process.memoryUsage().rss);
}
// No trace of the damage may be left. (The host has been told of the program's operations on a damaged heap.)
restore();
for (const [name, ask] of mode === 'work' ? [] : Object.entries(questions)) {
  try {
    if (ask().text !== before.get(name)!.text)
      bad.push(`${name} is another one when nothing is damaged any more`);
  } catch (error) {
    bad.push(`${name} when nothing is damaged any more: ${(error as Error).stack}`);
  }
}
tell({ rounds, outcomes, differing, bad: bad.slice(-20), badCount: bad.length, slowest, most });
process.exit(0);
