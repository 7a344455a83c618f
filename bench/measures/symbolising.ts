// 5,000 cold symbolications: opens the debug information of a large module and asks for the frames of 5,000 new
// places in its code. Every round opens it anew, so only V8's compiled code is remembered.
import { readFileSync } from 'node:fs';
import { readModule } from '../../src/binary/index.ts';
import { Symbolizer } from '../../src/symbols/index.ts';
import { linkWasi } from '../build.ts';
import { rest, threadTime } from '../clock.ts';
import { realPrograms } from '../corpora.ts';
import { bar, milliseconds, number, type Outcome } from '../report.ts';
import type { Setting } from '../setting.ts';
import { type Spread, spread } from '../statistics.ts';

const PLACES = 5000;

interface SymbolisingResult {
  readonly program: string;
  readonly file: number;
  readonly first: number;
  readonly warm: Spread;
  readonly frames: number;
}

/** Places spread evenly over the code of all functions, as offsets from the code section payload. */
export function placesIn(bytes: Uint8Array, count: number): number[] {
  const module = readModule(bytes);
  const total = module.bodies.reduce((sum, body) => sum + body.end - body.start, 0);
  const places: number[] = [];
  let passed = 0;
  for (const { start, end } of module.bodies) {
    while (places.length < count && (places.length * total) / count < passed + end - start)
      places.push(start - module.codeStart + Math.floor((places.length * total) / count - passed));
    passed += end - start;
  }
  return places;
}

export async function measureSymbolising(setting: Setting): Promise<Outcome> {
  const results: SymbolisingResult[] = [];
  for (const program of await realPrograms('wasi')) {
    if (!setting.wants(program.name)) continue;
    setting.progress(`${program.name}, symbolising`);
    const bytes = readFileSync((await linkWasi(program, 'heapline')).path);
    const places = placesIn(bytes, PLACES);
    const times: number[] = [];
    let frames = 0;
    for (let round = 0; round < (setting.quick ? 4 : 10); round++) {
      const start = threadTime();
      const symbols = Symbolizer.open(bytes);
      frames = 0;
      for (const place of places) frames += symbols.frames(place).length;
      times.push(threadTime() - start);
      await rest(1);
    }
    results.push({
      program: program.name,
      file: bytes.length,
      first: times[0]!,
      warm: spread(times.slice(1)),
      frames: frames / places.length,
    });
  }
  if (results.length === 0) return { tables: [], bars: [], data: [] };
  const largest = results.reduce((a, b) => (b.file > a.file ? b : a));
  return {
    tables: [
      {
        title: `Symbolising ${number(PLACES)} places, debug information opened anew`,
        columns: ['module', 'file kB', 'first ms', 'later ms', 'frames per place'],
        rows: results.map((r) => [
          r.program,
          number(r.file / 1e3),
          number(r.first / 1e6),
          milliseconds(r.warm),
          number(r.frames),
        ]),
        notes: [
          `first: V8 has not compiled the code for ${results[0]!.program} yet; the bar takes the first time of ${largest.program}.`,
        ],
      },
    ],
    bars: [
      bar(`5,000 cold symbolications, seconds (${largest.program})`, largest.first / 1e9, 0.1, 'lower', 0.05),
    ],
    data: results,
  };
}
