// Heapline's handler and Go's net/http/pprof get the same requests, and their statuses, headers and error texts are
// compared. All intended differences are listed in this file and nowhere else.

import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Sandbox } from '../../src/index.ts';
import {
  type Answer,
  type Asking,
  ask,
  loadService,
  type Served,
  type Service,
  serve,
  startGoServer,
} from '../support/served.ts';

let directory: string;
let go: { port: number; timedPort: number; process: ChildProcess };
let ours: Served;
let oursTimed: Served;
let lib: Sandbox<Service>;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'heapline-go-'));
  lib = await loadService();
  lib.exports.keep(1000);
  go = await startGoServer(directory);
  ours = await serve();
  oursTimed = await serve({ writeTimeout: 2 });
});

afterAll(async () => {
  go?.process.kill();
  await ours?.[Symbol.asyncDispose]();
  await oursTimed?.[Symbol.asyncDispose]();
  lib?.dispose();
  rmSync(directory, { recursive: true, force: true });
});

/** Headers that are part of the interface. */
const HEADERS = ['content-type', 'content-disposition', 'x-content-type-options', 'x-go-pprof', 'location'];

function compared({ status, headers, text }: Answer, body: 'exact' | 'status'): Record<string, unknown> {
  const seen: Record<string, unknown> = { status };
  for (const name of HEADERS) seen[name] = headers[name];
  if (body === 'exact') seen.body = text;
  return seen;
}

const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
const post = (body: string, headers: Record<string, string> = form): Asking => ({
  method: 'POST',
  headers,
  body,
});

/** Requests whose answers have the same headers and the same text. */
const EXACT: readonly [string, string, Asking?][] = [
  ['an unknown name', '/debug/pprof/nosuch'],
  ['an unknown name below a known one', '/debug/pprof/heap/'],
  ['something after a profile', '/debug/pprof/heap/more'],
  ['something after cmdline', '/debug/pprof/cmdline/'],
  ['something after symbol', '/debug/pprof/symbol/x'],
  ['an unknown name with parameters', '/debug/pprof/nosuch?seconds=1&debug=1'],
  ['a name in the wrong case', '/debug/pprof/Heap'],
  ['a name with markup in it', '/debug/pprof/%3Cscript%3E'],
  ['a name with a NUL in it', '/debug/pprof/heap%00'],
  ['HEAD of an unknown name', '/debug/pprof/nosuch', { method: 'HEAD' }],
  ['POST to an unknown name', '/debug/pprof/nosuch', post('')],
  ['DELETE of an unknown name', '/debug/pprof/nosuch', { method: 'DELETE' }],
  ['seconds=0', '/debug/pprof/heap?seconds=0'],
  ['negative seconds', '/debug/pprof/heap?seconds=-1'],
  ['seconds that are no number', '/debug/pprof/heap?seconds=x'],
  ['seconds with a fraction', '/debug/pprof/heap?seconds=0.5'],
  ['seconds with a blank', '/debug/pprof/heap?seconds=+1'],
  ['seconds beyond 64 bits', '/debug/pprof/heap?seconds=9223372036854775808'],
  ['seconds in hexadecimal', '/debug/pprof/heap?seconds=0x1'],
  ['seconds with underscores', '/debug/pprof/heap?seconds=1_0'],
  ['seconds of NaN', '/debug/pprof/allocs?seconds=NaN'],
  ['the first of two seconds', '/debug/pprof/heap?seconds=x&seconds=1'],
  ['seconds in a form', '/debug/pprof/heap', post('seconds=x')],
  ['seconds in a form before those in the query', '/debug/pprof/heap?seconds=1', post('seconds=x')],
  [
    'seconds in the query before those in a multipart form',
    '/debug/pprof/heap?seconds=y',
    post('--b\r\nContent-Disposition: form-data; name="seconds"\r\n\r\n1\r\n--b--\r\n', {
      'Content-Type': 'multipart/form-data; boundary=b',
    }),
  ],
  ['debug together with seconds', '/debug/pprof/heap?seconds=1&debug=1'],
  ['debug together with seconds, allocs', '/debug/pprof/allocs?debug=2&seconds=3'],
  ['HEAD with bad seconds', '/debug/pprof/heap?seconds=0', { method: 'HEAD' }],
  ['symbol without addresses', '/debug/pprof/symbol'],
  ['symbol of address 0', '/debug/pprof/symbol?0x0'],
  ['symbol of what is no address', '/debug/pprof/symbol?nonsense'],
  ['symbol of an octal number that is none', '/debug/pprof/symbol?08'],
  ['symbol of an address where nothing is', '/debug/pprof/symbol?0x10'],
  ['symbol of an address beyond 64 bits', '/debug/pprof/symbol?0xfffffffffffffffff'],
  ['symbol of many empty words', '/debug/pprof/symbol?++++'],
  ['HEAD of symbol', '/debug/pprof/symbol', { method: 'HEAD' }],
  ['POST to symbol with nothing', '/debug/pprof/symbol', post('')],
  ['POST to symbol ignores the query', '/debug/pprof/symbol?0x10', post('0x20', {})],
  ['a word of symbol beyond the buffer', '/debug/pprof/symbol', post(`${'9'.repeat(5000)}+0x10`, {})],
  ['a word of symbol that just fits the buffer', '/debug/pprof/symbol', post(`${'9'.repeat(4095)}+0x10`, {})],
];

