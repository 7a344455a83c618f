// `npm run bench`: runs the measurements, prints their tables, writes RESULTS.md and results.json. Each measurement
// is a module that is loaded when its turn comes, so that other measurements do not pay for its code.
import '../src/node/install.ts';
import { Command } from 'commander';
import pc from 'picocolors';
import { buildSeconds } from './build.ts';
import { describeMachine, describeVersions } from './machine.ts';
import type { TrackingResult } from './measures/tracking.ts';
import {
  type Bar,
  barTable,
  type Measured,
  number,
  type Outcome,
  printTable,
  type Results,
  type Run,
  readResults,
  writeResults,
} from './report.ts';
import type { Setting } from './setting.ts';

type Measurement = (setting: Setting, before: ReadonlyMap<string, Outcome>) => Promise<Outcome>;

/** The measurements, in the order in which they run and print. */
const measurements: ReadonlyMap<string, Measurement> = new Map<string, Measurement>([
  ['tracking', async (setting) => (await import('./measures/tracking.ts')).measureTracking(setting)],
  ['capture', async (setting) => (await import('./peers/engine-capture.ts')).measureEngineCapture(setting)],
  ['lsan', async (setting) => (await import('./peers/emscripten-lsan.ts')).measureLeakSanitizer(setting)],
  [
    'native',
    async (setting, before) => {
      const tracking = (before.get('tracking')?.data ?? []) as readonly TrackingResult[];
      return (await import('./peers/native.ts')).measureNative(setting, tracking);
    },
  ],
  ['tools', async (_, before) => (await import('./measures/tools.ts')).compareTools(before)],
  [
    'instrumenting',
    async (setting) => (await import('./measures/instrumenting.ts')).measureInstrumenting(setting),
  ],
  ['symbolising', async (setting) => (await import('./measures/symbolising.ts')).measureSymbolising(setting)],
  ['leak-scan', async (setting) => (await import('./measures/leak-scan.ts')).measureLeakScan(setting)],
  ['record-only', async (setting) => (await import('./measures/record-only.ts')).measureRecordOnly(setting)],
  ['timeline', async (setting) => (await import('./measures/timeline.ts')).measureTimeline(setting)],
  ['snapshots', async (setting) => (await import('./measures/snapshots.ts')).measureSnapshots(setting)],
  ['page', async (setting) => (await import('./measures/page.ts')).measurePage(setting)],
  ['access', async (setting) => (await import('./measures/access.ts')).measureAccess(setting)],
  ['entries', async (setting) => (await import('./measures/service.ts')).measureEntries(setting)],
  ['service', async (setting) => (await import('./measures/service.ts')).measureService(setting)],
  ['sandboxes', async (setting) => (await import('./measures/sandboxes.ts')).measureSandboxes(setting)],
  ['encoding', async (setting) => (await import('./measures/encoding.ts')).measureEncoding(setting)],
  ['scale', async (setting) => (await import('./measures/scale.ts')).measureScale(setting)],
  ['cold-start', async (setting) => (await import('./measures/cold-start.ts')).measureColdStart(setting)],
  [
    'program-start',
    async (setting) => (await import('./measures/program-start.ts')).measureProgramStart(setting),
  ],
]);

interface Options {
  readonly quick?: boolean;
  readonly full?: readonly string[];
  readonly check?: boolean;
  readonly guard?: boolean | string;
  readonly updateGuard?: boolean;
  readonly pages?: boolean;
  readonly only?: readonly string[];
  readonly program?: readonly string[];
  readonly write: boolean;
}

const collect = (value: string, all: readonly string[] = []): readonly string[] => [...all, value];

/** The promise of --quick, on a machine that does nothing else. */
const QUICK_SECONDS = 120;

/** The results with the outcomes of this run in place of earlier ones, in the order of the measurements. */
function withOutcomes(before: Results, run: Run, outcomes: ReadonlyMap<string, Outcome>): Results {
  const results = new Map<string, Measured>();
  for (const name of measurements.keys()) {
    const outcome = outcomes.get(name);
    const measured = outcome === undefined ? before.get(name) : { ...outcome, run };
    if (measured !== undefined) results.set(name, measured);
  }
  return results;
}

async function write(results: Results): Promise<void> {
  writeResults(results);
  (await import('./figures.ts')).updatePages(results);
}

