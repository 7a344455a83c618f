// heapline view: its server answers this machine alone and ends with Ctrl-C, and files that cannot be written or read
// end it with one readable line.

import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { CommandDirectory } from '../support/command-directory.ts';
import { sampleProfile } from '../support/sample-heap.ts';

const directory = new CommandDirectory();
// A copy, because slices of a Buffer share its memory.
const bytes = Uint8Array.from(sampleProfile().encode());

beforeAll(() => {
  directory.write('heap.pb.gz', bytes);
});
afterAll(() => directory.dispose());

interface Asking {
  readonly method?: string;
  readonly path?: string;
  readonly host?: string;
  readonly agent?: Agent;
}

describe('the server', () => {
  let command: ChildProcess;
  let ended: Promise<unknown[]>;
  let address: URL;

  beforeAll(async () => {
    const [program, ...args] = directory.commandLine(['view', '--no-open', 'heap.pb.gz']);
    command = spawn(program!, args, { cwd: directory.path, stdio: ['ignore', 'ignore', 'pipe'] });
    ended = once(command, 'exit');
    let said = '';
    for await (const chunk of command.stderr!.iterator({ destroyOnReturn: false })) {
      said += chunk;
      if (said.includes('\n')) break;
    }
    expect(said).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/ until Ctrl-C\n$/);
    address = new URL(said.split(' ')[0]!);
  });
  afterAll(() => command.kill('SIGKILL'));

  async function ask({ method = 'GET', path = '/', host = address.host, agent }: Asking) {
    const asked = request(address, { method, path, headers: { host }, ...(agent && { agent }) });
    asked.end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    let body = '';
    for await (const chunk of answer.setEncoding('utf8')) body += chunk;
    return { status: answer.statusCode, headers: answer.headers, body };
  }

  it('listens at a port of its own and serves the page, whose policy allows its own script alone', async () => {
    expect(Number(address.port)).toBeGreaterThan(0);
    const { status, headers, body } = await ask({});
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    });
    const policy = /<meta http-equiv="Content-Security-Policy" content="([^"]+)">/.exec(body)![1]!;
    const [script] = [...body.matchAll(/<script>(.*?)<\/script>/gs)].map(([, text]) => text!);
    const hash = createHash('sha256').update(script!).digest('base64');
    expect(policy).toMatch(/^default-src 'none'; /);
    expect(policy).toContain(`script-src 'sha256-${hash}';`);
    expect(policy).not.toContain('connect-src');
    const data = JSON.parse(/<script type="application\/json"[^>]*>(.*?)<\/script>/s.exec(body)![1]!);
    expect([data.title, data.live, data.profiles.length]).toEqual(['heap.pb.gz', null, 1]);
  });

  it('answers the names of this machine, and no others', async () => {
    const { port } = address;
    const statuses: Record<string, number | undefined> = {};
    for (const host of [`localhost:${port}`, `[::1]:${port}`, `evil.example:${port}`, 'localhost']) {
      statuses[host] = (await ask({ host })).status;
    }
    expect(statuses).toEqual({
      [`localhost:${port}`]: 200,
      [`[::1]:${port}`]: 200,
      [`evil.example:${port}`]: 403,
      localhost: 403,
    });
    expect((await ask({ host: `evil.example:${port}` })).body).toBe('');
  });

  it('listens at one address of this machine alone', async () => {
    const socket = connect({ host: '127.0.0.2', port: Number(address.port) });
    const [error] = (await Promise.race([once(socket, 'error'), once(socket, 'connect')])) as [
      NodeJS.ErrnoException?,
    ];
    socket.destroy();
    expect(error).toBeDefined();
  });

  it('has one page, which can only be read', async () => {
    expect((await ask({ path: '/../etc/passwd' })).status).toBe(404);
    const head = await ask({ method: 'HEAD' });
    expect([head.status, head.body]).toEqual([200, '']);
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const { status, headers, body } = await ask({ method });
      expect([method, status, headers.allow, body]).toEqual([method, 405, 'GET, HEAD', '']);
    }
  });

  it('ends with Ctrl-C, although a browser keeps a connection', async () => {
    const agent = new Agent({ keepAlive: true });
    await ask({ agent });
    command.kill('SIGINT');
    expect(await ended).toEqual([0, null]);
    agent.destroy();
  });
});

/** What the command says when it fails. */
function failure(...args: string[]): string {
  const { status, stdout, stderr } = directory.heapline(['view', ...args]);
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(/^heapline: .*\n$/);
  return stderr;
}

test.each([
  // Nobody can make files there, not even root.
  ['/sys/heap.html', /^heapline: \/sys\/heap\.html cannot be written: (?:permission denied|.*read-only)/],
  ['missing/heap.html', /^heapline: missing\/heap\.html cannot be written: its directory does not exist/],
  ['.', /^heapline: \. cannot be written: it is a directory/],
])('-o %s: says why the page cannot be written', (file, message) => {
  expect(failure('-o', file, 'heap.pb.gz')).toMatch(message);
});

describe('a profile that cannot be shown is named with the reason', () => {
  const damaged = bytes.slice();
  damaged.fill(0xff, damaged.length >> 1);
  test.each([
    ['cut.pb.gz', bytes.slice(0, bytes.length >> 1)],
    ['damaged.pb.gz', damaged],
    ['text.pb.gz', 'no profile'],
    ['page.pb.gz', '<!DOCTYPE html>'],
    ['empty.pb.gz', ''],
  ])('%s', (name, content) => {
    directory.write(name, content);
    expect(failure(name).startsWith(`heapline: ${name}: `)).toBe(true);
    expect(failure('--base', name, 'heap.pb.gz').startsWith(`heapline: ${name}: `)).toBe(true);
    expect(failure('-o', 'never.html', name)).toContain(name);
    expect(directory.has('never.html')).toBe(false);
  });

  test('a file that is not there', () => {
    expect(failure('gone.pb.gz')).toBe('heapline: gone.pb.gz cannot be read: there is no such file.\n');
  });
});
