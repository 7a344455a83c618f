// Snapshots and sweeps: how long it takes to restore a guest, and how many runs with a failing allocation a sweep makes in
// a second. The program is expat, which parses a small document.
import { type LoadCOptions, loadC, type Sandbox } from '../../src/index.ts';
import { sweepOpen } from '../../src/sweep/index.ts';
import { corpora, corpusBuild, fetchCorpora } from '../../test/corpora/corpora.ts';
import { rest, threadTime } from '../clock.ts';
import { bar, number, type Outcome, withQuartiles } from '../report.ts';
import type { Setting } from '../setting.ts';
import { spread } from '../statistics.ts';

interface Expat {
  XML_ParserCreate(encoding: number): number;
  XML_Parse(parser: number, text: number, length: number, last: number): number;
  XML_ParserFree(parser: number): void;
}

const DOCUMENT =
  '<?xml version="1.0"?>\n' +
  '<library xmlns:x="urn:x"><book id="1" x:lang="en"><title>Trees &amp; heaps</title></book>' +
  '<book id="2"><title>Lists</title><![CDATA[1 < 2]]></book></library>\n';

const MIB = 2 ** 20;

/** A sandbox of expat. */
async function openExpat(options: LoadCOptions = {}): Promise<Sandbox<Expat>> {
  const corpus = corpora.find(({ name }) => name === 'expat')!;
  return loadC<Expat>(corpus.sources, { ...corpusBuild(corpus, 'clang', '-O2'), ...options });
}

/** Parses the document as far as the memory lasts. @returns what XML_Parse says; 0 for an error */
function parser(lib: Sandbox<Expat>): () => number {
  const { XML_ParserCreate, XML_Parse, XML_ParserFree } = lib.exports;
  const text = lib.heap.cstring(DOCUMENT);
  lib.heap.hold(text);
  return () => {
    const parser = XML_ParserCreate(0);
    if (parser === 0) return 0;
    const status = XML_Parse(parser, text, DOCUMENT.length, 1);
    XML_ParserFree(parser);
    return status;
  };
}

/** Milliseconds of each restore, after a document was parsed. */
async function restores(lib: Sandbox<Expat>, rounds: number): Promise<number[]> {
  const parse = parser(lib);
  const snapshot = lib.snapshot();
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    if (parse() !== 1) throw new Error('expat rejects the document');
    const start = threadTime();
    lib.restore(snapshot);
    times.push((threadTime() - start) / 1e6);
    if (round % 50 === 0) await rest(1);
  }
  // V8's optimised code comes late.
  return times.slice(times.length >> 1);
}

/** Sweeps in this process: milliseconds of the run without failures, and runs with failures a second. */
async function sweeps(lib: Sandbox<Expat>, rounds: number) {
  const parse = parser(lib);
  const cleans: number[] = [];
  const speeds: number[] = [];
  let runs = 0;
  for (let round = 0; round < rounds; round++) {
    const start = threadTime();
    let second = start;
    let calls = 0;
    const report = await sweepOpen(lib, () => {
      if (++calls === 2) second = threadTime();
      return parse();
    });
    cleans.push((second - start) / 1e6);
    speeds.push(report.runs / ((threadTime() - second) / 1e9));
    if (report.findings.length > 0 || report.untried.length > 0) throw new Error(report.toText());
    runs = report.runs;
    await rest(1);
  }
  const later = <T>(all: readonly T[]): readonly T[] => all.slice(all.length >> 1);
  return {
    runs,
    first: { clean: cleans[0]!, speed: speeds[0]! },
    later: { clean: spread([...later(cleans)]), speed: spread([...later(speeds)]) },
  };
}

/** Sweeps with access checks, as `heapline check --sweep` makes them. */
async function checkedSweeps(rounds: number) {
  using lib = await openExpat({ access: true, hostFrames: 'off' });
  return await sweeps(lib, rounds);
}

export async function measureSnapshots(setting: Setting): Promise<Outcome> {
  setting.progress('snapshots and sweeps');
  await fetchCorpora();
  using lib = await openExpat();
  const memory = lib.memory.buffer.byteLength / MIB;
  const restored = spread(await restores(lib, setting.quick ? 400 : 2000));
  const rounds = setting.quick ? 60 : 200;
  const swept = await sweeps(lib, rounds);
  const checked = await checkedSweeps(rounds);
  return {
    tables: [
      {
        title: 'Snapshots and sweeps: expat parses a small document',
        columns: ['what', 'measured'],
        rows: [
          [`restore of ${number(memory)} MiB, ms`, withQuartiles(restored)],
          ['the same for each MiB, ms', number(restored.median / memory)],
          [
            `sweep of ${swept.runs} runs, runs a second, first sweep of the process`,
            number(swept.first.speed),
          ],
          ['the same, later', withQuartiles(swept.later.speed)],
          ['the run without failures before them, ms, first', number(swept.first.clean)],
          ['the same, later', withQuartiles(swept.later.clean)],
          ['with access checks: runs a second, later', withQuartiles(checked.later.speed)],
        ],
        notes: [
          'A run restores the guest, parses with one failing allocation or more, and looks for what is wrong.',
          'Each sweep first takes a snapshot, and makes a run without failures, in which stacks are read.',
          'later: V8 has optimised the code. The first sweep has ended before that; the bar is for later ones.',
        ],
      },
    ],
    bars: [
      bar('restore of a guest, ms for each MiB', restored.median / memory, 0.1, 'lower'),
      bar('sweep of expat, runs per second', swept.later.speed.median, 3000, 'higher'),
    ],
    data: { memory, restored, swept, checked },
  };
}
