// Suppressions: the formats, what patterns match, counting, bad files, and suppressions that are written for a report.
// suppressions.witness.test.ts compares them with LeakSanitizer and Valgrind.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { SuppressionError } from '../../src/errors.ts';
import {
  type LeakKind,
  type LeakRecord,
  LeakReport,
  parseSuppressions,
  suppress,
  suppressionsOf,
} from '../../src/report/index.ts';
import { formatSuppressions } from '../../src/report/writers.ts';
import { ownTime } from '../support/own-time.ts';
import { frame, record, sampleReport } from '../support/sample-report.ts';

function matches(pattern: string, name: string): boolean {
  const report = new LeakReport({ records: [record([frame(name)])] });
  return suppress(report, parseSuppressions(`leak:${pattern}`, 'x.supp')).suppressed.length === 1;
}

test('a pattern is searched for in function, linkage name, file and module of every frame', () => {
  const report = sampleReport();
  const hidden = (pattern: string) => suppress(report, suppressionsOf([pattern])).suppressed.length;
  expect(hidden('node_new')).toBe(1);
  expect(hidden('list_push')).toBe(1);
  expect(hidden('src/cache.c')).toBe(1);
  expect(hidden('list.wasm')).toBe(4);
  expect(hidden('absent')).toBe(0);
  const mangled = new LeakReport({ records: [record([frame('ns::f', '', { linkageName: '_ZN2ns1fEv' })])] });
  expect(suppress(mangled, suppressionsOf(['^_ZN2ns'])).records).toHaveLength(0);
});

test('suppressed records leave the records and totals, heap faults stay, and unused suppressions are named', () => {
  const file = '# known leaks\n\n  leak:node_new  \r\nleak:never_*\n';
  const report = suppress(sampleReport(), parseSuppressions(file, 'ci/leaks.supp'));
  expect(report.totals.definite.blocks).toBe(0);
  expect(report.records).toHaveLength(3);
  expect(report.errors).toHaveLength(1);
  expect(report.suppressed).toMatchObject([{ suppression: 'leak:node_new', record: { bytes: 1024 } }]);
  expect(report.unusedSuppressions).toEqual(['ci/leaks.supp:4: leak:never_*']);
});

test('the first suppression that matches takes the record, as in LeakSanitizer', () => {
  const report = suppress(sampleReport(), suppressionsOf(['leak:node_new', 'node_*']));
  expect(report.suppressed).toHaveLength(1);
  expect(report.unusedSuppressions).toEqual(['<code>:2: leak:node_*']);
});

test('a predicate can be a suppression', () => {
  const report = suppress(
    sampleReport(),
    suppressionsOf([
      function small(r) {
        return r.bytes < 40;
      },
    ]),
  );
  expect(report.suppressed.map((leak) => leak.suppression)).toEqual(['small', 'small']);
});

test.each([
  ['leak:ok\nrace:foo\n', 2, /unknown suppression type "race"/],
  ['\n\nnode_new\n', 3, /not a suppression: "node_new"/],
  ['leak:\n', 1, /empty pattern/],
  ['leak:^$', 1, /empty pattern/],
])('the malformed file %j is rejected with its line', (text, line, message) => {
  const read = () => parseSuppressions(text, 'bad.supp');
  expect(read).toThrow(SuppressionError);
  expect(read).toThrow(message);
  expect(read).toThrow(new RegExp(`^bad\\.supp:${line}: `));
});

test('any text is either read or rejected with a SuppressionError', () => {
  const line = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string().map((s) => `leak:${s}`),
    fc.constant('# x'),
  );
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      try {
        suppress(sampleReport(), parseSuppressions(lines.join('\n'), 'fuzz'));
      } catch (error) {
        expect(error).toBeInstanceOf(SuppressionError);
      }
    }),
  );
});

test('patterns match as the equivalent regular expressions do', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 12 });
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*'), minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(fc.boolean(), pattern, fc.boolean(), letters, (start, body, end, name) => {
      const text = `${start ? '^' : ''}${body}${end ? '$' : ''}`;
      const expression = new RegExp(text.replaceAll('*', '.*'));
      expect(matches(text, name)).toBe(name !== '' && expression.test(name));
    }),
    { numRuns: 2000 },
  );
});

test('a pattern of many stars on a long name ends', () => {
  const took = ownTime(() => expect(matches(`${'a*'.repeat(200)}b$`, 'a'.repeat(20_000))).toBe(false));
  expect(took).toBeLessThan(30_000);
});

