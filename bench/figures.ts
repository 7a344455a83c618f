// The figures in README.md and docs/performance.md. They are generated from the results of the last run, between
// marks, and nobody writes them by hand, so they cannot drift. A test compares pages and results.
import { readFileSync, writeFileSync } from 'node:fs';
import { root } from './build.ts';
import type { AccessData } from './measures/access.ts';
import { drawTools, type Tool } from './measures/tools.ts';
import type { TrackingResult } from './measures/tracking.ts';
import { allBars, mebibytes, number, QUICKLY, type Results } from './report.ts';
import { geometricMean } from './statistics.ts';

const WIDTH = 118;

/** Wraps a paragraph to the pages' width. */
function wrap(text: string, first: number, indent: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const room = WIDTH - (lines.length === 0 ? first : indent.length);
    if (line !== '' && line.length + 1 + word.length > room) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].join(`\n${indent}`);
}

const list = (items: readonly string[]): string =>
  items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** The numbers of a measurement. */
const dataOf = <T>(results: Results, name: string): readonly T[] => results.get(name)!.data as readonly T[];

/** The sentence about real programs for the list at the top. */
function realPrograms(results: Results): string {
  const real = dataOf<TrackingResult>(results, 'tracking').filter((r) => r.role === 'real');
  const ratios = real.map((r) => r.ratio.median);
  const names = [...new Set(real.map((r) => r.program))];
  return wrap(
    `${list(names)} take ${number(geometricMean(ratios))} times (geometric mean; ${number(Math.max(...ratios))} at worst) as long as with their toolchain's own \`malloc\` and no tracking`,
    34,
    '  ',
  );
}

function toolTable(tools: readonly Tool[]): string {
  const columns = [
    'tool',
    'runs',
    '× as long',
    'malloc+free',
    '× memory',
    'allocations',
    'stacks',
    'lines',
    'pprof',
  ];
  const cells = (t: Tool): string[] => [
    t.kind === 'ours' ? `**${t.name}**` : t.name,
    t.runs,
    t.kind === 'plain' && t.ratio === 1 ? '1' : number(t.ratio),
    `${number(t.pair)} ns`,
    t.kind === 'plain' && t.memory === 1 ? '1' : number(t.memory),
    t.delivers.allocations,
    t.delivers.stacks,
    t.delivers.lines === 'yes' && t.delivers.inlines === 'yes' ? 'yes, inlined too' : t.delivers.lines,
    t.delivers.pprof,
  ];
  return [
    row(columns),
    row(columns.map((_, i) => ([2, 3, 4].includes(i) ? '--:' : '---'))),
    ...tools.map((t) => row(cells(t))),
  ].join('\n');
}

/** The kernels that are slower than a person would expect, and every bar that is missed. */
function losses(results: Results): string {
  const kernels = dataOf<TrackingResult>(results, 'tracking')
    .filter((r) => r.toolchain === 'wasi' && r.role !== 'real' && r.ratio.median > 1.2)
    .sort((a, b) => b.ratio.median - a.ratio.median)
    .map((r) => `${r.program} ${number(r.ratio.median)}`);
  const missed = allBars(results)
    .filter((b) => !b.ok)
    .map(
      (b) =>
        `- ${b.name}: ${number(b.value)}, should be ${b.better === 'lower' ? '≤' : '≥'} ${number(b.bar)}`,
    );
  const text = wrap(
    `Where Heapline is slow. These kernels are written to show it (times as long as plain): ${list(kernels)}; deep and trees make every allocation in a context never seen before, scatter does so in random order, calls allocates nothing and shows the cost of the slots.${missed.length > 0 ? ' These aims are missed:' : ' No aim is missed.'}`,
    0,
    '',
  );
  return [text, ...(missed.length > 0 ? ['', ...missed] : [])].join('\n');
}