/** Requests whose answers are profiles or pages with different contents: only status and headers are compared. */
const SAME_HEADERS: readonly [string, string, Asking?][] = [
  ['the index', '/debug/pprof/'],
  ['the index with parameters', '/debug/pprof/?debug=1&seconds=x'],
  ['HEAD of the index', '/debug/pprof/', { method: 'HEAD' }],
  ['POST to the index', '/debug/pprof/', post('')],
  ['heap', '/debug/pprof/heap'],
  ['HEAD of heap', '/debug/pprof/heap', { method: 'HEAD' }],
  ['POST to heap', '/debug/pprof/heap', post('x=1')],
  ['PUT to heap', '/debug/pprof/heap', { method: 'PUT', body: 'x' }],
  ['OPTIONS of heap', '/debug/pprof/heap', { method: 'OPTIONS' }],
  ['heap, with an escaped letter', '/debug/pprof/he%61p'],
  ['heap after an escaped slash', '/debug/pprof%2Fheap'],
  ['heap?debug=1', '/debug/pprof/heap?debug=1'],
  ['heap?debug=2', '/debug/pprof/heap?debug=2'],
  ['heap?debug=-1', '/debug/pprof/heap?debug=-1'],
  ['heap?debug=0', '/debug/pprof/heap?debug=0'],
  ['heap?debug=x', '/debug/pprof/heap?debug=x'],
  ['heap with a debug beyond 64 bits', '/debug/pprof/heap?debug=99999999999999999999'],
  ['heap with debug in a form', '/debug/pprof/heap', post('debug=1')],
  [
    'heap with debug in a multipart form',
    '/debug/pprof/heap',
    post('--b\r\nContent-Disposition: form-data; name="debug"\r\n\r\n1\r\n--b--\r\n', {
      'Content-Type': 'multipart/form-data; boundary=b',
    }),
  ],
  ['heap with a form that is none', '/debug/pprof/heap', post('debug=1', { 'Content-Type': 'text/plain' })],
  [
    'heap with a multipart form that is broken',
    '/debug/pprof/heap',
    post('debug=1', { 'Content-Type': 'multipart/form-data' }),
  ],
  ['heap with a semicolon in the query', '/debug/pprof/heap?debug=1;x'],
  ['heap with a bad escape in the query', '/debug/pprof/heap?debug=%zz'],
  ['heap?gc=1', '/debug/pprof/heap?gc=1'],
  ['heap?gc=x&debug=1', '/debug/pprof/heap?gc=x&debug=1'],
  ['heap with empty seconds', '/debug/pprof/heap?seconds='],
  ['heap with a question mark twice', '/debug/pprof/heap??debug=1'],
  ['heap?seconds=1', '/debug/pprof/heap?seconds=1'],
  ['heap?seconds=+1, escaped', '/debug/pprof/heap?seconds=%2B1'],
  ['heap?seconds=01', '/debug/pprof/heap?seconds=01'],
  ['HEAD of heap?seconds=1', '/debug/pprof/heap?seconds=1', { method: 'HEAD' }],
  ['allocs', '/debug/pprof/allocs'],
  ['allocs?debug=1', '/debug/pprof/allocs?debug=1'],
  ['allocs?seconds=1', '/debug/pprof/allocs?seconds=1'],
  ['cmdline', '/debug/pprof/cmdline'],
  ['HEAD of cmdline', '/debug/pprof/cmdline', { method: 'HEAD' }],
  ['POST to cmdline', '/debug/pprof/cmdline', post('')],
  ['profile?seconds=1', '/debug/pprof/profile?seconds=1'],
  ['profile with seconds in a form', '/debug/pprof/profile', post('seconds=1')],
];

