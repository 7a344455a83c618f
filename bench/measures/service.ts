// A service under Heapline (serve.ts) and entries from JavaScript into C (host-frames.ts), as tables and bars.
import { measureHostFrames } from '../host-frames.ts';
import { bar, number, type Outcome } from '../report.ts';
import { measureServing } from '../serve.ts';
import type { Setting } from '../setting.ts';
import type { Spread } from '../statistics.ts';

const show = (s: Spread): string => `${number(s.median)} (${number(s.lower)}–${number(s.upper)})`;

export async function measureService(setting: Setting): Promise<Outcome> {
  setting.progress('a service under load');
  const figures = await measureServing(setting.quick);
  const { throughput, sampledHostFrames, requestMicroseconds, scrapeMilliseconds, contexts } = figures;
  return {
    tables: [
      {
        title: 'A service over C, tracked against plain',
        columns: ['what', 'measured'],
        rows: [
          ['throughput, tracked ÷ plain', show(throughput)],
          ['throughput with host frames of one entry in 64', show(sampledHostFrames)],
          ['throughput with host frames for 2 % of the time', show(figures.budgetedHostFrames)],
          ['throughput under attach(), with the same host frames', show(figures.attached)],
          ['throughput without host frames', show(figures.withoutHostFrames)],
          [
            'throughput of the plain service when V8 captures one frame an allocating entry',
            show(figures.oneFrame),
          ],
          ['processor time of a tracked request, µs', show(requestMicroseconds)],
          [`scrape of /debug/pprof/heap with ${number(contexts)} contexts, ms`, show(scrapeMilliseconds)],
        ],
        notes: [
          '16 connections. Throughput is computed from the processor time of a burst. Scrapes use no network.',
          'On average a request enters C 1.5 times with an allocation. The bar leaves less time than V8 needs to capture one frame of the stack.',
        ],
      },
    ],
    bars: [
      bar('throughput of a service, tracked ÷ plain', throughput.median, 0.95, 'higher', 0.99),
      bar('the same with host frames of one entry in 64', sampledHostFrames.median, 0.95, 'higher'),
      bar('the same with host frames for 2 % of the time', figures.budgetedHostFrames.median, 0.95, 'higher'),
      bar('a service under attach(), the same', figures.attached.median, 0.95, 'higher'),
    ],
    data: figures,
  };
}

export async function measureEntries(setting: Setting): Promise<Outcome> {
  setting.progress('entries from JavaScript');
  const { emptyEntry, allocatingEntry } = await measureHostFrames(setting.quick);
  const cost = emptyEntry.on.median - emptyEntry.bare.median;
  return {
    tables: [
      {
        title: 'One entry from JavaScript into C, nanoseconds',
        columns: ['entry', 'bare function', 'host frames off', 'host frames on'],
        rows: [
          ['allocates nothing', show(emptyEntry.bare), show(emptyEntry.off), show(emptyEntry.on)],
          ['malloc and free by the host', '', show(allocatingEntry.off), show(allocatingEntry.on)],
        ],
        notes: ['With host frames, the first allocation below an entry captures the JavaScript stack once.'],
      },
    ],
    bars: [
      bar('entry from JavaScript that allocates nothing, ns more than a bare function', cost, 50, 'lower'),
    ],
    data: { emptyEntry, allocatingEntry },
  };
}
