// JUnit XML, read back with Python's XML parser (expat), which knows nothing of how it was written.

import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { LeakReport } from '../../src/report/index.ts';
import { formatJUnit } from '../../src/report/writers.ts';
import { frame, record, sampleReport } from '../support/sample-report.ts';

interface Element {
  tag: string;
  attributes: Record<string, string>;
  text: string;
  children: Element[];
}

const READER = `
import json, sys, xml.etree.ElementTree as tree
def plain(e): return {'tag': e.tag, 'attributes': dict(e.attrib), 'text': e.text or '', 'children': [plain(c) for c in e]}
print(json.dumps(plain(tree.fromstring(sys.stdin.buffer.read()))))
`;

function readXml(xml: string): Element {
  return JSON.parse(execFileSync('python3', ['-c', READER], { input: xml, encoding: 'utf8' }));
}

function casesOf(report: LeakReport, options = {}): Element[] {
  return readXml(formatJUnit(report, options)).children[0]!.children.filter(
    (child) => child.tag === 'testcase',
  );
}

test('each record of the checked classes and each heap fault is a failed case with its place', () => {
  const root = readXml(formatJUnit(sampleReport(), { root: '/home/app' }));
  expect(root.tag).toBe('testsuites');
  expect(root.attributes).toMatchObject({ tests: '3', failures: '3', errors: '0' });
  const suite = root.children[0]!;
  expect(suite.attributes).toMatchObject({ name: 'heapline list.wasm', tests: '3', failures: '3' });
  const [fault, definite, indirect] = suite.children;
  expect(fault!.attributes).toMatchObject({
    file: 'src/list.c',
    line: '31',
    name: 'double-free in list_free (src/list.c:31:5)',
  });
  expect(fault!.children[0]!.text).toContain('freed before\n    at list_pop (src/list.c:25:5)');
  expect(definite!.attributes).toMatchObject({
    file: 'src/list.c',
    line: '12',
    classname: 'heapline list.wasm',
  });
  expect(definite!.children[0]!.attributes).toEqual({
    type: 'leak-definite',
    message: 'definite leak: 1,024 bytes in 4 blocks allocated in node_new',
  });
  expect(indirect!.children[0]!.text).toContain('at text_copy (/usr/include/odd %,:name/copy.c:3)');
});

test('a checked class without records is a passed case', () => {
  const cases = casesOf(new LeakReport({ records: [] }), { kinds: ['definite', 'possible'] });
  expect(cases.map((c) => c.attributes.name)).toEqual([
    'no heap faults',
    'no definite leaks',
    'no possible leaks',
  ]);
  expect(cases.every((c) => c.children.length === 0)).toBe(true);
});

test('two contexts that end in one line have different names', () => {
  const leaf = frame('f', 'f.c:1:1');
  const cases = casesOf(
    new LeakReport({ records: [record([leaf, frame('a')]), record([leaf, frame('b')])] }),
  );
  const names = cases.map((c) => c.attributes.name);
  expect(new Set(names).size).toBe(names.length);
});

test('any text in names and paths makes well-formed XML that reads back', () => {
  const name = `<a href="x">&amp;'\n\t]]> \u0000\u0007\ufffe\ud800 é 漢 😀`;
  const [, definite] = casesOf(
    new LeakReport({ records: [record([frame(name, 'f.c:1:1')])], program: name }),
  );
  expect(definite!.attributes.name).toContain(`<a href="x">&amp;'\n\t]]> ���� é 漢 😀`);
});