/** Compares with the guard's baseline, or writes a new one. */
async function guarding({ guard: part, updateGuard }: Options, setting: Setting): Promise<number> {
  const guard = await import('./guard.ts');
  if (updateGuard) {
    await guard.updateGuard(setting);
    return 0;
  }
  const chosen = part === true ? 'all' : guard.GUARD_PARTS.find((each) => each === part);
  if (chosen !== undefined) return guard.guard(setting, chosen);
  console.error(`bench: the guard has no part "${part}"; there are: ${guard.GUARD_PARTS.join(', ')}`);
  return 2;
}

async function bench(options: Options): Promise<number> {
  if (options.pages) {
    const { updatePages } = await import('./figures.ts');
    updatePages(readResults());
    return 0;
  }
  const names = options.only ?? [...measurements.keys()];
  const full = options.full ?? [];
  for (const name of [...names, ...full])
    if (!measurements.has(name)) {
      console.error(`bench: no measurement "${name}"; there are: ${[...measurements.keys()].join(', ')}`);
      return 2;
    }
  const setting: Setting = {
    quick: options.quick ?? false,
    wants: (program) => options.program?.includes(program) ?? true,
    progress: (what) => {
      if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${what} …`);
    },
  };
  if (options.guard || options.updateGuard) return guarding(options, { ...setting, quick: true });
  const start = performance.now();
  const machine = describeMachine();
  const outcomes = new Map<string, Outcome>();
  const bars: Bar[] = [];
  const failures: string[] = [];
  for (const name of names) {
    const begin = performance.now();
    try {
      const own = { ...setting, quick: setting.quick && !full.includes(name) };
      const outcome = await measurements.get(name)!(own, outcomes);
      outcomes.set(name, outcome);
      if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
      for (const table of outcome.tables) printTable(table);
      bars.push(...outcome.bars);
    } catch (error) {
      failures.push(name);
      console.error(pc.red(`\n${name}: ${error instanceof Error ? (error.stack ?? error.message) : error}`));
    }
    console.log(pc.dim(`\n${name}: ${number((performance.now() - begin) / 1e3)} s`));
  }
  printTable(barTable(bars));

  // Without some of its programs a measurement is not comparable.
  if (options.write && !options.program && failures.length === 0) {
    const words = [
      ...(setting.quick ? ['--quick'] : []),
      ...full.map((name) => `--full ${name}`),
      ...(options.only ?? []).map((name) => `--only ${name}`),
    ];
    const run = {
      date: new Date().toISOString().slice(0, 10),
      quick: setting.quick,
      command: ['npm run bench', ...(words.length > 0 ? ['--', ...words] : [])].join(' '),
      machine,
      versions: await describeVersions(),
    };
    await write(withOutcomes(readResults(), run, outcomes));
  }
  const seconds = (performance.now() - start) / 1e3;
  console.log(pc.dim(`\n${number(seconds)} s, ${number(buildSeconds())} s of them building`));
  if (setting.quick && full.length === 0 && seconds - buildSeconds() > QUICK_SECONDS)
    console.error(
      pc.yellow(
        `--quick should end within ${QUICK_SECONDS} s, not counting builds; the load was ${number(machine.load)} at the start.`,
      ),
    );
  if (failures.length > 0) return 2;
  return options.check && bars.some((b) => !b.ok) ? 1 : 0;
}

const program = new Command('bench')
  .description('Measures Heapline against plain builds and against its peers.')
  .option('--quick', 'few rounds, some peers on some programs: within two minutes')
  .option('--full <measurement>', 'with --quick: still take this measurement in full (repeatable)', collect)
  .option('--check', 'exit with 1 when a bar is missed')
  .option(
    '--guard [part]',
    'compare exact counts and in-run ratios with guard.json, or one of them (exact, timed): within a minute; exit with ' +
      '1 when worse',
  )
  .option('--update-guard', 'write guard.json anew')
  .option('--pages', 'write the figures of the pages from results.json again, without measuring')
  .option(
    '--only <measurement>',
    `run this measurement only (repeatable): ${[...measurements.keys()].join(', ')}`,
    collect,
  )
  .option('--program <name>', 'measure this program only (repeatable)', collect)
  .option('--no-write', 'leave RESULTS.md, results.json, plots and the pages as they are')
  .addHelpText(
    'after',
    `
Exit code: 0 done, 1 a bar is missed (with --check) or a value has become worse
(with --guard), 2 a measurement failed or the arguments are wrong.

Examples:
  npm run bench -- --quick
  npm run bench -- --quick --full tracking --full scale
  npm run bench -- --only tracking --program trees
  npm run bench -- --check`,
  );
program.parse();
process.exitCode = await bench(program.opts<Options>());
