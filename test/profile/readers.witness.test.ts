// Simple readers of profiles that people use instead of pprof, each the real package from npm: speedscope in
// Chromium, react-pprof, pprof-to-md and pprof-format. The profile has inlined C functions (all of leaky.c is
// inlined into main) and JavaScript frames above them.

import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { Profile } from 'pprof-format';
import { convert } from 'pprof-to-md';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HeapProfile, loadC } from '../../src/index.ts';
import { Workspace } from '../support/profile-oracles.ts';
import { sampleProfile } from '../support/sample-heap.ts';
import { readSpeedscope } from '../support/speedscope-file.ts';

const require = createRequire(import.meta.url);
const speedscope = dirname(require.resolve('speedscope/dist/release/index.html'));
const workspace = new Workspace();
let profile: HeapProfile;
/** Stacks of the profile, outermost function first, with their bytes in use. */
let stacks: Map<string, number>;

beforeAll(async () => {
  const example = new URL('../../examples/leaky.c', import.meta.url);
  const lib = await loadC(example, { toolchain: 'embedded', flags: ['-O2'] });
  function serveRequests(): void {
    lib.run();
  }
  serveRequests();
  profile = lib.heap.profile();
  stacks = parseFolded(profile.folded());
});

afterAll(() => workspace.dispose());

function parseFolded(text: string): Map<string, number> {
  return new Map(
    text
      .trimEnd()
      .split('\n')
      .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );
}

/** Bytes of each function with everything that it called, and of the function itself. */
function functionSums(of: ReadonlyMap<string, number>): Map<string, { total: number; self: number }> {
  const sums = new Map<string, { total: number; self: number }>();
  for (const [stack, bytes] of of) {
    const names = stack.split(';');
    for (const name of new Set(names)) {
      const sum = sums.get(name) ?? { total: 0, self: 0 };
      sum.total += bytes;
      if (name === names.at(-1)) sum.self += bytes;
      sums.set(name, sum);
    }
  }
  return sums;
}

it('the profile has inlined functions and JavaScript frames', () => {
  expect([...stacks.keys()].map((stack) => stack.slice(stack.indexOf('serveRequests')))).toEqual([
    'serveRequests;main;handle;header_parse',
    'serveRequests;main;handle;session_open;copy',
  ]);
  expect([...profile.samples()].some(({ frames }) => frames.some(({ inlined }) => inlined))).toBe(true);
});

describe('inlines: locations', () => {
  it('gives every inlined function a location of its own and keeps stacks, values and labels', () => {
    for (const each of [profile, sampleProfile({ labels: { instance: 'a' } })]) {
      const separate = HeapProfile.decode(each.encode({ inlines: 'locations' }));
      expect(separate.model.locations.every(({ lines }) => lines.length <= 1)).toBe(true);
      const described = (of: HeapProfile) =>
        [...of.samples()].map(({ frames, values, labels }) => [
          frames.map(({ function: name, file, line, column }) => [name, file, line, column]),
          values,
          labels,
        ]);
      expect(described(separate)).toEqual(described(each));
      expect(separate.folded({ lines: true })).toBe(each.folded({ lines: true }));
    }
  });

  it('writes the default form when nothing is inlined', () => {
    const flat = HeapProfile.decode(profile.encode({ inlines: 'locations' }));
    expect(flat.encode({ inlines: 'locations', level: 0 })).toEqual(flat.encode({ level: 0 }));
  });

  it('is read by go tool pprof with the same sums', () => {
    const functions = (of: Uint8Array) => workspace.pprofTop(of, '-functions').replaceAll(' (inline)', '');
    expect(functions(profile.encode({ inlines: 'locations' }))).toBe(functions(profile.encode()));
  });
});

describe('react-pprof', () => {
  interface Node {
    name: string;
    selfValue: number;
    children: Node[];
  }

  async function read(bytes: Uint8Array): Promise<Map<string, number>> {
    const path = require.resolve('react-pprof').replace(/index\.js$/, 'renderer/FlameDataProcessor.js');
    const { FlameDataProcessor } = (await import(path)) as {
      FlameDataProcessor: new () => { processProfile(profile: Profile): void; getData(): Node };
    };
    const processor = new FlameDataProcessor();
    const decoded = Profile.decode(gunzipSync(bytes));
    // react-pprof shows the first type that counts bytes: alloc_space.
    processor.processProfile(decoded);
    const found = new Map<string, number>();
    const visit = (node: Node, path: readonly string[]): void => {
      if (node.selfValue > 0) found.set(path.join(';'), node.selfValue);
      for (const child of node.children) visit(child, [...path, child.name]);
    };
    visit(processor.getData(), []);
    return found;
  }

  it('shows every function, also inlined ones and those of JavaScript', async () => {
    const expected = parseFolded(profile.folded({ sampleType: 'alloc_space' }));
    expect(await read(profile.encode({ inlines: 'locations' }))).toEqual(expected);
    // The option exists because react-pprof keeps only the innermost function of each location in the default form.
    const kept = [...(await read(profile.encode())).keys()];
    expect(kept.some((stack) => stack.split(';').includes('main'))).toBe(false);
  });
});

describe('pprof-to-md', () => {
  it('names inlined functions with their lines', () => {
    const text = convert(Buffer.from(profile.encode({ inlines: 'locations' })), { format: 'detailed' });
    expect(text).toContain('header_parse');
    expect(text).toContain('session_open');
  });
});

