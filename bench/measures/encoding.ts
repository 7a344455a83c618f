// From linear memory to gzipped pprof. The `trees` kernel leaves 65,535 contexts that allocated (and the nodes that
// lead to them). Each round takes a snapshot, symbolises it, builds a profile and encodes it, from scratch.
import { readFileSync } from 'node:fs';
import { readSnapshot } from '../../src/heap/index.ts';
import { instrument } from '../../src/instrument/index.ts';
import { buildProfile } from '../../src/profile/index.ts';
import { Symbolizer } from '../../src/symbols/index.ts';
import { linkWasi } from '../build.ts';
import { rest, threadTime } from '../clock.ts';
import { runnable } from '../guest.ts';
import { kernels } from '../programs.ts';
import { bar, milliseconds, number, type Outcome } from '../report.ts';
import type { Setting } from '../setting.ts';
import { spread } from '../statistics.ts';
import { codeSize } from './instrumenting.ts';

export async function measureEncoding(setting: Setting): Promise<Outcome> {
  const program = kernels.find((k) => k.name === 'trees')!;
  setting.progress('encoding 65,000 contexts');
  const artifact = await linkWasi(program, 'heapline');
  const bytes = readFileSync(artifact.path);
  const instrumented = instrument(bytes, {});
  const guest = runnable(instrumented.bytes, artifact, program.entry).open();
  guest.run(program.scale);

  const steps: Record<'snapshot' | 'build' | 'encode' | 'all', number[]> = {
    snapshot: [],
    build: [],
    encode: [],
    all: [],
  };
  let contexts = 0;
  let nodes = 0;
  let encoded = 0;
  for (let round = 0; round < (setting.quick ? 4 : 10); round++) {
    const start = threadTime();
    const snapshot = readSnapshot(guest.memory, instrumented.runtimeAddress);
    const read = threadTime();
    const profile = buildProfile({
      kind: 'allocs',
      snapshot,
      symbols: Symbolizer.open(bytes),
      hostStacks: { frames: () => [] },
      module: { name: program.name, path: artifact.path, codeSize: codeSize(bytes) },
    });
    const built = threadTime();
    encoded = profile.encode().length;
    const done = threadTime();
    contexts = snapshot.allocObjects.reduce((sum, objects) => sum + (objects > 0 ? 1 : 0), 0);
    nodes = snapshot.count;
    if (contexts < 65_000) throw new Error(`the kernel left ${contexts} contexts that allocated, not 65,000`);
    steps.snapshot.push(read - start);
    steps.build.push(built - read);
    steps.encode.push(done - built);
    steps.all.push(done - start);
    await rest(1);
  }
  const row = (name: keyof typeof steps, says: string): string[] => [
    says,
    number(steps[name][0]! / 1e6),
    milliseconds(spread(steps[name].slice(1))),
  ];
  return {
    tables: [
      {
        title: `Profile of ${number(contexts)} allocating contexts, memory to gzipped pprof`,
        columns: ['step', 'first ms', 'later ms'],
        rows: [
          row('snapshot', 'read the ledger'),
          row('build', 'symbolise and build'),
          row('encode', 'encode and gzip'),
          row('all', 'all'),
        ],
        notes: [`${number(nodes)} nodes of the context tree are read; ${number(encoded / 1e3)} kB gzipped.`],
      },
    ],
    bars: [bar('profile of 65,000 contexts, seconds, first', steps.all[0]! / 1e9, 0.2, 'lower', 0.1)],
    data: { contexts, nodes, encoded, ...steps },
  };
}
