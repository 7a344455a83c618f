// Snapshots and sweeps: how long it takes to restore a guest, and how many runs with a failing allocation a sweep makes in
// a second. The program is expat, which parses a small document.
import { loadC, type Sandbox } from '../../src/index.ts';
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

/** Parses the document as far as the memory lasts. @returns what XML_Parse says; 0 for an error */
function parser(lib: Sandbox<Expat>): () => number {
  const { XML_ParserCreate, XML_Parse, XML_ParserFree } = lib.exports;
  const text = lib.heap.cstring(DOCUMENT);
  return () => {
    const parser = XML_ParserCreate(0);
    if (parser === 0) return 0;
    const status = XML_Parse(parser, text, DOCUMENT.length, 1);
    XML_ParserFree(parser);
    return status;
  };
}

/** Milliseconds of each restore, after a document was parsed. */
async function restores(lib: Sandbox<Expat>, parse: () => number, rounds: number): Promise<number[]> {
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

/** Runs a second of each sweep. */
async function sweeps(lib: Sandbox<Expat>, parse: () => number, rounds: number) {
  const speeds: number[] = [];
  let runs = 0;
  for (let round = 0; round < rounds; round++) {
    const start = threadTime();
    const report = await sweepOpen(lib, parse);
    speeds.push(report.runs / ((threadTime() - start) / 1e9));
    if (report.findings.length > 0 || report.untried.length > 0) throw new Error(report.toText());
    runs = report.runs;
    await rest(1);
  }
  return { runs, first: speeds[0]!, later: speeds.slice(speeds.length >> 1) };
}

export async function measureSnapshots(setting: Setting): Promise<Outcome> {
  setting.progress('snapshots and sweeps');
  await fetchCorpora();
  const corpus = corpora.find(({ name }) => name === 'expat')!;
  using lib = await loadC<Expat>(corpus.sources, corpusBuild(corpus, 'clang', '-O2'));
  const parse = parser(lib);
  const memory = lib.memory.buffer.byteLength / MIB;
  const restored = spread(await restores(lib, parse, setting.quick ? 400 : 2000));
  const { runs, first, later } = await sweeps(lib, parse, setting.quick ? 60 : 200);
  const swept = spread(later);
  return {
    tables: [
      {
        title: 'Snapshots and sweeps: expat parses a small document',
        columns: ['what', 'measured'],
        rows: [
          [`restore of ${number(memory)} MiB, ms`, withQuartiles(restored)],
          ['the same for each MiB, ms', number(restored.median / memory)],
          [`sweep of ${runs} runs, runs a second, first`, number(first)],
          ['the same, later', withQuartiles(swept)],
        ],
        notes: [
          'A run restores the guest, parses with one failing allocation or more, and looks for what is wrong.',
          'Each sweep also takes a snapshot, and makes a run without failures. later: V8 has optimised the code.',
        ],
      },
    ],
    bars: [
      bar('restore of a guest, ms for each MiB', restored.median / memory, 0.1, 'lower'),
      bar('sweep of expat, runs per second', swept.median, 3000, 'higher'),
    ],
    data: { memory, restored, runs, first, swept },
  };
}
