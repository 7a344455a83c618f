// The JSON form: exactly the documented fields.

import { expect, test } from 'vitest';
import { formatJson, toJson } from '../../src/report/index.ts';
import { sampleReport } from '../support/sample-report.ts';

test('a record has class, blocks, bytes, the stack from the innermost frame on, and its first bytes', () => {
  expect(toJson(sampleReport(), { root: '/home/app' }).records[1]).toEqual({
    kind: 'indirect',
    blocks: 2,
    bytes: 48,
    stack: [
      {
        function: 'text_copy',
        file: '/usr/include/odd %,:name/copy.c',
        line: 3,
        column: 0,
        inlined: false,
        language: 'c',
      },
      { function: 'main', file: 'src/main.c', line: 40, column: 10, inlined: false, language: 'c' },
    ],
    place: {
      function: 'main',
      file: 'src/main.c',
      line: 40,
      column: 10,
      inlined: false,
      language: 'c',
    },
    sample: null,
    indirect: { blocks: 0, bytes: 0 },
    tree: [],
  });
  const { sample, stack } = toJson(sampleReport()).records[0]!;
  expect(stack[0]).toMatchObject({ function: 'node_new', inlined: true });
  expect(sample).toMatchObject({ address: 0x11020, text: 'hello, "heap" <&>... and the rest' });
  expect(sample!.hex).toMatch(/^68 65 6c( [0-9a-f]{2})+$/);
});

test('the document has a version, heap faults with three stacks, and totals, and survives a round trip', () => {
  const text = formatJson(sampleReport());
  const json = JSON.parse(text);
  expect(Object.keys(json)).toEqual([
    'version',
    'program',
    'records',
    'errors',
    'failedAllocations',
    'damage',
    'totals',
    'suppressed',
    'unusedSuppressions',
    'known',
    'knownErrors',
    'growth',
    'notes',
  ]);
  expect(json.version).toBe(2);
  expect(json).toEqual(toJson(sampleReport()));
  expect(json.errors[0].kind).toBe('double-free');
  expect(json.errors[0].stack[0].line).toBe(31);
  expect(json.errors[0].allocated[0].line).toBe(12);
  expect(json.errors[0].freed[0].line).toBe(25);
  expect(json.totals.total).toEqual({ blocks: 8, bytes: 1120 });
});

test('equal reports give equal texts', () => {
  expect(formatJson(sampleReport())).toBe(formatJson(sampleReport()));
});
