// Live directories against a native program: the same C runs the same calls on both sides, and both print the same
// results and the same names of errors. Then the ways out of a directory: none leads anywhere.

import { execFileSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { Input } from '../../src/host/index.ts';
import { realPaths } from '../../src/node/confined-paths.ts';
import { liveFiles } from '../../src/node/live-files.ts';
import { nodePlatform } from '../../src/node/node-platform.ts';
import { type Preopen, usePlatform } from '../../src/platform/index.ts';
import { FULL } from '../support/full.ts';
import { buildWasi, program, runWasi, temporaryDirectory } from '../support/wasi-program.ts';
import { FILE_CALLS } from './file-calls.ts';
import { swapLinks } from './swapped-links.ts';

const ROUNDS = FULL ? 500 : 10;
const temporary = temporaryDirectory();
const native = join(temporary, 'native');
let module: WebAssembly.Module;

beforeAll(async () => {
  module = await buildWasi('file-calls.c');
  execFileSync('clang', ['-O1', program('file-calls.c'), '-o', native]);
});

/** Runs with the way of looking paths up that systems without /proc have. */
async function withoutProc(run: () => Promise<void>): Promise<void> {
  usePlatform({ ...nodePlatform, liveFiles: async (...given) => liveFiles(...given, { system: realPaths }) });
  try {
    await run();
  } finally {
    usePlatform(nodePlatform);
  }
}

const fresh = (): string => mkdtempSync(join(temporary, 'd-'));

const inWasi = async (
  lines: readonly string[],
  path: string,
  { guest = '/mnt', readOnly = false }: Partial<Preopen> = {},
): Promise<string> => {
  const ran = await runWasi(module, [guest === '/' ? path : guest], {
    stdin: new Input(new TextEncoder().encode(`${lines.join('\n')}\n`)),
    preopens: [{ guest, path: guest === '/' ? '/' : path, readOnly }],
  });
  expect(ran.error).toBeNull();
  return ran.stdout;
};

const inNative = (lines: readonly string[], path: string): string =>
  execFileSync(native, [path], { input: `${lines.join('\n')}\n`, encoding: 'utf8' });

/** Both sides, each call with its result. */
async function expectSame(lines: readonly string[], options: Partial<Preopen> = {}): Promise<void> {
  const [ours, theirs] = [fresh(), fresh()];
  const result = await inWasi(lines, ours, options);
  expect(result, lines.join('\n')).toBe(inNative(lines, theirs));
  expect(readdirSync(ours, { recursive: true }).sort()).toEqual(
    readdirSync(theirs, { recursive: true }).sort(),
  );
}

describe('results and errors are those of a native program', () => {
  test('below a directory', () => expectSame(FILE_CALLS));

  test('with the whole file system', () => expectSame(FILE_CALLS, { guest: '/' }));

  test('below a directory, where there is no /proc', async () => {
    await withoutProc(() => expectSame(FILE_CALLS));
  });

  test('random calls', async () => {
    let state = Number(process.env.HEAPLINE_SEED ?? 12345);
    const pick = <T>(from: readonly T[]): T => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return from[(state >>> 8) % from.length]!;
    };
    const names = ['a', 'b', 'c', 'a/b', 'a/c', 'b/a', 'a/b/c', 'a/', 'b/c/'];
    const operations: (() => string)[] = [
      () =>
        `open ${pick([0, 1, 2])} ${pick(names)} ${pick(['r', 'wc', '+c', 'wct', 'wa', 'wcx', 'rd', 'rn'])}`,
      () => `write ${pick([0, 1, 2])} ${pick(['x', 'yy', 'hello'])}`,
      () => `read ${pick([0, 1, 2])}`,
      () => `seek ${pick([0, 1, 2])} ${pick([0, 1, 7])}`,
      () => `size ${pick([0, 1, 2])} ${pick([0, 3, 9])}`,
      () =>
        `${pick(['stat', 'lstat', 'mkdir', 'mkdir', 'rmdir', 'unlink', 'readlink', 'list'])} ${pick(names)}`,
      () => `${pick(['rename', 'link'])} ${pick(names)} ${pick(names)}`,
      () => `symlink ${pick(['a', 'b', 'a/b', 'c'])} ${pick(['a', 'b', 'c', 'a/b', 'a/c'])}`,
    ];
    for (let round = 0; round < ROUNDS; round++) {
      await expectSame(Array.from({ length: 300 }, () => pick(operations)()));
    }
  });
});

