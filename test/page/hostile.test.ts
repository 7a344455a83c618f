// What comes from strangers stays text: names with markup, names of a megabyte, sources that are missing, changed or no
// text, and fragments of addresses that nobody wrote.

import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { documentText, policyOf } from '../../src/page/document.ts';
import { carry } from '../../src/page/sources.ts';
import { fromBase64 } from '../../src/page-app/bytes.ts';
import { expressionError, filtered } from '../../src/page-app/filters.ts';
import { FlameNode, groupingOf } from '../../src/page-app/flame-node.ts';
import { frameTree, search } from '../../src/page-app/frame-tree.ts';
import { shortened } from '../../src/page-app/numbers.ts';
import type { PageData } from '../../src/page-app/page-data.ts';
import { INITIAL, readState, writeState } from '../../src/page-app/page-state.ts';
import { linesOf, wordsOf } from '../../src/page-app/source-lines.ts';
import { HeapProfile } from '../../src/profile/index.ts';
import { sampleProfile } from '../support/sample-heap.ts';

const MARKUP = '</script><script>alert(1)</script><!--<script>&amp;"\'';

const data: PageData = {
  version: 1,
  title: MARKUP,
  profiles: [{ name: MARKUP, label: MARKUP, pprof: '' }],
  base: null,
  timeline: null,
  report: null,
  sources: { [MARKUP]: '' },
  missing: {},
  changed: {},
  root: '',
  live: null,
};

describe('the document', () => {
  const script = 'const end = "</script>"; const comment = "<!--";';
  const text = documentText(data, { script });

  test('has exactly its own elements', () => {
    expect(text.match(/<script\b/g)).toHaveLength(2);
    expect(text.match(/<\/script/g)).toHaveLength(2);
    expect(text).not.toContain('<!--<');
    expect(text).not.toContain('alert(1)</script>');
  });

  test('gives the data back as they were', () => {
    const json = /<script type="application\/json"[^>]*>(.*?)<\/script>/s.exec(text)![1]!;
    expect(JSON.parse(json)).toEqual(data);
  });

  test('allows its own script by hash and nothing else', () => {
    const policy = policyOf({ script });
    expect(policy).toMatch(/default-src 'none'; script-src 'sha256-[\w+/]+=*';/);
    expect(policy).not.toMatch(/unsafe|connect-src|https?:/);
    expect(policyOf({ script, connects: true })).toContain("connect-src 'self'");
  });
});

test('base64 is decoded also where the browser has no function for it', () => {
  const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * 73) & 255);
  expect(fromBase64(Buffer.from(bytes).toString('base64'))).toEqual(bytes);
  expect(() => fromBase64('no base64!')).toThrow();
});

describe('sources', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'heapline-sources-'));
    writeFileSync(join(folder, 'a.c'), 'int main(void) {}\n');
    writeFileSync(join(folder, 'binary.c'), Uint8Array.of(1, 0, 2));
    symlinkSync(join(folder, 'nowhere'), join(folder, 'dangling.c'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('are carried, or the page says why not', () => {
    const files = [
      'a.c',
      'binary.c',
      'gone.c',
      'dangling.c',
      '.',
      '/dev/zero',
      'node:fs',
      'https://example.org/a.js',
      '__proto__',
    ];
    const { sources, missing } = carry(files, folder, Date.now() + 60_000);
    expect(Object.keys(sources)).toEqual(['a.c']);
    expect(missing['binary.c']).toBe('it is not a text');
    expect(missing['gone.c']).toContain('no such file');
    expect(missing['dangling.c']).toContain('no such file');
    expect(missing['.']).toContain('no regular file');
    expect(missing['/dev/zero']).toContain('no regular file');
    expect(missing['node:fs']).toContain('not a path');
    expect(missing['https://example.org/a.js']).toContain('not a path');
    expect(Object.keys(missing)).toContain('__proto__');
  });

  test('that are newer than the profile are named', () => {
    const dayBefore = Date.now() - 864e5;
    const { changed } = carry(['a.c', 'gone.c'], folder, dayBefore);
    expect(Object.keys(changed)).toEqual(['a.c']);
    expect(changed['a.c']).toBeGreaterThan(dayBefore);
    expect(carry(['a.c'], folder, Date.now() + 60_000).changed).toEqual({});
  });
});