function tools(results: Results): string {
  const { machine, date, command, quick } = results.get('tools')!.run;
  const run = wrap(
    `On ${machine.processor}, ${machine.cores} cores, ${machine.system}, ${date}, \`${command}\`${quick ? QUICKLY : ''}. × as long and × memory: compared with the same program without the tool, geometric means over three allocation kernels; malloc+free: on one of them, flat churn.`,
    0,
    '',
  );
  return [
    '',
    run,
    '',
    toolTable(dataOf<Tool>(results, 'tools')),
    '',
    '![How many times as long a program takes under each tool](../bench/plots/tools.svg)',
    '',
    losses(results),
    '',
  ].join('\n');
}

/** A factor, or a dash where there is none. */
const factor = (value: number | undefined): string => (value === undefined ? '–' : number(value));

/** What checks of accesses cost, program by program. Empty before anybody has measured it. */
function checkedPrograms(results: Results): string[] {
  const outcome = results.get('access');
  if (outcome === undefined) return [];
  const { results: all, sanitizers } = outcome.data as AccessData;
  const nodes = [...new Set(all.map(({ node }) => node))];
  const columns = [
    'program',
    ...nodes.map((node) => `Heapline, Node.js ${node}`),
    'AddressSanitizer, native',
    "Emscripten's AddressSanitizer",
    'memory, MiB',
  ];
  const rows = [...new Set(all.map(({ program }) => program))].map((program) => {
    const own = all.filter((each) => each.program === program);
    const other = sanitizers.find((each) => each.program === program);
    const { plainMemory = 0, checkedMemory = 0 } = own[0] ?? {};
    return row([
      program,
      ...nodes.map((node) => factor(own.find((each) => each.node === node)?.checked.median)),
      factor(typeof other?.native === 'number' ? other.native : undefined),
      factor(typeof other?.emscripten === 'object' ? other.emscripten.median : undefined),
      `${mebibytes(plainMemory)} → ${mebibytes(checkedMemory)}`,
    ]);
  });
  const { date, machine, quick } = outcome.run;
  return [
    wrap(
      `Times as long as the same program without tracking and checks, ${date}, ${machine.processor}${quick ? QUICKLY : ''}. The memory is Heapline's, with the shadow, of which only the part is touched that belongs to used memory.`,
      0,
      '',
    ),
    '',
    row(columns),
    row(columns.map((_, index) => (index === 0 ? '---' : '--:'))),
    ...rows,
    '',
  ];
}

/** What the tools cost that find wrong accesses. */
function checkers(results: Results): string {
  const { run, data } = results.get('tools')!;
  const costs = ['AddressSanitizer + LSan', 'Valgrind memcheck'].flatMap((name) => {
    const tool = (data as readonly Tool[]).find((each) => each.name === name);
    return tool === undefined
      ? []
      : [`${name} takes ${number(tool.ratio)} times as long and ${number(tool.memory)} times the memory`];
  });
  const kernels = `On three kernels that do little but allocate (\`${run.command}\`, ${run.date}), ${list(costs)}.`;
  return ['', ...checkedPrograms(results), wrap(kernels, 0, ''), ''].join('\n');
}

/** The pages that show figures: the name of the region between marks, and the function that writes it. */
export const PAGES = [
  { path: 'README.md', region: 'real', write: realPrograms },
  { path: 'docs/performance.md', region: 'tools', write: tools },
  { path: 'docs/memory-errors.md', region: 'checkers', write: checkers },
] as const;

/** The text of a page with the figures of these results. */
export function withFigures(
  text: string,
  { path, region, write }: (typeof PAGES)[number],
  results: Results,
): string {
  const start = `<!-- figures: ${region} -->`;
  const from = text.indexOf(start);
  const to = text.indexOf('<!-- end of figures -->', from);
  if (from < 0 || to < 0) throw new Error(`${path} has no region ${start} … <!-- end of figures -->`);
  return text.slice(0, from + start.length) + write(results) + text.slice(to);
}

/** Writes the figures of these results into the pages, and the picture that they show. */
export function updatePages(results: Results): void {
  for (const page of PAGES) {
    const path = root + page.path;
    writeFileSync(path, withFigures(readFileSync(path, 'utf8'), page, results));
  }
  writeFileSync(`${root}bench/plots/tools.svg`, drawTools(dataOf<Tool>(results, 'tools')));
}