describe('in the format of Valgrind', () => {
  const stack = [
    frame('xcalloc', '/home/app/src/wrap.c:7'),
    frame('make_node', '/home/app/src/list.c:12'),
    frame('ns::push(int)', '/home/app/src/list.cpp:20', { linkageName: '_ZN2ns4pushEi' }),
    frame('main', '/home/app/src/main.c:40'),
  ];
  const block = (lines: string) => `{\n  <name>\n  Memcheck:Leak\n  ${lines.replaceAll(' ', '\n  ')}\n}\n`;
  const hides = (lines: string, kind: LeakKind = 'definite') =>
    suppress(
      new LeakReport({ records: [record(stack, { kind })], program: 'build/app.wasm' }),
      parseSuppressions(block(lines), 'x.supp'),
    ).records.length === 0;

  test.each([
    ['fun:malloc fun:xcalloc fun:make_node', true],
    ['fun:calloc fun:xcalloc', true],
    ['fun:*alloc fun:xcalloc fun:make_node fun:_ZN2ns4pushEi fun:main', true],
    ['fun:xcalloc fun:make_node', true],
    ['fun:*alloc fun:make_node', true],
    ['fun:malloc fun:make_node', false],
    ['fun:make_node', false],
    ['fun:free fun:make_node', false],
    ['... fun:make_node', true],
    ['fun:malloc ... fun:main', true],
    ['fun:malloc ... fun:main ... fun:main', false],
    ['... fun:make_???e', true],
    ['... fun:make_??e', false],
    ['... fun:ns::push*', true],
    ['... obj:*app.wasm', true],
    ['... obj:app.wasm', false],
    ['... src:list.c', true],
    ['... src:list.c:12', true],
    ['... src:list.c:13', false],
    ['... src:/home/*/list.c', true],
    ['match-leak-kinds:definite ... fun:main', true],
    ['match-leak-kinds:possible,all ... fun:main', true],
    ['match-leak-kinds:reachable ... fun:main', false],
    ['match-leak-kinds:none ... fun:main', false],
  ])('%s: %s', (lines, hidden) => expect(hides(lines)).toBe(hidden));

  test('comments, empty lines and white space count nowhere, and both formats may be in one file', () => {
    const text = [
      '# first\r',
      '{\r',
      '\r',
      '   # the name:',
      ' a name : with { signs\t',
      'Memcheck,Other:Leak',
      'fun:malloc',
      '...',
      '# and',
      'fun:absent',
      '}',
      'leak:xcalloc',
    ].join('\n');
    const report = suppress(new LeakReport({ records: [record(stack)] }), parseSuppressions(text, 'x.supp'));
    expect(report.suppressed).toMatchObject([{ suppression: 'leak:xcalloc' }]);
    expect(report.unusedSuppressions).toEqual(['x.supp:5: a name : with { signs']);
  });

  test('suppressions for other errors and other tools are left out', () => {
    const others = ['Memcheck:Cond', 'Memcheck:Param\n write(buf)', 'Helgrind:Race', 'drd:ConflictingAccess'];
    const text = others.map((type) => `{\n other\n ${type}\n fun:main\n}\n`).join('');
    expect(parseSuppressions(text, 'x.supp')).toEqual([]);
  });

  test.each([
    ['{\nname\nMemcheck:Leak\nfun:main', 1, /the file ends inside .*: its closing brace is missing/],
    ['leak:x\n{\n', 2, /the file ends inside .*: its name is missing/],
    ['{\nname\nMemcheck\n}', 3, /"Memcheck" is not the type/],
    ['{\nname\nMemcheck:Leak:x\n}', 3, /is not the type/],
    ['{\nname\nMemcheck:Leak\nmatch-leak-kinds: lost\nfun:a\n}', 4, /unknown leak kind "lost"/],
    ['{\nname\nMemcheck:Leak\nmatch-leak-kinds: constructor\nfun:a\n}', 4, /unknown leak kind "constructor"/],
    ['{\nname\nMemcheck:Leak\nmain\n}', 4, /"main" is not a frame/],
    ['{\nname\nMemcheck:Leak\nfun:\n}', 4, /"fun:" is not a frame/],
    ['{\nname\nMemcheck:Leak\n...\n}', 5, /no frames, which would hide every leak/],
  ])('the malformed file %j is rejected with its line', (text, line, message) => {
    const read = () => parseSuppressions(text, 'bad.supp');
    expect(read).toThrow(SuppressionError);
    expect(read).toThrow(message);
    expect(read).toThrow(new RegExp(`^bad\\.supp:${line}: `));
  });

  test('any sequence of its lines is read or rejected with a SuppressionError', () => {
    const lines = [
      '{',
      '}',
      'name',
      'Memcheck:Leak',
      'Other:Kind',
      'fun:a*?',
      '...',
      'obj:*',
      '',
      '# x',
      'leak:a',
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...lines, 'match-leak-kinds:all', 'src:')), (chosen) => {
        try {
          suppress(sampleReport(), parseSuppressions(chosen.join('\n'), 'fuzz'));
        } catch (error) {
          expect(error).toBeInstanceOf(SuppressionError);
        }
      }),
    );
  });

  test('patterns match as the equivalent regular expressions do', () => {
    const letters = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 8 });
    const pattern = fc.array(fc.constantFrom('a', 'b', '?', '*', '...'), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(letters, pattern, (names, items) => {
        fc.pre(items.some((item) => item !== '...'));
        const lines = items.map((item) => (item === '...' ? item : `fun:${item}`)).join('\n');
        const text = `{\nname\nMemcheck:Leak\n${lines}\n}`;
        const one = (item: string) => (item === '*' ? '[abc]*,' : `${item.replace('?', '[abc]')},`);
        const body = items.map((item) => (item === '...' ? '(?:[abc]+,)*' : one(item))).join('');
        // The frame of the allocation function may stand before the others.
        const first = items[0] === '*' ? `(?:${body}|[abc]*,${body})` : body;
        const report = new LeakReport({ records: [record(names.map((name) => frame(name)))] });
        const hidden = suppress(report, parseSuppressions(text, 'x')).records.length === 0;
        const stack = names.map((name) => `${name},`).join('');
        const withAllocator =
          new RegExp(`^${first}`).test(stack) || new RegExp(`^${body}`).test(`malloc,${stack}`);
        if (items.includes('*')) expect(hidden || !new RegExp(`^${body}`).test(stack)).toBe(true);
        else expect(hidden).toBe(withAllocator);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('suppressions that are written', () => {
  const written = (records: readonly LeakRecord[], kinds?: readonly LeakKind[]) => {
    const report = new LeakReport({ records });
    const text = formatSuppressions(report, { root: '/home/app', ...(kinds && { kinds }) });
    return { text, left: suppress(report, parseSuppressions(text, 'generated.supp')) };
  };
  const main = frame('main', '/home/app/main.c:40');
  const alloc = frame('xmalloc', '/home/app/wrap.c:3');

  test('name the function that the fewest leaks have, and say what they hide', () => {
    const { text, left } = written([
      record([alloc, frame('make_a', '/home/app/a.c:1'), main], { bytes: 30 }),
      record([alloc, frame('make_b', '/home/app/b.c:2'), main], { bytes: 20 }),
    ]);
    expect(text).toBe(
      '# definite leak: 30 bytes in 1 block allocated in make_a, a.c:1\nleak:^make_a$\n\n' +
        '# definite leak: 20 bytes in 1 block allocated in make_b, b.c:2\nleak:^make_b$\n',
    );
    expect(left.records).toEqual([]);
    expect(left.unusedSuppressions).toEqual([]);
  });

  test('are shared by leaks that have no function of their own', () => {
    const { text, left } = written([record([alloc, main]), record([alloc, alloc, main])]);
    expect(text.match(/^leak:.*$/gm)).toEqual(['leak:^xmalloc$']);
    expect(text.match(/^# definite/gm)).toHaveLength(2);
    expect(left.records).toEqual([]);
  });

  test('are for the classes that were asked for', () => {
    const reachable = record([frame('cache_fill'), main], { kind: 'reachable' });
    expect(written([reachable]).text).toBe('');
    expect(written([reachable], ['reachable']).left.records).toEqual([]);
  });

  test('say how many leaks have no names', () => {
    expect(written([record([]), record([frame('')])]).text).toBe(
      '# 2 more without names, which no pattern can tell apart\n',
    );
  });

  test('hide leaks of any names', () => {
    const name = fc.string({ unit: fc.constantFrom(...'ab*^$ \n\t#{}leak:'), minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fc.array(fc.array(name, { minLength: 1, maxLength: 4 })), (stacks) => {
        const records = stacks.map((names) => record(names.map((each) => frame(each))));
        expect(written(records).left.records).toEqual([]);
      }),
    );
  });
});
