// What the text of a report leaves out of its stacks: frames outside of the project, hidden frames, and records.

import { expect, it } from 'vitest';
import { namedFrame } from '../../src/frames/index.ts';
import { formatText, LeakReport, type TextOptions } from '../../src/report/index.ts';

const frame = (name: string, file = '') => ({ ...namedFrame(name), file, line: file === '' ? 0 : 7 });
const record = (bytes: number, ...frames: ReturnType<typeof frame>[]) => ({
  kind: 'definite' as const,
  blocks: 1,
  bytes,
  frames,
  sample: null,
  indirect: { blocks: 0, bytes: 0 },
  parts: [],
});

const report = new LeakReport({
  records: [
    record(
      20,
      frame('reserve', '/lib/vector.h'),
      frame('grow', '/lib/vector.h'),
      frame('push', '/lib/vector.h'),
      frame('parse', '/p/parse.c'),
      frame('call', '/lib/call.h'),
      frame('main', '/p/main.c'),
      frame('run', '/p/node_modules/runner/run.js'),
      frame('start', 'node:internal/start'),
      frame('[host]'),
    ),
    record(10, frame('make', '/lib/a.c'), frame('other', '/lib/b.c')),
  ],
});

function stacks(options: TextOptions): string[] {
  const text = formatText(report, { root: '/p', ...options });
  return [...text.matchAll(/^ {2}at (.*)$/gm)].map(([, line]) => line!.replace(/:7\)/, ')'));
}

it('folds neighbouring frames outside of the project, but not the innermost one, and no stack that is wholly outside', () => {
  expect(stacks({})).toEqual([
    'reserve (/lib/vector.h)',
    '[2 frames outside of the project]',
    'parse (parse.c)',
    'call (/lib/call.h)',
    'main (main.c)',
    '[3 frames outside of the project]',
    'make (/lib/a.c)',
    'other (/lib/b.c)',
  ]);
  expect(stacks({ frames: 'all' })).toHaveLength(11);
});

it('hides frames, and shows the records that focus and ignore leave', () => {
  expect(stacks({ hide: '^(push|grow|reserve|call)$', frames: 'all' })).toEqual([
    'parse (parse.c)',
    'main (main.c)',
    'run (node_modules/runner/run.js)',
    'start (node:internal/start)',
    '[host]',
    'make (/lib/a.c)',
    'other (/lib/b.c)',
  ]);
  expect(stacks({ focus: 'parse\\.c' })).toHaveLength(6);
  expect(stacks({ ignore: 'vector' })).toEqual(['make (/lib/a.c)', 'other (/lib/b.c)']);
  expect(stacks({ focus: 'make|parse', ignore: 'other' })).toHaveLength(6);
  expect(() => stacks({ focus: '(' })).toThrow('no regular expression');
});

it('counts all records in the totals', () => {
  expect(formatText(report, { focus: 'no such function' })).toBe('definite 30 bytes in 2 blocks\n');
});
