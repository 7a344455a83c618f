// The page in Chromium: every view of sqlite3's heap and of a leaking program, whose figures are those of
// HeapProfile.top() and of `go tool pprof`; by keyboard, light and dark, on narrow screens; judged by axe-core.

import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatHtml, HeapProfile, type LeakReport, loadC, type Timeline } from '../../src/index.ts';
import { pageText, reportProfiles } from '../../src/page/index.ts';
import { formatQuantity, ProfileBuilder, SAMPLE_TYPES } from '../../src/profile/index.ts';
import { corpora, corpusBuild, fetchCorpora } from '../corpora/corpora.ts';
import { Workspace } from '../support/profile-oracles.ts';
import { type ShownPage, showPage, startBrowser } from './shown-page.ts';

const VIEWS = ['flame', 'table', 'source', 'timeline', 'leaks'] as const;
const LEAKY = new URL('leaking.c', import.meta.url).pathname;

const workspace = new Workspace();
let browser: Browser;
let profile: HeapProfile;
let earlier: HeapProfile;
let report: LeakReport;
let timeline: Timeline;
let html: string;
/** The same in another browser window each. */
let shown: ShownPage;

beforeAll(async () => {
  browser = await startBrowser();
  await fetchCorpora();
  const corpus = corpora.find(({ name }) => name === 'sqlite3')!;
  const sqlite = await loadC(corpus.sources, {
    ...corpusBuild(corpus, 'clang'),
    timeline: true,
    hostFrames: 'off',
  });
  sqlite.exports.workload!(1);
  earlier = sqlite.heap.profile();
  sqlite.exports.workload!(2);
  profile = sqlite.heap.profile();
  timeline = sqlite.heap.timeline();
  const leaking = await loadC(LEAKY, { toolchain: 'clang', hostFrames: 'off' });
  leaking.run();
  report = leaking.heap.leaks();
  html = pageText({
    title: 'sqlite3',
    profiles: [{ name: 'heap', label: 'heap', profile }, ...reportProfiles(report, undefined)],
    timeline,
    report,
  });
  shown = await showPage(browser, html);
  sqlite.dispose();
  leaking.dispose();
});
afterAll(async () => {
  await shown?.close();
  await browser?.close();
  workspace.dispose();
});

/** The first rows of the page's table: flat, cum, name. */
async function tableOf({ page }: ShownPage, rows: number): Promise<string[][]> {
  return page.locator('section[aria-label=Rows] tbody tr:not(.spacer)').evaluateAll(
    (elements, most) =>
      elements.slice(0, most).map((row) => {
        const cells = Array.from((row as HTMLTableRowElement).cells);
        const name = cells.at(-1)!.querySelector('button')!;
        return [cells[0]!, cells[2]!, name].map((element) => element.textContent);
      }),
    rows,
  );
}