/** The same comparison, but Go does not send nosniff on redirects and Heapline does. */
const REDIRECTS: readonly [string, string, Asking?][] = [
  ['the directory without its slash', '/debug/pprof'],
  ['the directory without its slash, with a query', '/debug/pprof?debug=1&x=%20'],
  ['HEAD of the directory without its slash', '/debug/pprof', { method: 'HEAD' }],
  ['POST to the directory without its slash', '/debug/pprof', post('')],
  ['a doubled slash', '/debug/pprof//heap'],
  ['a doubled slash in front', '//debug/pprof/heap?debug=1'],
  ['a dot', '/debug/pprof/./heap'],
  ['two dots', '/debug/pprof/x/../heap'],
  ['a path that needs escaping', '/debug/pprof//%3Ca%20b%3E'],
  ['a path of punctuation', "/debug/pprof//!$&'()*+,:;=@~[]"],
];

describe('answers as net/http/pprof does', () => {
  test.each(EXACT)('%s', async (_, target, asking) => {
    const theirs = await ask(go.port, target, asking);
    expect(compared(await ours.ask(target, asking), 'exact')).toEqual(compared(theirs, 'exact'));
  });

  test.each(SAME_HEADERS)('%s', async (_, target, asking) => {
    const [theirs, mine] = await Promise.all([ask(go.port, target, asking), ours.ask(target, asking)]);
    expect(compared(mine, 'status')).toEqual(compared(theirs, 'status'));
    if (asking?.method === 'HEAD') expect(mine.body.length).toBe(0);
    else expect(mine.body.length).toBeGreaterThan(0);
  });

  test.each(REDIRECTS)('a redirect for %s', async (_, target, asking) => {
    const theirs = await ask(go.port, target, asking);
    expect(theirs.status).toBe(301);
    expect(compared(await ours.ask(target, asking), 'exact')).toEqual({
      ...compared(theirs, 'exact'),
      'x-content-type-options': 'nosniff',
    });
  });

  test.each([
    ['a difference longer than the write timeout', '/debug/pprof/heap?seconds=2'],
    ['a difference much longer than the write timeout', '/debug/pprof/allocs?seconds=100000'],
    ['a CPU profile as long as the write timeout', '/debug/pprof/profile?seconds=2'],
    ['a CPU profile of the default duration', '/debug/pprof/profile'],
    ['a CPU profile whose seconds cannot be read', '/debug/pprof/profile?seconds=x'],
    ['bad seconds before the write timeout', '/debug/pprof/heap?seconds=-3'],
    ['the write timeout before debug', '/debug/pprof/heap?seconds=3&debug=1'],
  ])('%s', async (_, target) => {
    const theirs = await ask(go.timedPort, target);
    expect(theirs.status).toBe(400);
    expect(compared(await oursTimed.ask(target), 'exact')).toEqual(compared(theirs, 'exact'));
  });

  test('a CPU profile during another CPU profile', async () => {
    const both = async (port: number): Promise<Answer> => {
      const first = ask(port, '/debug/pprof/profile?seconds=1');
      await new Promise((resolve) => setTimeout(resolve, 300));
      const second = await ask(port, '/debug/pprof/profile?seconds=1');
      expect((await first).status).toBe(200);
      return second;
    };
    const [theirs, mine] = await Promise.all([both(go.port), both(ours.port)]);
    expect(compared(mine, 'exact')).toEqual(compared(theirs, 'exact'));
  });

  test('a path outside /debug/pprof', async () => {
    for (const target of ['/', '/debug', '/debug/', '/debug/pprofx', '/debug/pprof/../x']) {
      const mine = await ours.ask(target);
      const theirs = await ask(go.port, target);
      if (theirs.status === 404) expect(compared(mine, 'exact')).toEqual(compared(theirs, 'exact'));
      else expect([theirs.status, mine.status]).toEqual([301, 404]);
    }
  });

  test('a symbol that exists, with GET and with POST', async () => {
    for (const port of [go.port, ours.port]) {
      const legacy = (await ask(port, '/debug/pprof/heap?debug=1')).text;
      const [, address, name] = /^#\t(0x[0-9a-f]+)\t+([^\s+]+)/m.exec(legacy)!;
      const expected = new RegExp(`^num_symbols: 1\n${address} ${name!.replace(/[()*.]/g, '\\$&')}\n$`);
      expect((await ask(port, `/debug/pprof/symbol?${address}`)).text).toMatch(expected);
      expect((await ask(port, '/debug/pprof/symbol', post(address!))).text).toMatch(expected);
      expect((await ask(port, '/debug/pprof/symbol', post(`0x1+${address}+`))).text).toMatch(expected);
    }
  });

  test.each(['goroutine', 'block', 'mutex', 'threadcreate', 'trace'])(
    '404 for %s, with advice what to use instead',
    async (name) => {
      expect((await ask(go.port, `/debug/pprof/${name}?seconds=1`)).status).toBe(200);
      const { status, headers, text } = await ours.ask(`/debug/pprof/${name}`);
      expect(status).toBe(404);
      expect(headers['x-go-pprof']).toBe('1');
      expect(text).toMatch(/^Unknown profile: .*use \w+/);
    },
  );
});

