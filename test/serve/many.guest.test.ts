// Many sandboxes in one process: the profile of all of them, the progress of the program while it is made, and that
// everything which depends only on the module exists once.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { threadTime } from '../../bench/clock.ts';
import { HeapProfile, loadC, type Sandbox, TrapError } from '../../src/index.ts';
import { pprofFetch } from '../../src/serve/index.ts';
import { Symbolizer } from '../../src/symbols/index.ts';
import { loadService, programPath, type Service } from '../support/served.ts';

let open: Sandbox<Service>[] = [];
const directory = mkdtempSync(join(tmpdir(), 'heapline-many-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function openMany(count: number): Promise<void> {
  for (let i = 0; i < count; i++) open.push(await loadService());
}

afterEach(() => {
  for (const sandbox of open) sandbox.dispose();
  open = [];
});

/** A module that no other test has loaded. Modules are identified by their content. */
function loadOwn(name: string): Promise<Sandbox<Service>> {
  const source = join(directory, `${name}.c`);
  writeFileSync(
    source,
    `${readFileSync(programPath('service.c'), 'utf8')}\nint ${name}(void) { return 1; }\n`,
  );
  return loadC<Service>(source, { toolchain: 'clang', flags: ['-O1'] });
}

/** The decoded answers of one handler. */
function asking(sandboxes: () => Iterable<Sandbox<object>>): (name: string) => Promise<HeapProfile> {
  const handler = pprofFetch({ sandboxes });
  return async (name) => {
    const answer = await handler(new Request(`http://localhost/debug/pprof/${name}`));
    expect(answer.status).toBe(200);
    return HeapProfile.decode(new Uint8Array(await answer.arrayBuffer()));
  };
}

/** Sums of a sample type by the label `instance`. */
function byInstance(profile: HeapProfile, type: string): Map<string, number> {
  const column = profile.sampleTypes.findIndex((each) => each.type === type);
  const sums = new Map<string, number>();
  for (const { labels, values } of profile.samples()) {
    const instance = String(labels.instance);
    sums.set(instance, (sums.get(instance) ?? 0) + values[column]!);
  }
  return sums;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a profile of many sandboxes of one module', () => {
  test('has the memory of each sandbox, on stacks that all share', async () => {
    await openMany(50);
    for (const [i, lib] of open.entries()) {
      lib.exports.contexts(4);
      lib.exports.keep(1000 + i);
    }
    const ask = asking(() => open);
    for (const name of ['heap', 'allocs', 'peak', 'lifetime', 'temporary']) {
      const profile = await ask(name);
      for (const { type } of profile.sampleTypes) {
        const sums = byInstance(profile, type);
        for (const lib of open) {
          const alone = lib.heap.profile({ kind: name as 'heap' });
          expect(sums.get(lib.instance) ?? 0, `${name} ${type}`).toBe(alone.total(type));
        }
      }
    }
    const { model } = await ask('heap');
    const alone = HeapProfile.decode(open[0]!.heap.profile().encode()).model;
    expect(model.stacks.count).toBe(alone.stacks.count);
    expect(model.locations.length).toBe(alone.locations.length);
    expect(model.mappings.length).toBe(alone.mappings.length);
  });

  test('has the same stacks as a profile of one sandbox alone', async () => {
    await openMany(3);
    for (const lib of open) lib.exports.contexts(3);
    open[1]!.exports.keep(77);
    const stacksOf = (profile: HeapProfile): string[] =>
      [...profile.samples()]
        .map(({ frames, values }) =>
          JSON.stringify([frames.map((f) => [f.function, f.file, f.line, f.column, f.inlined]), values]),
        )
        .sort();
    const all = await asking(() => open)('heap');
    expect(stacksOf(all)).toEqual(open.flatMap((lib) => stacksOf(lib.heap.profile())).sort());
  });

  test('reads the symbols of the module once', async () => {
    const opened = vi.spyOn(Symbolizer, 'open');
    try {
      for (let i = 0; i < 5; i++) open.push(await loadOwn('once'));
      for (const lib of open) lib.exports.keep(8);
      await asking(() => open)('heap');
      for (const lib of open) lib.heap.profile();
      expect(opened).toHaveBeenCalledTimes(1);
      expect(open.map((lib) => lib.warnings)).toEqual(open.map(() => []));
    } finally {
      opened.mockRestore();
    }
  });

  test('has a mapping for each module when other modules are among them', async () => {
    const ask = asking(() => others);
    const others: Sandbox<object>[] = [];
    try {
      for (let i = 0; i < 6; i++) {
        const service = await loadService(i % 2 === 0 ? {} : { flags: ['-O2'] });
        service.exports.keep(100);
        others.push(service);
        const store = await loadC<{ save_note(title: number, text: number): number }>(
          new URL('../../examples/api-server/store.c', import.meta.url),
          { toolchain: 'clang' },
        );
        const title = store.heap.cstring('title');
        store.exports.save_note(title, title);
        others.push(store);
      }
      const profile = await ask('heap');
      const sums = byInstance(profile, 'inuse_space');
      for (const { instance, heap } of others) expect(sums.get(instance)).toBe(heap.stats().inUseBytes);
      const files = profile.model.mappings.map(({ file }) => file.split('/').at(-1));
      expect([...new Set(files)].sort()).toEqual(['[javascript]', 'service.c', 'store.c']);
      for (const { frames } of profile.samples())
        for (const frame of frames) expect(frame.function).not.toMatch(/^wasm-/);
    } finally {
      for (const lib of others) lib.dispose();
    }
  });
});

