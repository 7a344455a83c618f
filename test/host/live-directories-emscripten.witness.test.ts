// Live directories in Emscripten's file system. Emscripten's libc answers some calls in its own way whatever is below
// it, so a live directory must answer as Emscripten's files in memory do, or as a native program.

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
import { type MountingFS, mountLive } from '../../src/glue/live-file-system.ts';
import { loadC, type SandboxOptions } from '../../src/index.ts';
import { program, temporaryDirectory } from '../support/wasi-program.ts';
import { FILE_CALLS } from './file-calls.ts';
import { swapLinks } from './swapped-links.ts';

const temporary = temporaryDirectory();
const fresh = (): string => mkdtempSync(join(temporary, 'd-'));
const outside = join(temporary, 'outside');

beforeAll(() => {
  mkdirSync(outside);
  writeFileSync(join(outside, 'secret'), 'S');
});

async function run(
  name: string,
  args: readonly string[],
  lines: readonly string[],
  preopens: SandboxOptions['preopens'] = {},
): Promise<string[]> {
  const options = { toolchain: 'emscripten', flags: ['-w'], stdin: `${lines.join('\n')}\n` } as const;
  using sandbox = await loadC(program(name), { ...options, args, preopens });
  return sandbox.run().stdout.split('\n');
}

/** What a native program prints. It reads no standard input, so none is written: it may have ended by then (EPIPE). */
function inNative(name: string, args: readonly string[]): string[] {
  const binary = join(temporary, `${name}.native`);
  if (!existsSync(binary)) execFileSync('clang', ['-O1', '-w', program(name), '-o', binary]);
  return execFileSync(binary, args, { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' }).split('\n');
}

/** What differs from files in memory, each call with both results. */
async function differences(root: string, guest: string, directory: string): Promise<string[]> {
  const live = await run('file-calls.c', [guest], FILE_CALLS, { [root]: root === '/' ? '/' : directory });
  const memory = await run('file-calls.c', ['/tmp'], FILE_CALLS);
  expect(live).toHaveLength(memory.length);
  const same = live.map((line) => line.replace(guest, '/tmp'));
  return same.flatMap((line, i) => (line === memory[i] ? [] : [`${memory[i]} -> ${line}`]));
}

describe('results and errors are those of files in memory', () => {
  test('below a directory', async () => {
    const directory = fresh();
    const found = await differences('/mnt', '/mnt', directory);
    // A name of 300 characters is too long for the machine.
    expect(found.filter((line) => line !== 'stat: ENOENT -> stat: ENAMETOOLONG')).toEqual([]);
    expect(readdirSync(directory)).toContain('ä€');
  });

  test('with the whole file system', async () => {
    const directory = fresh();
    const found = await differences('/', directory, directory);
    const ofPath = /ENAMETOOLONG$|^readlink: \d+ -> readlink: \d+$/;
    expect(found.filter((line) => !ofPath.test(line))).toEqual([]);
    expect(readdirSync(directory)).toContain('ä€');
  });

  test('mapped memory, descriptors that share a file, and permissions are those of a native program', async () => {
    const [ours, theirs] = [fresh(), fresh()];
    const live = await run('mapped-files.c', ['/mnt'], [], { '/mnt': ours });
    expect(live).toEqual(inNative('mapped-files.c', [theirs]));
    expect(readFileSync(join(ours, 'log'), 'utf8')).toBe('one\ntwo\n');
    expect(readFileSync(join(ours, 'file'), 'utf8')).toBe('abX');
  });
});

test('a directory may begin inside of another one, which does not change', async () => {
  const [one, two] = [fresh(), fresh()];
  writeFileSync(join(one, 'f'), '1');
  writeFileSync(join(two, 'g'), '2');
  const printed = await run('file-calls.c', ['/'], ['open 0 a/b/g r', 'read 0', 'open 1 a/f r', 'read 1'], {
    '/a/b': two,
    '/a': { path: one, readOnly: true },
  });
  expect(printed.join(' ')).toBe('open: 0 read: 1 2 open: 0 read: 1 1 ');
  expect(readdirSync(one)).toEqual(['f']);
});

test('a change that another program makes is seen at once', async () => {
  const directory = fresh();
  writeFileSync(join(directory, 'f'), 'old');
  let asked = 0;
  const lines = ['stat f\n', 'stat f\n', 'stat f\n'];
  using sandbox = await loadC(program('file-calls.c'), {
    toolchain: 'emscripten',
    flags: ['-w'],
    args: ['/mnt'],
    preopens: { '/mnt': directory },
    stdin: () => {
      if (asked === 1) execFileSync('sh', ['-c', 'rm f; mkdir f'], { cwd: directory });
      if (asked === 2) execFileSync('rmdir', ['f'], { cwd: directory });
      return new TextEncoder().encode(lines[asked++] ?? '');
    },
  });
  expect(sandbox.run().stdout).toBe('stat: file size 3 links 1\nstat: directory\nstat: ENOENT\n');
});

test('directories that are missing, and files in memory where one is, are errors', async () => {
  await expect(run('file-calls.c', [], [], { '/x': join(temporary, 'gone') })).rejects.toThrow(
    /gone cannot be opened for the guest: there is no such directory/,
  );
  await expect(run('file-calls.c', [], [], { '/a': fresh(), '/a/no/b': fresh() })).rejects.toThrow(
    /\/a\/no\/b/,
  );
  const both = loadC(program('file-calls.c'), {
    ...{ toolchain: 'emscripten', flags: ['-w'], files: { '/a/f': '' }, preopens: { '/a': temporary } },
  });
  await expect(both).rejects.toThrow(/write the file there/);
});

describe('nothing outside of a directory can be reached', () => {
  test('through .., symbolic links of every kind, renames and links', async () => {
    const inside = fresh();
    mkdirSync(join(inside, 'd'));
    writeFileSync(join(inside, 'f'), 'f');
    symlinkSync(outside, join(inside, 'absolute'));
    symlinkSync('../outside', join(inside, 'relative'));
    symlinkSync('d/../../outside', join(inside, 'winding'));
    symlinkSync('../outside/secret', join(inside, 'last'));
    symlinkSync('../outside/new', join(inside, 'dangling'));
    symlinkSync(join(outside, 'new'), join(inside, 'dangling-absolute'));
    symlinkSync('/proc/self/root', join(inside, 'proc'));
    const paths = [
      '../outside',
      'd/../../outside',
      'absolute',
      'relative',
      'winding',
      '..',
      `proc${outside}`,
    ];
    const tries = paths.flatMap((path) => [
      ...[`open 0 ${path}/secret r`, 'read 0', `open 0 ${path}/made wc`, `unlink ${path}/secret`],
      ...[
        `rename ${path}/secret stolen`,
        `rename f ${path}/given`,
        `mkdir ${path}/made`,
        `utimes ${path}/secret`,
      ],
      ...[`symlink x ${path}/link`, `link ${path}/secret stolen`, `list ${path}`, `rmdir ${path}/made`],
    ]);
    const more = ['last', 'dangling', 'dangling-absolute'].flatMap((path) => [
      ...[
        `open 0 ${path} r`,
        'read 0',
        `open 0 ${path} wc`,
        'write 0 broken',
        `open 0 ${path} +t`,
        `stat ${path}`,
      ],
    ]);
    const before = execFileSync('find', [outside, '-printf', '%p %s %T@\n'], { encoding: 'utf8' });
    const printed = await run('file-calls.c', ['/mnt'], [...tries, ...more], { '/mnt': inside });
    expect(printed).not.toContain('S');
    expect(printed.join('\n')).not.toMatch(/secret/);
    expect(execFileSync('find', [outside, '-printf', '%p %s %T@\n'], { encoding: 'utf8' })).toBe(before);
    expect(existsSync(join(inside, 'stolen'))).toBe(false);
  });

  test('through a directory that another process replaces by a symbolic link all the time', async () => {
    const inside = fresh();
    const end = await swapLinks(inside, outside);
    try {
      const printed = await run('file-calls.c', ['/mnt'], ['spin real/secret 10000', 'spin file 10000'], {
        '/mnt': inside,
      });
      expect(printed).toEqual(['leaked 0, saw both', 'leaked 0, saw both', '']);
    } finally {
      end();
    }
  });

  test('a read-only directory refuses every change', async () => {
    const inside = fresh();
    writeFileSync(join(inside, 'f'), 'f');
    linkSync(join(inside, 'f'), join(inside, 'g'));
    const changes = [
      ...['open 0 f w', 'open 0 f +', 'open 0 f wt', 'open 0 n wc', 'mkdir n', 'unlink f', 'rename f n'],
      ...['symlink f n', 'utimes f'],
    ];
    const printed = await run('file-calls.c', ['/mnt'], [...changes, 'open 0 f r', 'read 0', 'list -'], {
      '/mnt': { path: inside, readOnly: true },
    });
    expect(printed.slice(0, changes.length).filter((line) => !line.endsWith(': EROFS'))).toEqual([]);
    expect(printed.slice(changes.length)).toEqual(['open: 0', 'read: 1', 'f', 'list: 4 . .. f g', '']);
    expect(readdirSync(inside).sort()).toEqual(['f', 'g']);
  });
});

test('glue whose file system takes no directories says what to link without', () => {
  const wasmfs = { streams: [], mkdirTree() {} } as unknown as MountingFS;
  expect(() => mountLive(wasmfs, [{ guest: '/x', path: temporary, readOnly: true }])).toThrow(/-sWASMFS/);
});