describe('the figures of the page', () => {
  test.each(['alloc_space', 'alloc_objects'] as const)(
    'are those of top() for %s, by function',
    async (sampleType) => {
      await shown.go(`#view=table&type=${sampleType}&sort=cum`);
      const unit = sampleType === 'alloc_space' ? 'bytes' : 'count';
      const write = (value: number): string =>
        unit === 'bytes' ? formatQuantity(value, unit) : value.toLocaleString('en-US');
      const rows = profile.topRows({ sampleType, granularity: 'functions', sort: 'cum', limit: 12 });
      expect(await tableOf(shown, 12)).toEqual(
        rows.map((row) => [write(row.flat), write(row.cum), expect.stringMatching(`^${row.function}`)]),
      );
    },
  );

  test.each([
    { wrappers: 'hidden', patterns: [] },
    { wrappers: 'shown', patterns: ['!*'] },
  ])(
    'are those of go tool pprof, and of top(), with wrappers that are $wrappers',
    async ({ wrappers, patterns }) => {
      await shown.go(`#view=table&type=alloc_space&unit=B&wrappers=${wrappers}`);
      const [, expression] = /-hide='(.*)'/.exec(profile.comments.at(-1)!)!;
      const hide = wrappers === 'hidden' ? [`-hide=${expression}`] : [];
      const judged = workspace.pprofTop(
        profile,
        '-sample_index=alloc_space',
        '-unit=B',
        '-nodecount=8',
        ...hide,
      );
      const rows = profile.topRows({
        sampleType: 'alloc_space',
        granularity: 'functions',
        limit: 8,
        wrappers: patterns,
      });
      const expected = [...judged.matchAll(/^ *(\d+)B? +\S+ +\S+ +(\d+)B? +\S+ +(\S+)/gm)].map(
        ([, flat, cum, name]) => [Number(flat), Number(cum), name],
      );
      expect(expected.length).toBe(8);
      const numbers = (await tableOf(shown, 8)).map(([flat, cum, name]) => [
        Number.parseInt(flat!.replaceAll(',', ''), 10),
        Number.parseInt(cum!.replaceAll(',', ''), 10),
        name!.split(/\s/)[0],
      ]);
      expect(numbers).toEqual(expected);
      expect(rows.map(({ flat, cum, function: name }) => [flat, cum, name])).toEqual(expected);
      const names = rows.filter(({ flat }) => flat > 0).map((row) => row.function);
      expect(names.includes('sqlite3MemMalloc')).toBe(wrappers === 'shown');
    },
  );

  test('leaves wrappers out of all views, until the reader wants to see them', async () => {
    const file = corpora.find(({ name }) => name === 'sqlite3')!.sources[1]!;
    const byLine = { sampleType: 'alloc_space', granularity: 'lines' } as const;
    const isIn = (row: { file: string; flat: number }): boolean => row.file === file && row.flat > 0;
    const line = profile.topRows(byLine).find(isIn)!;
    expect(line).not.toEqual(profile.topRows({ ...byLine, wrappers: ['!*'] }).find(isIn));
    await shown.go(`#view=source&type=alloc_space&file=${encodeURIComponent(file)}&line=${line.line}`);
    const cells = (): Promise<string[]> => shown.page.locator('tr.here td').allTextContents();
    await expect.poll(async () => (await cells())[0]).toBe(formatQuantity(line.flat, 'bytes'));
    const control = shown.page.getByLabel('Allocation wrappers');
    expect(await control.inputValue()).toBe('hidden');
    await control.selectOption('shown');
    await expect.poll(async () => (await cells())[0]).not.toBe(formatQuantity(line.flat, 'bytes'));
    expect(new URL(shown.page.url()).hash).toContain('wrappers=shown');
    await shown.page.goBack();
    await expect.poll(() => control.inputValue()).toBe('hidden');
    const found = shown.page.locator('output.found');
    for (const [wrappers, text] of [
      ['shown', /^[1-9].*in what was found/],
      ['hidden', /^0/],
    ] as const) {
      await shown.go(`#type=alloc_space&search=sqlite3MemMalloc&wrappers=${wrappers}`);
      await expect.poll(() => found.textContent()).toMatch(text);
    }
    await shown.go('#view=timeline');
    await expect.poll(() => shown.page.locator('.legend li').count()).toBeGreaterThan(0);
    expect(await shown.page.locator('.legend').textContent()).not.toContain('sqlite3MemMalloc');
  });

  test('of focus, ignore and hide are those of go tool pprof', async () => {
    for (const [fragment, flag] of [
      ['focus=Parser', '-focus=Parser'],
      ['ignore=Parser', '-ignore=Parser'],
      ['hide=^sqlite3_?[Mm]alloc|sqlite3MemMalloc', '-hide=^sqlite3_?[Mm]alloc|sqlite3MemMalloc'],
    ]) {
      await shown.go(`#view=table&type=alloc_space&unit=B&wrappers=shown&${encodeURI(fragment!)}`);
      const judged = workspace.pprofTop(
        profile,
        '-sample_index=alloc_space',
        '-unit=B',
        '-nodecount=5',
        flag!,
      );
      const expected = [...judged.matchAll(/^ *(\d+)B? +\S+ +\S+ +(\d+)B? +\S+ +(\S+)/gm)].map(
        ([, flat, cum, name]) => `${flat} ${cum} ${name}`,
      );
      expect(expected.length).toBe(5);
      const numbers = (await tableOf(shown, 5)).map(
        ([flat, cum, name]) =>
          `${flat!.replace(/[^\d]/g, '')} ${cum!.replace(/[^\d]/g, '')} ${name!.split(/\s/)[0]}`,
      );
      expect(numbers, flag).toEqual(expected);
    }
  });

  test('of a searched function and of a selected frame are its sums', async () => {
    await shown.go('#type=alloc_space&search=sqlite3Parser&icicle=1');
    const row = profile
      .topRows({ sampleType: 'alloc_space', granularity: 'functions' })
      .find(({ function: name }) => name === 'sqlite3Parser')!;
    await expect
      .poll(() => shown.page.locator('output.found').textContent())
      .toContain(formatQuantity(row.cum, 'bytes'));
    const canvas = shown.page.locator('canvas');
    await canvas.focus();
    await canvas.press('ArrowDown');
    await expect
      .poll(() => shown.page.locator('.selected').textContent())
      .toContain(formatQuantity(profile.total('alloc_space'), 'bytes'));
  });

  test('next to the lines of a source are those of the lines', async () => {
    const file = corpora.find(({ name }) => name === 'sqlite3')!.sources[1]!;
    const line = profile
      .topRows({ sampleType: 'alloc_space', granularity: 'lines' })
      .find((row) => row.file === file)!;
    await shown.go(`#view=source&type=alloc_space&file=${encodeURIComponent(file)}&line=${line.line}`);
    const row = shown.page.locator('tr.here');
    await row.waitFor();
    const cells = await row.locator('td').allTextContents();
    expect(cells[0]).toBe(formatQuantity(line.flat, 'bytes'));
    expect(cells[2]).toBe(String(line.line));
    expect(await row.locator('code').textContent()).toMatch(/\(/);
    expect(await shown.page.locator('.code .tok-keyword').count()).toBeGreaterThan(0);
  });
});

describe('the views', () => {
  test('show the timeline with its peak, and a span of it as a difference', async () => {
    await shown.go('#view=timeline');
    const { peak, moments } = timeline;
    await expect
      .poll(() => shown.page.locator('figcaption').textContent())
      .toContain(
        `Peak: ${formatQuantity(peak!.inUseBytes, 'bytes')} in ${peak!.inUseObjects.toLocaleString('en-US')} objects`,
      );
    const last = moments.length - 1;
    await shown.page.getByLabel('from').selectOption('0');
    await shown.go(`#view=table&type=alloc_space&span=0-${last}`);
    const change = moments[last]!.allocBytes - moments[0]!.allocBytes;
    const total = await shown.page.locator('.total').textContent();
    expect(total).toContain(formatQuantity(moments[last]!.allocBytes, 'bytes'));
    if (moments[0]!.allocBytes > 0) expect(total).toContain(`+${formatQuantity(change, 'bytes')}`);
  });

  test('show leaks with class, stack and contents, and heap faults', async () => {
    await shown.go('#view=leaks&profile=leaks');
    const text = await shown.page.locator('section.leaks').textContent();
    expect(text).toContain('double-free');
    expect(text).toContain('definite leak');
    // Paths below the folder of the page begin there.
    expect(text).toMatch(/lose_tree test\/page\/leaking\.c:\d+/);
    expect(text).toContain('What hangs on it');
    expect(text).toContain('a lost root');
    expect(await shown.page.locator('.total').textContent()).toContain('leaked_space');
  });

  test('compare two profiles with sums per line', async () => {
    const page = await showPage(
      browser,
      await profile.html({ base: earlier, title: 'compared', sources: false }),
    );
    await page.go('#view=table&type=alloc_space&by=lines');
    const [row] = earlier
      .diff(profile)
      .topRows({ sampleType: 'alloc_space', granularity: 'lines', limit: 1 });
    expect((await tableOf(page, 1))[0]![0]).toBe(`+${formatQuantity(row!.flat, 'bytes')}`);
    await page.screenshot('comparison-table-light');
    await page.go('#type=alloc_space');
    await page.screenshot('comparison-flame-light');
    expect(await page.violations()).toEqual([]);
    expect(page.complaints).toEqual([]);
    await page.close();
  });

  test('show callers and callees of a function', async () => {
    await shown.go('#type=alloc_space&function=sqlite3Parser');
    expect(await shown.page.locator('canvas').count()).toBe(2);
    await shown.screenshot('callers-light');
  });

  test.each([
    { dark: false, width: 1100 },
    { dark: true, width: 1100 },
    { dark: false, width: 400 },
  ])('are accessible and fit: $dark, $width pixels', async ({ dark, width }) => {
    const page = await showPage(browser, html, { dark, width });
    for (const view of VIEWS) {
      await page.go(`#view=${view}&type=${view === 'leaks' ? '' : 'alloc_space'}`);
      expect(await page.violations(), view).toEqual([]);
      const overflow = await page.page.evaluate(
        () => document.documentElement.scrollWidth - window.innerWidth,
      );
      expect(overflow, view).toBeLessThanOrEqual(0);
      if (view === 'table') {
        const name = (await page.page.locator('tbody .name button').first().boundingBox())!;
        expect(name.x + Math.min(name.width, 100)).toBeLessThan(width);
      }
      await page.screenshot(`${view}-${width === 400 ? 'narrow' : dark ? 'dark' : 'light'}`);
    }
    expect(page.complaints).toEqual([]);
    expect(page.requests).toEqual([]);
    await page.close();
  });
});

describe('hostile profiles', () => {
  const MARKUP = '</script><img src=x onerror="document.title=1">';

  /** 10,000 functions in one file, one with a name of a megabyte, at lines up to 2^53. */
  function hostileProfile(dropFrames: string): HeapProfile {
    const builder = new ProfileBuilder({
      kind: 'heap',
      sampleTypes: SAMPLE_TYPES.heap,
      defaultSampleType: 'inuse_space',
      dropFrames,
    });
    const module = builder.moduleMapping(MARKUP, 1_000_000);
    const main = builder.pseudoLocation(module, 'main');
    for (let i = 0; i < 10_000; i++) {
      const name = i === 0 ? MARKUP.repeat(25_000) : `${MARKUP}${i}`;
      const line = i === 1 ? 2 ** 53 : i + 1;
      const owner = builder.function(name, '', `/${MARKUP}.c`, 1);
      const at = builder.location(module, builder.moduleStart(module) + i, [
        { function: owner, line, column: 1 },
      ]);
      builder.sample(builder.stackOf([at, main]), [1, 16 + i, 1, 16 + i]);
    }
    return new HeapProfile(builder.finish());
  }

  test('stay text in every view, and their sums are whole', async () => {
    const page = await showPage(browser, await hostileProfile('').html({ title: MARKUP, sources: false }));
    for (const view of ['table', 'source', 'flame'] as const) {
      await page.go(`#view=${view}&unit=B`);
      expect(await page.page.locator('.total').textContent()).toContain('50,155,000 B');
      expect(await page.page.locator('img').count(), view).toBe(0);
      expect(await page.page.getByRole('alert').count(), view).toBe(0);
    }
    await page.page.locator('input[type=search]').fill(`${MARKUP}77`);
    await expect.poll(() => page.page.locator('output.found').textContent()).toContain('in what was found');
    await expect.poll(() => new URL(page.page.url()).hash).toContain('search=');
    expect(await page.page.title()).toBe(MARKUP);
    expect([page.complaints, page.requests]).toEqual([[], []]);
    await page.close();
  });

  test('name frames to leave out by expressions of RE2, which the writer of the page resolves', async () => {
    const profile = hostileProfile('(?i).*ONERROR.*[0-8]');
    const page = await showPage(browser, await profile.html({ sources: false }));
    await page.go('#view=table&unit=B');
    expect(await page.page.getByText('all frames are shown').count()).toBe(0);
    const rows = profile.topRows({ granularity: 'functions', sampleType: 'inuse_space' });
    expect(rows.length).toBeLessThan(2000);
    await expect
      .poll(() => page.page.locator('.tools .dim').first().textContent())
      .toBe(`${rows.length.toLocaleString('en-US')} rows`);
    await page.close();
  });
});

test('a view that fails says why, and the other views stay', async () => {
  const broken = await formatHtml(report, { sources: false });
  const page = await showPage(browser, broken.replace('"records":[', '"others":['));
  await page.go('');
  await page.page.getByRole('link', { name: 'Leaks' }).click();
  await expect.poll(() => page.page.getByRole('alert').textContent()).toContain('This view cannot be shown');
  await page.page.getByRole('link', { name: 'Table' }).click();
  await page.page.getByRole('region', { name: 'Rows' }).waitFor();
  expect(await page.page.getByRole('alert').count()).toBe(0);
  await page.close();
});

describe('a reader', () => {
  test('goes through the views by keyboard, and back by the history', async () => {
    await shown.go('');
    await shown.page.getByRole('link', { name: 'Table' }).focus();
    await shown.page.keyboard.press('Enter');
    await shown.page.getByRole('region', { name: 'Rows' }).waitFor();
    expect(new URL(shown.page.url()).hash).toContain('view=table');
    await shown.page.goBack();
    await shown.page.locator('canvas').waitFor();
  });

  test('zooms by keyboard and sees the whole again', async () => {
    await shown.go('#type=alloc_space&icicle=1');
    const canvas = shown.page.locator('canvas');
    await canvas.focus();
    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowDown', 'Enter']) await canvas.press(key);
    const name = await shown.page.locator('.selected h3').textContent();
    expect(name).not.toBe('all');
    await canvas.press('Escape');
    await expect.poll(() => shown.page.locator('.selected').textContent()).toContain('No frame is selected');
  });

  test('reaches every frame by the keys that the graph names', async () => {
    await shown.go('#type=alloc_space&icicle=1');
    const canvas = shown.page.locator('canvas');
    const name = shown.page.locator('.selected h3');
    await canvas.focus();
    const nameAfter = async (...keys: string[]): Promise<string | null> => {
      for (const key of keys) await canvas.press(key);
      return name.textContent();
    };
    const outer = await nameAfter('ArrowDown', 'ArrowDown');
    const first = await nameAfter('ArrowDown');
    const next = await nameAfter('ArrowRight');
    expect(next).not.toBe(first);
    expect(await nameAfter('ArrowLeft')).toBe(first);
    expect(await nameAfter('ArrowUp')).toBe(outer);
    await nameAfter('ArrowDown', 'ArrowRight', 'Enter');
    const all = shown.page.getByRole('button', { name: 'Show all' });
    await all.waitFor();
    await canvas.press('Escape');
    await expect.poll(() => all.count()).toBe(0);
    // Upwards, the arrows go the other way.
    await shown.go('#type=alloc_space');
    await canvas.focus();
    expect(await nameAfter('ArrowUp', 'ArrowUp')).toBe(outer);
    expect(await nameAfter('ArrowDown', 'ArrowDown')).toMatch(/^all/);
  });

  const drop = (name: string, bytes: Uint8Array): Promise<void> =>
    shown.page.evaluate(
      ({ file, content }) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([new Uint8Array(content)], file));
        window.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, cancelable: true }));
      },
      { file: name, content: [...bytes] },
    );

  test('drops another profile onto the page', async () => {
    await shown.go('');
    await drop('other.pb.gz', earlier.encode());
    await expect.poll(() => shown.page.locator('h1').textContent()).toBe('other.pb.gz');
    // No writer of pages has seen this one, and a page has no engine for its expression.
    await drop('dropping.pb.gz', new HeapProfile({ ...earlier.model, dropFrames: '(?i)SQL.*' }).encode());
    await shown.page.getByText('so all frames are shown').waitFor();
    await drop('notes.txt', Buffer.from('no profile'));
    await expect
      .poll(() => shown.page.getByRole('alert').textContent())
      .toContain('notes.txt cannot be shown');
  });

  test('gets a small file, whose code without data has less than 400 kB', async () => {
    const page = await formatHtml(report, { sources: false });
    expect(page.length).toBeLessThan(400_000);
  });
});
