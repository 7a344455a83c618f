// The handler's answers: which sandboxes and labels they show, deltas, differences and limits. The answers are the
// same through node:http and through fetch.

import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { atOnce } from '../../src/algorithms/steps.ts';
import { HeapProfile, InvalidArgumentError, type Sandbox } from '../../src/index.ts';
import { ProfileBuilder, type ProfileModel } from '../../src/profile/index.ts';
import { cut, fitted } from '../../src/serve/delta.ts';
import { pprofFetch, pprofHandler, servePprof } from '../../src/serve/index.ts';
import { ask, loadService, type Served, type Service, serve } from '../support/served.ts';

let lib: Sandbox<Service>;
let served: Served;
beforeEach(async () => {
  lib = await loadService();
  served = await serve({ sandboxes: [lib] });
});
afterEach(async () => {
  await served[Symbol.asyncDispose]();
  lib.dispose();
});

const profileOf = async (target: string, from = served): Promise<HeapProfile> => {
  const answer = await from.ask(target);
  expect(answer.status).toBe(200);
  return HeapProfile.decode(answer.body);
};

describe('profiles', () => {
  test.each(['heap', 'allocs', 'peak', 'temporary', 'lifetime'] as const)(
    '%s is the profile of the sandbox',
    async (kind) => {
      lib.exports.keep(1000);
      lib.exports.churn(100);
      const mine = await profileOf(`/debug/pprof/${kind}`);
      const whole = lib.heap.profile({ kind });
      expect(mine.sampleTypes).toEqual(whole.sampleTypes);
      expect(mine.defaultSampleType).toBe(whole.defaultSampleType);
      for (const { type } of whole.sampleTypes) expect(mine.total(type)).toBe(whole.total(type));
    },
  );

  test('every sample names its heap and its instance', async () => {
    lib.exports.keep(10);
    for (const { labels } of (await profileOf('/debug/pprof/heap')).samples()) {
      expect(labels).toMatchObject({ heap: 'c', instance: lib.instance });
    }
  });

  test('two sandboxes make one profile, in which the instance tells them apart', async () => {
    const other = await loadService();
    await using both = await serve({ sandboxes: () => [lib, other] });
    lib.exports.keep(100);
    other.exports.keep(200);
    other.exports.keep(300);
    const totals: Record<string, number> = {};
    for (const { labels, values } of (await profileOf('/debug/pprof/heap', both)).samples()) {
      totals[labels.instance!] = (totals[labels.instance!] ?? 0) + values[3]!;
    }
    expect(totals).toEqual({ [lib.instance]: 100, [other.instance]: 500 });
    expect(lib.instance).not.toBe(other.instance);
    other.dispose();
    expect((await profileOf('/debug/pprof/heap', both)).total()).toBe(100);
  });

  test('all open sandboxes are shown by default, and no disposed ones', async () => {
    await using all = await serve();
    const another = await loadService();
    another.exports.keep(77);
    const instances = async (): Promise<unknown[]> =>
      [...(await profileOf('/debug/pprof/heap', all)).samples()].map(({ labels }) => labels.instance);
    expect(await instances()).toContain(another.instance);
    another.dispose();
    expect(await instances()).not.toContain(another.instance);
  });

  test('a server without sandboxes gives a profile without samples', async () => {
    await using empty = await serve({ sandboxes: [] });
    const profile = await profileOf('/debug/pprof/heap', empty);
    expect(profile.sampleCount).toBe(0);
    expect(profile.comments).toContain('no sandbox is open');
    expect((await empty.ask('/debug/pprof/heap?debug=1')).text).toMatch(
      /^heap profile: 0: 0 \[0: 0\] @ heap\/2\n/,
    );
    expect((await empty.ask('/debug/pprof/')).text).toContain('No sandbox is open.');
  });

  test('debug=1 has the totals of the heap in its first line', async () => {
    lib.exports.keep(1000);
    lib.exports.churn(10);
    const { inUseObjects, inUseBytes, allocObjects, allocBytes } = lib.heap.stats();
    const { text } = await served.ask('/debug/pprof/heap?debug=1');
    expect(text.split('\n')[0]).toBe(
      `heap profile: ${inUseObjects}: ${inUseBytes} [${allocObjects}: ${allocBytes}] @ heap/2`,
    );
    expect(text).toContain(`\n# Alloc = ${inUseBytes}\n`);
    expect(text).toMatch(/#\t0x[0-9a-f]+\tkeep\t+\/.*service\.c:\d+\n/);
  });
});

describe('leaks', () => {
  test('are the blocks that C has lost, labelled with their class', async () => {
    lib.exports.keep(1000);
    for (let i = 0; i < 2; i++) lib.exports.lose(100);
    const lost = [...(await profileOf('/debug/pprof/leaks')).samples()].map(({ frames, labels, values }) => ({
      name: frames[0]!.function,
      leak: labels.leak,
      values,
    }));
    expect(lost).toHaveLength(2);
    expect(lost).toContainEqual({ name: 'lose', leak: 'definite', values: [2, 8] });
    expect(lost).toContainEqual({ name: 'lose', leak: 'indirect', values: [2, 200] });
  });

  test('are also available as text, with lines of C', async () => {
    lib.exports.lose(100);
    const { status, text } = await served.ask('/debug/pprof/leaks?debug=1');
    expect(status).toBe(200);
    expect(text).toMatch(/^heap profile: 2: 104 \[2: 104\] @ heap\/2\n/);
    expect(text).toMatch(/service\.c:\d+/);
  });
});

describe('differences', () => {
  test('seconds=N gives the difference over that time, with its duration', async () => {
    lib.exports.keep(5000);
    const pending = served.ask('/debug/pprof/heap?seconds=1');
    await new Promise((resolve) => setTimeout(resolve, 400));
    lib.exports.keep(100);
    lib.exports.keep(200);
    const answer = await pending;
    const profile = HeapProfile.decode(answer.body);
    expect(answer.headers['content-disposition']).toBe('attachment; filename="heap-delta"');
    expect(profile.total('inuse_space')).toBe(300);
    expect(profile.total('alloc_objects')).toBe(2);
    expect(profile.duration).toBeGreaterThanOrEqual(0.99);
    expect(profile.duration).toBeLessThan(3);
  });

  test('delta_heap counts each allocation in one scrape, and memory in use in every scrape', async () => {
    lib.exports.keep(1000);
    const first = await profileOf('/debug/pprof/delta_heap');
    expect([first.total('alloc_space'), first.total('inuse_space')]).toEqual([1000, 1000]);
    lib.exports.keep(500);
    // A look at the text does not take allocations away from the scraper.
    expect((await served.ask('/debug/pprof/delta_heap?debug=1')).text).toMatch(
      /^heap profile: 2: 1500 \[1: 500\]/,
    );
    const second = await profileOf('/debug/pprof/delta_heap');
    expect([second.total('alloc_space'), second.total('inuse_space')]).toEqual([500, 1500]);
    const third = await profileOf('/debug/pprof/delta_heap');
    expect([third.total('alloc_space'), third.total('inuse_space')]).toEqual([0, 1500]);
    lib.exports.clear();
    const fourth = await profileOf('/debug/pprof/delta_heap');
    expect([fourth.total('alloc_space'), fourth.total('inuse_space'), fourth.sampleCount]).toEqual([0, 0, 0]);
  });

  test('no value of delta_heap is negative after a sandbox is disposed', async () => {
    const other = await loadService();
    await using both = await serve({ sandboxes: () => [lib, other] });
    other.exports.keep(300);
    await profileOf('/debug/pprof/delta_heap', both);
    other.dispose();
    lib.exports.keep(10);
    const profile = await profileOf('/debug/pprof/delta_heap', both);
    for (const { values } of profile.samples())
      for (const value of values) expect(value).toBeGreaterThanOrEqual(0);
    expect(profile.total('alloc_space')).toBe(10);
  });

  test('a HEAD request for delta_heap takes nothing away from the scraper', async () => {
    lib.exports.keep(1000);
    expect((await served.ask('/debug/pprof/delta_heap', { method: 'HEAD' })).status).toBe(200);
    expect((await profileOf('/debug/pprof/delta_heap')).total('alloc_space')).toBe(1000);
  });

  test('delta_heap has the same headers as with godeltaprof', async () => {
    const { headers } = await served.ask('/debug/pprof/delta_heap?gc=1');
    expect(headers['content-type']).toBe('application/octet-stream');
    expect(headers['content-disposition']).toBe('attachment; filename="heap.pprof.gz"');
    expect(headers['x-content-type-options']).toBe('nosniff');
  });

  test.each(['peak', 'temporary', 'lifetime', 'delta_heap'])('seconds=1 is rejected for %s', async (name) => {
    const { status, text } = await served.ask(`/debug/pprof/${name}?seconds=1`);
    expect([status, text]).toEqual([400, '"seconds" parameter is not supported for this profile type\n']);
  });
});

describe('limits', () => {
  test('a profile with more samples than allowed is cut, keeps its totals, and says so', async () => {
    lib.exports.contexts(9);
    await using limited = await serve({ sandboxes: [lib], maxSamples: 100 });
    const whole = await profileOf('/debug/pprof/heap');
    const profile = await profileOf('/debug/pprof/heap', limited);
    expect(whole.sampleCount).toBeGreaterThan(500);
    expect(profile.sampleCount).toBe(100);
    for (const { type } of whole.sampleTypes) expect(profile.total(type)).toBe(whole.total(type));
    expect(profile.comments.join('\n')).toMatch(
      /cut to 99 of \d+ samples; the rest is summed up in \[other\]/,
    );
    const sizes = [...profile.samples()]
      .filter(({ frames }) => frames[0]!.function !== '[other]')
      .map(({ values }) => values[3]!);
    // 512 blocks have 16 to 63 bytes each; the 99 largest have at least 54.
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(54);
  });

  test('delta_heap never has more samples than Pyroscope accepts', async () => {
    lib.exports.contexts(15);
    const profile = await profileOf('/debug/pprof/delta_heap');
    expect(lib.heap.stats().contexts).toBeGreaterThan(32_768);
    expect(profile.sampleCount).toBeLessThanOrEqual(16_000);
    expect(profile.encode({ level: 0 }).length).toBeLessThanOrEqual(4 * 2 ** 20);
    expect(profile.total('inuse_space')).toBe(lib.heap.stats().inUseBytes);
  });

  test('a profile that is too large for Pyroscope is cut until it fits, or to one sample for each set of labels', () => {
    const model = (sets: number): ProfileModel => {
      const builder = new ProfileBuilder({
        kind: 'heap',
        sampleTypes: [{ type: 'inuse_space', unit: 'bytes' }],
        defaultSampleType: 'inuse_space',
      });
      const mapping = builder.moduleMapping('m.wasm', 100_000);
      for (let i = 0; i < 60_000; i++) {
        const line = { function: builder.function(`${i}`.padStart(80, 'f'), '', '', 0), line: 1, column: 0 };
        const location = builder.location(mapping, builder.moduleStart(mapping) + i, [line]);
        builder.sample(
          builder.stackOf([location]),
          [i + 1],
          builder.labels(sets === 0 ? [] : [{ key: 'instance', text: `${i % sets}` }]),
        );
      }
      return builder.finish();
    };
    for (const sets of [0, 70]) {
      const profile = new HeapProfile(model(sets));
      const smaller = atOnce(cut(profile, 16_000));
      expect(smaller.sampleCount).toBe(16_000);
      // The profile does not contain frames that only the removed samples had.
      expect(smaller.encode({ level: 0 }).length).toBeLessThan(profile.encode({ level: 0 }).length / 3);
      expect(smaller.total('inuse_space')).toBe(profile.total('inuse_space'));
      const sampleCount = (maxBytes: number): number =>
        HeapProfile.decode(atOnce(fitted(profile, 16_000, maxBytes))).sampleCount;
      expect(sampleCount(4 * 2 ** 20)).toBe(16_000);
      expect(sampleCount(2 ** 20)).toBe(8000);
      expect(sampleCount(100)).toBe(Math.max(1, sets));
    }
  });

  test('only so many collections run at once', async () => {
    await using narrow = await serve({ sandboxes: [lib], maxCollections: 2 });
    const running = [narrow.ask('/debug/pprof/heap?seconds=1'), narrow.ask('/debug/pprof/allocs?seconds=1')];
    await new Promise((resolve) => setTimeout(resolve, 300));
    const refused = await narrow.ask('/debug/pprof/heap?seconds=1');
    expect(refused.status).toBe(503);
    expect(refused.headers).toMatchObject({ 'retry-after': '1', 'x-go-pprof': '1' });
    for (const answer of await Promise.all(running)) expect(answer.status).toBe(200);
    expect((await narrow.ask('/debug/pprof/heap?seconds=1')).status).toBe(200);
  });

  test('more seconds than maxSeconds are rejected', async () => {
    await using short = await serve({ sandboxes: [lib], maxSeconds: 10 });
    for (const name of ['heap', 'profile']) {
      const { status, text } = await short.ask(`/debug/pprof/${name}?seconds=11`);
      expect([status, text]).toEqual([400, "profile duration exceeds server's WriteTimeout\n"]);
    }
  });

  test('the timeout of the node:http server counts as a write timeout', async () => {
    served.server.timeout = 2000;
    expect((await served.ask('/debug/pprof/heap?seconds=2')).status).toBe(400);
    expect((await served.ask('/debug/pprof/heap?seconds=1')).status).toBe(200);
  });

  test('a write timeout beyond the longest timer cuts no answer short', async () => {
    lib.exports.contexts(13);
    await using patient = await serve({ sandboxes: [lib], writeTimeout: 2 ** 31 });
    const response = await new Promise<IncomingMessage>((resolve) => {
      get(`${patient.url}/debug/pprof/heap?debug=1`, resolve);
    });
    response.pause();
    await new Promise((resolve) => setTimeout(resolve, 200));
    let length = 0;
    for await (const chunk of response) length += chunk.length;
    expect(length).toBe(Number(response.headers['content-length']));
  });

  test.each([
    [{ prefix: 'debug' }],
    [{ prefix: '/a/../b' }],
    [{ maxSamples: 0 }],
    [{ host: 'yes' }],
    [{ host: { samplingInterval: -1 } }],
    [{ sandboxes: 5 }],
    [{ hosts: true }],
    [{ cpuInterval: 0.5 }],
  ])('the options %j are rejected', (options) => {
    expect(() => pprofHandler(options as object)).toThrow(InvalidArgumentError);
    expect(() => pprofFetch(options as object)).toThrow(InvalidArgumentError);
  });
});

describe('the fetch handler', () => {
  const base = 'http://service.example';

  test('answers as the handler of node:http does', async () => {
    lib.exports.keep(1000);
    using handler = pprofFetch({ sandboxes: [lib] });
    for (const target of [
      '/debug/pprof',
      '/debug/pprof/',
      '/debug/pprof/nosuch',
      '/debug/pprof/heap?seconds=0',
      '/debug/pprof/heap?debug=1',
      '/debug/pprof/cmdline',
      '/debug/pprof/symbol?0x1',
      '/x',
    ]) {
      const response = await handler(new Request(base + target));
      const expected = await served.ask(target);
      expect(response.status).toBe(expected.status);
      for (const name of [
        'content-type',
        'x-content-type-options',
        'x-go-pprof',
        'location',
        'content-length',
      ]) {
        if (target === '/debug/pprof/' && name === 'content-length') continue;
        if (target.includes('debug=1') && name === 'content-length') continue;
        expect(response.headers.get(name) ?? undefined).toBe(expected.headers[name]);
      }
    }
    const heap = await handler(new Request(`${base}/debug/pprof/heap`));
    expect(HeapProfile.decode(new Uint8Array(await heap.arrayBuffer())).total()).toBe(1000);
    const head = await handler(new Request(`${base}/debug/pprof/heap`, { method: 'HEAD' }));
    expect(await head.text()).toBe('');
    const form = await handler(
      new Request(`${base}/debug/pprof/heap`, {
        method: 'POST',
        body: new URLSearchParams({ seconds: 'x' }),
      }),
    );
    expect(form.status).toBe(400);
  });

  test('ends a collection when the client leaves', async () => {
    using handler = pprofFetch({ sandboxes: [lib], maxCollections: 1 });
    const leaving = new AbortController();
    const pending = handler(new Request(`${base}/debug/pprof/heap?seconds=60`, { signal: leaving.signal }));
    await new Promise((resolve) => setTimeout(resolve, 50));
    leaving.abort();
    expect((await pending).status).toBe(500);
    expect((await handler(new Request(`${base}/debug/pprof/heap?seconds=1`))).status).toBe(200);
  });
});

describe('a body that other code has read', () => {
  test('counts as no body', async () => {
    using handler = pprofFetch({ sandboxes: [lib] });
    for (const path of ['symbol', 'heap?debug=1']) {
      const request = new Request(`http://service.example/debug/pprof/${path}`, {
        method: 'POST',
        body: new URLSearchParams({ debug: '0' }),
      });
      await request.text();
      const response = await handler(request);
      expect([path, response.status]).toEqual([path, 200]);
    }
  });
});

describe('the handler in an application', () => {
  test('passes on requests for other paths, as middleware does', async () => {
    const handler = pprofHandler({ sandboxes: [lib], prefix: '/internal/profiles/' });
    const server = createServer((request, response) => {
      handler(request, response, () => response.writeHead(418).end('the application'));
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    expect((await ask(port, '/debug/pprof/heap')).status).toBe(418);
    // Some applications do not decode their paths.
    expect((await ask(port, '/files/100%')).status).toBe(418);
    expect((await ask(port, '/internal/profiles/100%')).status).toBe(400);
    expect((await ask(port, '/internal/profiles/heap')).status).toBe(200);
    expect((await ask(port, '/internal/profiles')).headers.location).toBe('/internal/profiles/');
    expect((await ask(port, '/internal/profiles/')).text).toContain('/internal/profiles/heap');
    server.close();
  });

  test('works below a router that removes the matched part of the path, as Express does', async () => {
    const handler = pprofHandler({ sandboxes: [lib] });
    const server = createServer((request, response) => {
      const originalUrl = request.url;
      request.url = '/heap';
      handler(Object.assign(request, { originalUrl }), response);
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    expect((await ask((server.address() as AddressInfo).port, '/debug/pprof/heap')).status).toBe(200);
    server.close();
  });
});

describe('servePprof', () => {
  test('listens on the loopback interface and says nothing', async () => {
    const warnings: string[] = [];
    await using server = await servePprof({
      port: 0,
      sandboxes: [lib],
      onWarning: (text) => warnings.push(text),
    });
    expect((server.server.address() as AddressInfo).address).toBe('127.0.0.1');
    expect(server.url).toBe(`http://localhost:${server.port}/debug/pprof/`);
    expect((await ask(server.port, '/debug/pprof/heap')).status).toBe(200);
    expect(warnings).toEqual([]);
  });

  test('warns when other machines can reach it', async () => {
    const warnings: string[] = [];
    await using server = await servePprof({
      port: 0,
      hostname: '0.0.0.0',
      sandboxes: [lib],
      onWarning: (text) => warnings.push(text),
    });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(new RegExp(`0\\.0\\.0\\.0:${server.port}.*other machines can reach`));
  });

  test('redirects from the root to the index', async () => {
    await using server = await servePprof({ port: 0, sandboxes: [lib] });
    const { status, headers } = await ask(server.port, '/');
    expect([status, headers.location]).toEqual([307, '/debug/pprof/']);
  });

  test('does not answer requests under the names of other sites', async () => {
    await using server = await servePprof({ port: 0, sandboxes: [lib], allowedHosts: ['profiles.example'] });
    const status = async (host: string): Promise<number> =>
      (await ask(server.port, '/debug/pprof/heap', { headers: { Host: host } })).status;
    expect(await status('attacker.example')).toBe(403);
    expect(await status(`attacker.example:${server.port}`)).toBe(403);
    expect(await status('localhost.attacker.example')).toBe(403);
    for (const host of [
      'localhost',
      `localhost:${server.port}`,
      '127.0.0.1:80',
      '[::1]:80',
      '10.1.2.3',
      'profiles.example',
      'Profiles.Example:80',
    ]) {
      expect(await status(host)).toBe(200);
    }
  });

  test.each(['127.0.0.1', '127.0.0.2', 'localhost', '0.0.0.0'])(
    'can be reached at its url when it listens on %s',
    async (hostname) => {
      await using server = await servePprof({ port: 0, hostname, sandboxes: [lib], onWarning: () => {} });
      expect((await fetch(server.url)).status).toBe(200);
    },
  );

  test('answers to the name that it listens on', async () => {
    // One name is as long as the header allows, and one is a name that every resolver knows.
    await using server = await servePprof({ port: 0, hostname: '127.1', sandboxes: [lib] });
    const headers = { Host: `127.1:${server.port}` };
    expect((await ask(server.port, '/debug/pprof/heap', { headers })).status).toBe(200);
  });

  test.each([['profiles.example'], [null], [[5]]])('allowedHosts of %j is rejected', async (allowedHosts) => {
    // The warning does not come with the first request for another name.
    const options = { port: 0, sandboxes: [lib], allowedHosts: allowedHosts as unknown as string[] };
    await expect(servePprof(options)).rejects.toThrow(InvalidArgumentError);
  });

  test('an error names a port that is already in use', async () => {
    await using server = await servePprof({ port: 0, sandboxes: [lib] });
    await expect(servePprof({ port: server.port, sandboxes: [lib] })).rejects.toThrow(
      `127.0.0.1:${server.port}`,
    );
  });
});

describe('a sandbox with a damaged heap', () => {
  test('is left out of a profile of several sandboxes, which says so', async () => {
    const other = await loadService();
    await using both = await serve({ sandboxes: () => [lib, other] });
    lib.exports.keep(100);
    other.exports.keep(200);
    new Uint8Array(other.memory.buffer).fill(0xff);
    const profile = await profileOf('/debug/pprof/heap', both);
    expect(profile.total()).toBe(100);
    expect(profile.comments.join('\n')).toContain(`${other.instance} could not be read`);
    expect((await both.ask('/debug/pprof/')).status).toBe(200);
    await using alone = await serve({ sandboxes: [other] });
    const answer = await alone.ask('/debug/pprof/heap');
    expect(answer.status).toBe(500);
    expect(answer.text).toMatch(/^failed to collect profile: /);
    other.dispose();
  });
});
