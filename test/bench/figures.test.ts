// The figures of README and docs/performance.md, the plots and RESULTS.md are those of bench/results.json. Nobody has
// edited one of these files without the others.

import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PAGES, withFigures } from '../../bench/figures.ts';
import { drawTools, type Tool } from '../../bench/measures/tools.ts';
import { allBars, number, readResults } from '../../bench/report.ts';

const read = (path: string): string => readFileSync(path, 'utf8');
const results = readResults();

describe('the figures', () => {
  it.each(PAGES)('of $path are those of the last run', (page) => {
    expect(withFigures(read(page.path), page, results)).toBe(read(page.path));
  });

  it('change in a page when the results do', () => {
    const page = PAGES.find(({ region }) => region === 'tools')!;
    const faster = structuredClone(results);
    (faster.get('tools')!.data as { pair: number }[])[1]!.pair = 1.25;
    const changed = withFigures(read(page.path), page, faster);
    expect(changed).not.toBe(read(page.path));
    expect(changed).toContain(' 1.25 ns ');
  });

  it('of access checks are those of the programs, once they are measured', () => {
    const page = PAGES.find(({ region }) => region === 'checkers')!;
    const measured = new Map(results);
    const spread = (median: number) => ({ median, low: median, high: median });
    const own = {
      program: 'expat',
      tracked: spread(1.2),
      plainMemory: 1.5 * 2 ** 20,
      checkedMemory: 76 * 2 ** 20,
      growth: 1.8,
    };
    measured.set('access', {
      ...measured.get('tools')!,
      data: {
        results: [
          { ...own, node: '20.20.2', checked: spread(2.125) },
          { ...own, node: '26.10.0', checked: spread(2.25) },
        ],
        sanitizers: [{ program: 'expat', native: 4.5, emscripten: 'it is not installed' }],
        pass: [{ node: '26.10.0', speed: spread(8) }],
      },
    });
    expect(withFigures(read(page.path), page, measured)).toContain(
      '| expat | 2.13 | 2.25 | 4.50 | – | 1.50 → 76.0 |',
    );
  });

  it('of the plot of all tools are those of the last run', () => {
    expect(drawTools(results.get('tools')!.data as readonly Tool[])).toBe(read('bench/plots/tools.svg'));
  });

  it('of the bars are in RESULTS.md', () => {
    const text = read('bench/RESULTS.md');
    for (const bar of allBars(results)) expect(text).toContain(`| ${bar.name} | ${number(bar.value)} |`);
  });

  it('have every plot that RESULTS.md and the pages show', () => {
    const shown = [
      ...`${read('bench/RESULTS.md')}${read('docs/performance.md')}`.matchAll(
        /\]\((?:\.\.\/bench\/)?(plots\/[\w-]+\.svg)\)/g,
      ),
    ];
    expect(shown.length).toBeGreaterThan(5);
    for (const [, path] of shown) expect(existsSync(`bench/${path}`)).toBe(true);
  });
});

describe('results.json', () => {
  it('has the machine and the versions of each measurement, and bars that say whether they are met', () => {
    for (const { run } of results.values())
      expect(run).toMatchObject({
        machine: { cores: expect.any(Number) },
        versions: { node: expect.any(String) },
      });
    expect(allBars(results).length).toBeGreaterThan(20);
    for (const { name, value, bar, better, ok } of allBars(results)) {
      expect(name).toEqual(expect.any(String));
      expect(ok).toBe(better === 'lower' ? value <= bar : value >= bar);
    }
  });
});