/** Many sandboxes that have many contexts. */
async function openBusy(count: number): Promise<void> {
  await openMany(count);
  for (const lib of open) lib.exports.contexts(5);
}

describe('while many sandboxes are read', () => {
  let asked: Sandbox<Service>[] = [];
  beforeAll(async () => {
    await openBusy(200);
    // They are for all tests, which only ask them.
    asked = open.splice(0);
  });
  afterAll(() => {
    for (const sandbox of asked) sandbox.dispose();
  });

  test.each(['heap', 'leaks', 'peak', 'delta_heap', 'heap?debug=1', ''])(
    'the event loop turns (%s)',
    async (name) => {
      const handler = pprofFetch({ sandboxes: () => asked });
      let longest = 0;
      let turns = 0;
      let last = threadTime();
      const watch = setInterval(() => {
        const now = threadTime();
        longest = Math.max(longest, now - last);
        last = now;
        turns++;
      }, 1);
      try {
        const answer = await handler(new Request(`http://localhost/debug/pprof/${name}`));
        await answer.arrayBuffer();
        await new Promise((resolve) => setTimeout(resolve, 5));
      } finally {
        clearInterval(watch);
      }
      // Milliseconds of processor time. A garbage collection of the test runner takes a good part of them.
      expect(longest / 1e6).toBeLessThan(80);
      expect(turns).toBeGreaterThan(2);
    },
  );
});

describe('while a profile of many sandboxes is made', () => {
  beforeEach(async () => {
    await openBusy(200);
  });

  test('sandboxes may be disposed: it contains those that were read before', async () => {
    const ask = asking(() => open);
    const instances = open.map(({ instance }) => instance);
    const { inUseBytes } = open[0]!.heap.stats();
    const asked = ask('heap');
    for (let i = 0; i < 2; i++) await turn();
    for (const lib of open) lib.dispose();
    const sums = byInstance(await asked, 'inuse_space');
    for (const [instance, bytes] of sums) {
      expect(instances).toContain(instance);
      expect(bytes).toBe(inUseBytes);
    }
    expect(sums.size).toBeLessThan(200);
    expect((await ask('heap')).sampleCount).toBe(0);
  });

  test('sandboxes may allocate, free and trap: its values for each were true at one moment', async () => {
    const { inUseBytes, inUseObjects } = open[0]!.heap.stats();
    let stop = false;
    const work = (async () => {
      for (let i = 0; !stop; i = (i + 1) % open.length) {
        // Three blocks of one size, which always exist together.
        for (let k = 0; k < 3; k++) open[i]!.exports.keep(1000);
        // An endless recursion.
        if (i % 50 === 0) expect(() => open[i]!.exports.contexts(-1)).toThrow(TrapError);
        if (i % 20 === 0) await turn();
      }
    })();
    try {
      const ask = asking(() => open);
      const profiles = await Promise.all([ask('heap'), ask('allocs'), ask('peak'), ask('leaks')]);
      for (const profile of profiles.slice(0, 2)) {
        const objects = byInstance(profile, 'inuse_objects');
        for (const [instance, bytes] of byInstance(profile, 'inuse_space')) {
          const more = objects.get(instance)! - inUseObjects;
          expect(more % 3).toBe(0);
          expect(bytes - inUseBytes).toBe(1000 * more);
        }
        expect(objects.size).toBe(200);
      }
    } finally {
      stop = true;
      await work;
    }
  });

  test('two clients that ask the same at once get the same profile, and another question gets another', async () => {
    const ask = asking(() => open);
    const [first, second, other] = await Promise.all([ask('heap'), ask('heap'), ask('allocs')]);
    expect(first!.total('inuse_space')).toBe(second!.total('inuse_space'));
    expect(other!.kind).toBe('allocs');
    expect(other!.total('inuse_space')).toBe(first!.total('inuse_space'));
  });

  test('overlapping scrapes of delta_heap count each allocation once', async () => {
    const ask = asking(() => open);
    await ask('delta_heap');
    for (const lib of open) lib.exports.keep(10);
    const profiles = await Promise.all([ask('delta_heap'), ask('delta_heap'), ask('delta_heap')]);
    expect(profiles.map((profile) => profile.total('alloc_objects'))).toEqual([200, 0, 0]);
    expect(profiles[2]!.total('inuse_objects')).toBe(profiles[0]!.total('inuse_objects'));
  });
});

test('a module with an open sandbox is prepared only once, whatever else is loaded', async () => {
  const opened = vi.spyOn(Symbolizer, 'open');
  try {
    open.push(await loadOwn('again'));
    // More modules than are kept without an open sandbox.
    for (let i = 0; i < 10; i++) (await loadOwn(`other${i}`)).dispose();
    open.push(await loadOwn('again'));
    for (const lib of open) {
      lib.exports.keep(8);
      lib.heap.profile();
    }
    expect(opened).toHaveBeenCalledTimes(1);
  } finally {
    opened.mockRestore();
  }
});