test('the host reads files of a directory by the paths of the guest, and nothing else', async () => {
  const inside = fresh();
  mkdirSync(join(inside, 'd'));
  writeFileSync(join(inside, 'd', 'ä'), 'text');
  symlinkSync('/etc/passwd', join(inside, 'out'));
  execFileSync('mkfifo', [join(inside, 'pipe')]);
  const { readFile } = await runWasi(module, ['/mnt'], {
    preopens: [{ guest: '/mnt', path: inside, readOnly: true }],
    files: new Map([['/memory', new TextEncoder().encode('m')]]),
  });
  const text = (path: string): string | null => {
    const bytes = readFile(path);
    return bytes === null ? null : new TextDecoder().decode(bytes);
  };
  expect(text('/mnt/d/ä')).toBe('text');
  expect(text('/memory')).toBe('m');
  for (const path of ['/mnt', '/mnt/d', '/mnt/gone', '/mnt/out', '/mnt/pipe', '/mnt/../etc/passwd', '/d/ä']) {
    expect(text(path), path).toBeNull();
  }
});

describe('nothing outside of a directory can be reached', () => {
  const outside = join(temporary, 'outside');
  beforeAll(() => {
    mkdirSync(outside);
    writeFileSync(join(outside, 'secret'), 'S');
  });

  test('without /proc, through .., symbolic links of every kind, renames and links', () =>
    withoutProc(tryAllWaysOut));

  test('through .., symbolic links of every kind, renames and links', tryAllWaysOut);

  async function tryAllWaysOut(): Promise<void> {
    const inside = fresh();
    mkdirSync(join(inside, 'd'));
    writeFileSync(join(inside, 'f'), 'f');
    symlinkSync(outside, join(inside, 'absolute'));
    symlinkSync('../outside', join(inside, 'relative'));
    symlinkSync('d/../../outside', join(inside, 'winding'));
    symlinkSync('relative', join(inside, 'chain'));
    symlinkSync('../outside/secret', join(inside, 'last'));
    symlinkSync('../outside/new', join(inside, 'dangling'));
    symlinkSync('/proc/self/root', join(inside, 'proc'));
    const paths = [
      ...[
        '../outside',
        'd/../../outside',
        'absolute',
        'relative',
        'winding',
        'chain',
        'chain/../outside',
        '..',
      ],
      ...[`proc${outside}`, './..//outside'],
    ];
    const tries = paths.flatMap((path) => [
      `open 0 ${path}/secret r`,
      `open 0 ${path}/made wc`,
      `stat ${path}/secret`,
      `unlink ${path}/secret`,
      `rename ${path}/secret stolen`,
      `rename f ${path}/given`,
      `link ${path}/secret stolen`,
      `link f ${path}/given`,
      `mkdir ${path}/made`,
      `rmdir ${path}/made`,
      `symlink x ${path}/made`,
      `list ${path}`,
      `utimes ${path}/secret`,
    ]);
    const more = [
      'open 0 last r',
      'open 0 last w',
      'open 0 last +t',
      'open 0 dangling wc',
      'stat last',
      'utimes last',
    ];
    const refused = [...tries, ...more, `symlink ${outside}/secret new`];
    const printed = (await inWasi(refused, inside)).trimEnd().split('\n');
    expect(printed).toHaveLength(refused.length);
    expect(printed.filter((line) => !/: (?:ENOTCAPABLE|ENOENT)$/.test(line))).toEqual([]);
    expect(readdirSync(outside)).toEqual(['secret']);
    expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('S');
    expect(existsSync(join(inside, 'stolen'))).toBe(false);
  }

  test('through a directory that another process replaces by a symbolic link all the time', async () => {
    const inside = fresh();
    const end = await swapLinks(inside, outside);
    try {
      const printed = await inWasi(['spin real/secret 20000', 'spin file 20000'], inside);
      expect(printed).toBe('leaked 0, saw both\nleaked 0, saw both\n');
    } finally {
      end();
    }
  });

  test('a read-only directory refuses every change', async () => {
    const inside = fresh();
    writeFileSync(join(inside, 'f'), 'f');
    linkSync(join(inside, 'f'), join(inside, 'g'));
    const changes = [
      ...[
        'open 0 f w',
        'open 0 f +',
        'open 0 f wt',
        'open 0 n wc',
        'mkdir n',
        'rmdir n',
        'unlink f',
        'rename f n',
      ],
      ...['link f n', 'symlink f n', 'utimes f'],
    ];
    const reads = ['open 0 f r', 'read 0', 'list -', 'stat f'];
    const printed = (await inWasi([...changes, ...reads], inside, { readOnly: true })).trimEnd().split('\n');
    expect(printed.slice(0, changes.length).filter((line) => !line.endsWith(': EROFS'))).toEqual([]);
    expect(printed.slice(changes.length)).toEqual([
      'open: 0',
      'read: 1',
      'f',
      'list: 4 . .. f g',
      'stat: file size 1 links 2',
    ]);
    expect(readdirSync(inside).sort()).toEqual(['f', 'g']);
  });
});
