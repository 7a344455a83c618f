// Suppressions: the format, what patterns match, counting, and bad files. suppressions.witness.test.ts compares patterns
// with LeakSanitizer.

import fc from 'fast-check';
import { expect, test } from 'vitest';

import { SuppressionError } from '../../src/errors.ts';
import { LeakReport, parseSuppressions, suppress, suppressionsOf } from '../../src/report/index.ts';
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
])('the malformed file %j is refused with its line', (text, line, message) => {
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
  const started = performance.now();
  expect(matches(`${'a*'.repeat(200)}b$`, 'a'.repeat(20_000))).toBe(false);
  expect(performance.now() - started).toBeLessThan(30_000);
});