describe('pprof-format', () => {
  it.each(['lines', 'locations'] as const)('reads what encode() writes, inlines: %s', (inlines) => {
    const bytes = gunzipSync(profile.encode({ inlines }));
    const decoded = Profile.decode(bytes);
    expect(decoded.sample.length).toBe(profile.sampleCount);
    const strings = decoded.stringTable.strings;
    const names = new Set(decoded.function.map(({ name }) => strings[Number(name)]));
    for (const name of functionSums(stacks).keys()) expect(names).toContain(name);
    expect(decoded.location.every(({ line }) => line.length === 1)).toBe(inlines === 'locations');
  });
});

describe('speedscope', () => {
  let server: Server;
  let served: string;
  const directory = mkdtempSync(join(tmpdir(), 'heapline-speedscope-'));

  beforeAll(async () => {
    server = createServer((request, response) => {
      const { pathname } = new URL(request.url!, 'http://localhost');
      const file = pathname.startsWith('/profiles/')
        ? join(directory, basename(pathname))
        : resolve(speedscope, `.${pathname === '/' ? '/index.html' : pathname}`);
      try {
        response.end(readFileSync(file));
      } catch {
        response.writeHead(404).end();
      }
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    served = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterAll(() => {
    server.close();
    rmSync(directory, { recursive: true, force: true });
  });

  /** The table of speedscope's sandwich view: for each row the total bytes, its own bytes, and its name. */
  async function open(name: string, content: Uint8Array | string): Promise<string[]> {
    writeFileSync(join(directory, name), content);
    // On a busy machine, the browser may print the page before it has read the profile.
    for (let attempt = 1; ; attempt++) {
      const rows = await rowsOf(name);
      if (rows.length > 0 || attempt === 4) return rows;
    }
  }

  async function rowsOf(name: string): Promise<string[]> {
    const { stdout } = await promisify(execFile)(
      'chromium',
      [
        '--headless=new',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        `--user-data-dir=${join(directory, 'browser')}`,
        '--virtual-time-budget=10000',
        '--dump-dom',
        `${served}/#profileURL=/profiles/${name}&view=sandwich`,
      ],
      { maxBuffer: 2 ** 26 },
    );
    const table = stdout.slice(stdout.indexOf('Symbol Name'));
    return [...table.matchAll(/<tr[^>]*>(.*?)<\/tr>/gs)]
      .map(([, row]) =>
        row!
          .replace(/<[^>]*>/g, '|')
          .replace(/\([^|]*?%\)/g, '')
          .split('|')
          .map((cell) => cell.trim())
          .filter((cell) => cell !== '')
          .join(' '),
      )
      .filter((row) => row !== '');
  }

  const kilobytes = (bytes: number): string =>
    bytes >= 1024 ? `${(bytes / 1024).toFixed(2)} KB` : `${bytes} B`;

  function expectedRows(): string[] {
    return [...functionSums(stacks)].map(
      ([name, { total, self }]) => `${kilobytes(total)} ${kilobytes(self)} ${name}`,
    );
  }

  it('shows every function of a speedscope file', async () => {
    expect((await open('leaky.speedscope.json', profile.speedscope())).sort()).toEqual(expectedRows().sort());
  });

  it('shows every function of a pprof file with inlines as locations', async () => {
    const rows = await open('leaky.pb.gz', profile.encode({ inlines: 'locations' }));
    expect(rows.sort()).toEqual(expectedRows().sort());
  });

  it('shows the folded text', async () => {
    const rows = await open('leaky.folded.txt', profile.folded());
    // Folded text has no units.
    const plain = [...functionSums(stacks)].map(
      ([name, { total, self }]) => `${total.toLocaleString('en')} ${self.toLocaleString('en')} ${name}`,
    );
    expect(rows.sort()).toEqual(plain.sort());
  });

  it('files are valid by its schema, and have all sample types and the sums of the profile', () => {
    for (const each of [profile, sampleProfile(), sampleProfile({ kind: 'lifetime' })]) {
      const { profiles, activeProfileIndex, shared } = readSpeedscope(each.speedscope());
      expect(profiles.map(({ name }) => name)).toEqual(each.sampleTypes.map(({ type }) => type));
      expect(profiles[activeProfileIndex]!.name).toBe(each.defaultSampleType);
      for (const { name, endValue, weights, samples } of profiles) {
        expect(endValue).toBe(each.total(name));
        const folded = new Map<string, number>();
        samples.forEach((stack, i) => {
          const text = stack.map((frame) => shared.frames[frame]!.name.replaceAll(';', ':')).join(';');
          folded.set(text, (folded.get(text) ?? 0) + weights[i]!);
        });
        expect(folded).toEqual(parseFolded(each.folded({ sampleType: name })));
      }
    }
  });

  it('with lines, each line of a function is a frame with its place', () => {
    const { shared, profiles } = readSpeedscope(
      profile.speedscope({ lines: true, sampleType: 'inuse_space' }),
    );
    expect(profiles.map(({ name }) => name)).toEqual(['inuse_space']);
    const lines = shared.frames.filter(({ name }) => name.startsWith('header_parse'));
    expect(lines.map(({ name, line }) => [name, line])).toEqual(
      expect.arrayContaining([['header_parse leaky.c:62', 62]]),
    );
    expect(new Set(lines.map(({ line }) => line)).size).toBe(lines.length);
  });
});
