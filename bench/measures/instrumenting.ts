// Speed of instrumenting a module: megabytes of code section per second, on the modules of the real programs.
import { readFileSync } from 'node:fs';
import { readModule, SectionId } from '../../src/binary/index.ts';
import { instrument } from '../../src/instrument/index.ts';
import { linkWasi } from '../build.ts';
import { rest, threadTime } from '../clock.ts';
import { realPrograms } from '../corpora.ts';
import { bar, milliseconds, number, type Outcome } from '../report.ts';
import type { Setting } from '../setting.ts';
import { type Spread, spread } from '../statistics.ts';

interface InstrumentingResult {
  readonly program: string;
  /** Size of the code section before and after, in bytes. */
  readonly code: number;
  readonly instrumentedCode: number;
  readonly file: number;
  /** Nanoseconds of the very first call, before V8 has optimised the pass, then of the later calls. */
  readonly first: number;
  readonly warm: Spread;
}

export function codeSize(bytes: Uint8Array): number {
  const section = readModule(bytes).sections.find((s) => s.id === SectionId.Code);
  return section ? section.end - section.content : 0;
}

export async function measureInstrumenting(setting: Setting): Promise<Outcome> {
  const results: InstrumentingResult[] = [];
  for (const program of await realPrograms('wasi')) {
    if (!setting.wants(program.name)) continue;
    setting.progress(`${program.name}, instrumenting`);
    const bytes = readFileSync((await linkWasi(program, 'heapline')).path);
    const times: number[] = [];
    let instrumented: Uint8Array = bytes;
    for (let round = 0; round < (setting.quick ? 12 : 30); round++) {
      const start = threadTime();
      instrumented = instrument(bytes, {}).bytes;
      times.push(threadTime() - start);
      await rest(1);
    }
    results.push({
      program: program.name,
      code: codeSize(bytes),
      instrumentedCode: codeSize(instrumented),
      file: bytes.length,
      first: times[0]!,
      warm: spread(times.slice(times.length >> 1)),
    });
  }
  const speed = (r: InstrumentingResult): number => r.code / 1e6 / (r.warm.median / 1e9);
  if (results.length === 0) return { tables: [], bars: [], data: [] };
  const largest = results.reduce((a, b) => (b.code > a.code ? b : a));
  return {
    tables: [
      {
        title: 'Instrumenting',
        columns: ['module', 'file kB', 'code kB', 'code after ÷ before', 'first ms', 'warm ms', 'code MB/s'],
        rows: results.map((r) => [
          r.program,
          number(r.file / 1e3),
          number(r.code / 1e3),
          number(r.instrumentedCode / r.code),
          number(r.first / 1e6),
          milliseconds(r.warm),
          number(speed(r)),
        ]),
        notes: [
          `first: the first call on that module; of ${results[0]!.program} also the first call in the process.`,
        ],
      },
    ],
    bars: [
      bar(`instrumenting, MB of code per second (${largest.program})`, speed(largest), 100, 'higher', 200),
    ],
    data: results,
  };
}