describe('the state in the address', () => {
  test('is read back as it was written', () => {
    const state = {
      ...INITIAL,
      view: 'table',
      labels: ['leak:definite', 'heap:a&b=c#'],
      focus: '^a|b$',
      line: 12,
      icicle: true,
    } as const;
    expect(readState(`#${writeState(state)}`)).toEqual(state);
    expect(writeState(INITIAL)).toBe('');
  });

  test.each([
    '#view=nothing&by=&line=-5&unit=x&icicle=2',
    '#%E0%A4%A&line=1e999',
    '#__proto__=1&constructor=2',
    '#line=abc',
  ])('is as at the beginning where it makes no sense: %s', (fragment) => {
    const { line, ...state } = readState(fragment);
    expect(state).toEqual({
      ...INITIAL,
      line: undefined,
      ...state,
      view: 'flame',
      by: 'functions',
      unit: 'auto',
      icicle: false,
    });
    expect(line).toBeGreaterThanOrEqual(0);
  });
});

describe('profiles with unusual names', () => {
  const long = 'n'.repeat(2 ** 20);
  const model = (() => {
    const { model } = sampleProfile();
    return {
      ...model,
      functions: model.functions.map((fn, i) =>
        i === 0 ? { ...fn, name: long } : { ...fn, name: `${MARKUP}${i}` },
      ),
    };
  })();

  test('are summed like others', () => {
    const column = model.sampleTypes.findIndex(({ type }) => type === 'alloc_space');
    const tree = frameTree(model, column);
    expect(FlameNode.root(groupingOf(tree, false)).now).toBe(new HeapProfile(model).total('alloc_space'));
    expect(search(tree, 'alert(1)').total).toBeGreaterThan(0);
    expect(shortened(long).length).toBeLessThanOrEqual(300);
  });

  test('are filtered, and expressions that are none filter nothing', () => {
    const none = { focus: '', ignore: '', hide: '', labels: [] };
    expect(expressionError('(')).not.toBeNull();
    expect(expressionError('a'.repeat(2000))).toContain('longer');
    expect(filtered(model, { ...none, focus: '(' }, [])).toBe(model);
    expect(filtered(model, { ...none, ignore: 'alert' }, []).samples.count).toBeLessThan(model.samples.count);
    expect(filtered(model, { ...none, hide: '.' }, []).stacks.count).toBeLessThanOrEqual(model.stacks.count);
  });
});

describe('10,000 functions in one file', () => {
  test('have the sums of their lines, and only visible lines are read', () => {
    const { model } = sampleProfile();
    const [fn] = model.functions;
    const functions = Array.from({ length: 10_000 }, (_, i) => ({
      ...fn!,
      name: `f${i}`,
      systemName: '',
      file: '/many.c',
      startLine: i + 1,
    }));
    const locations = functions.map((_, i) => ({
      mapping: 0,
      address: i,
      lines: [{ function: i, line: i + 1, column: 1 }],
      folded: false,
    }));
    const count = functions.length;
    const many = {
      ...model,
      functions,
      locations,
      stacks: {
        count: count + 1,
        parent: new Int32Array(count + 1),
        location: Int32Array.from({ length: count + 1 }, (_, i) => Math.max(0, i - 1)),
      },
      sampleTypes: [{ type: 'inuse_space', unit: 'bytes' }],
      defaultSampleType: 'inuse_space',
      samples: {
        count,
        stack: Int32Array.from({ length: count }, (_, i) => i + 1),
        values: Float64Array.from({ length: count }, (_, i) => i),
        labelSet: new Int32Array(count),
        labelSets: [[]],
      },
    };
    const tree = frameTree(many, 0);
    const sums = linesOf(tree, '/many.c');
    expect([...sums.keys()].at(-1)).toBe(10_000);
    expect(sums.get(10_000)!.flat).toBe(9999);
    const text = functions.map(({ name }) => `void ${name}(void) { /* </script> */ }`);
    const words = wordsOf(text, 5000, 5003, '/many.c');
    expect(words.map((line) => line.map(({ text: word }) => word).join(''))).toEqual(text.slice(5000, 5003));
    expect(words[0]!.some(({ kind }) => kind.includes('comment'))).toBe(true);
  });
});
