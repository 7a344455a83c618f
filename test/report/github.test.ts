// GitHub annotations: the command syntax of the Actions runner, unescaped the way the runner does it.

import { expect, test } from 'vitest';
import { LeakReport } from '../../src/report/index.ts';
import { formatGitHub } from '../../src/report/writers.ts';
import { frame, record, sampleReport } from '../support/sample-report.ts';

// actions/runner, src/Runner.Common/ActionCommand.cs: properties are cut at commas, then unescaped.
function readCommands(text: string) {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const match = /^::(\w+) ([^\n]*?)::([^\n]*)$/.exec(line)!;
      const properties = Object.fromEntries(
        match[2]!.split(',').map((pair) => pair.split('=').map(unescape_)),
      );
      return { command: match[1], properties, message: unescape_(match[3]!) };
    });
}

function unescape_(text: string): string {
  return text.replace(/%(0D|0A|3A|2C|25)/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
}

test('each failing record and heap fault is one error command at its line, with the stack as message', () => {
  const commands = readCommands(formatGitHub(sampleReport(), { root: '/home/app' }));
  expect(commands).toHaveLength(3);
  expect(commands[1]).toEqual({
    command: 'error',
    properties: { file: 'src/list.c', line: '12', col: '17', title: 'Memory: definite leak' },
    message:
      'definite leak: 1,024 bytes in 4 blocks allocated in node_new\n' +
      '  at node_new (src/list.c:12:17) [inlined]\n' +
      '  at list_push (src/list.c:20:3)\n' +
      '  at main (src/main.c:40:10)\n' +
      '  at <anonymous> (test/list.test.ts:7:9)',
  });
  expect(commands[0]!.message).toContain('freed before\n  at list_pop (src/list.c:25:5)');
});

test('commas, colons, percent signs and line ends in paths and messages survive', () => {
  const commands = readCommands(formatGitHub(sampleReport()));
  expect(commands[2]!.properties.file).toBe('/usr/include/odd %,:name/copy.c');
  const [odd] = readCommands(
    formatGitHub(new LeakReport({ records: [record([frame('a::b%0A\r\nc', 'x.c:1')])] })),
  );
  expect(odd!.message).toContain('at a::b%0A\r\nc (x.c:1)');
});

test('what a libc allocates is marked where the project calls it, otherwise at the libc', () => {
  const strdup = frame('strdup', '/libc/string/strdup.c:7:12');
  const report = new LeakReport({
    records: [record([strdup, frame('copy', '/home/app/a.c:3:4'), frame('main', '/home/app/a.c:9:1')])],
    errors: [
      { kind: 'foreign-free', address: 16, block: null, frames: [strdup], allocatedAt: null, freedAt: null },
    ],
  });
  const [error, leak] = readCommands(formatGitHub(report, { root: '/home/app' }));
  expect(error!.properties).toMatchObject({ file: '/libc/string/strdup.c', line: '7' });
  expect(leak!.properties).toMatchObject({ file: 'a.c', line: '3', col: '4' });
  expect(leak!.message).toMatch(/^definite leak: 10 bytes in 1 block allocated in copy\n/);
});

test('a clean report is the empty text', () => {
  expect(formatGitHub(new LeakReport({ records: [] }))).toBe('');
});

test('there are at most ten commands, and the last one counts the rest, unless all are asked for', () => {
  const records = Array.from({ length: 25 }, (_, i) => record([frame(`f${i}`, `a.c:${i + 1}`)]));
  const commands = readCommands(formatGitHub(new LeakReport({ records })));
  expect(commands).toHaveLength(10);
  expect(commands[9]).toMatchObject({ properties: { title: 'Memory' }, message: 'and 16 more findings' });
  expect(readCommands(formatGitHub(new LeakReport({ records }), { all: true }))).toHaveLength(25);
});