describe('the text of debug=1', () => {
  test("has the same lines as Go's text", async () => {
    const theirs = (await ask(go.port, '/debug/pprof/heap?debug=1')).text;
    const mine = (await ours.ask('/debug/pprof/heap?debug=1')).text;
    for (const text of [theirs, mine]) {
      expect(text).toMatch(
        /^heap profile: \d+: \d+ \[\d+: \d+\] @ heap\/\d+\n\d+: \d+ \[\d+: \d+\] @( 0x[0-9a-f]+)+\n#\t0x/,
      );
      expect(text).toContain('\n\n# runtime.MemStats\n# Alloc = ');
      expect(text).toMatch(/# MaxRSS = \d+\n$/);
    }
    expect(mine).toContain('@ heap/2\n');
    const names = (text: string): string[] => [...text.matchAll(/^# (\w+) = /gm)].map(([, name]) => name!);
    const gaps = names(theirs).filter((name) => !names(mine).includes(name));
    // These figures describe Go's collector, stacks and runtime, and nothing here corresponds to them.
    expect(gaps).toEqual([
      'Stack',
      'MSpan',
      'MCache',
      'BuckHashSys',
      'GCSys',
      'NextGC',
      'LastGC',
      'PauseNs',
      'PauseEnd',
      'NumGC',
      'NumForcedGC',
      'GCCPUFraction',
      'DebugGC',
    ]);
  });
});
