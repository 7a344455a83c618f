// heapline top, text, folded and speedscope, and the command as a whole: help, version, colours, pipes.

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { treeRows, treeText } from '../../src/profile/call-tree.ts';
import { VERSION } from '../../src/profile/index.ts';
import { CommandDirectory } from '../support/command-directory.ts';
import { CONTEXTS, frame, SITES, sampleProfile, snapshotOf } from '../support/sample-heap.ts';

const directory = new CommandDirectory();
const profile = sampleProfile();

beforeAll(() => {
  directory.write('heap.pb.gz', profile.encode());
  const grown = CONTEXTS.map((context, i) => (i === 2 ? ([1, 0x20, 20, 3000, 14, 2400] as const) : context));
  directory.write('later.pb.gz', sampleProfile({ snapshot: snapshotOf(grown) }).encode());
  directory.write('junk.pb.gz', 'junk');
});

afterAll(() => directory.dispose());

describe('heapline tree', () => {
  it('prints the tree of a profile, of what filters leave of it, or of a difference, and its rows as JSON', () => {
    const trimPath = directory.path;
    const tree = (...args: string[]) => directory.heapline(['tree', ...args]);
    expect(tree('heap.pb.gz')).toEqual({
      status: 0,
      stdout: treeText(profile.model, { trimPath }),
      stderr: '',
    });
    expect(tree('--depth', '1', '--min-share', '0', '--granularity', 'lines', 'heap.pb.gz').stdout).toBe(
      treeText(profile.model, { trimPath, depth: 1, minShare: 0, granularity: 'lines' }),
    );
    // Shares are those of the whole profile.
    const focused = treeText(profile.filter({ focus: 'parse' }).model, { trimPath, whole: profile.model });
    expect(tree('--focus', 'parse', 'heap.pb.gz').stdout).toBe(focused);
    expect(JSON.parse(tree('--json', 'heap.pb.gz').stdout)).toEqual(treeRows(profile.model, { trimPath }));
    const grown = tree('--base', 'heap.pb.gz', 'later.pb.gz').stdout;
    expect(grown).toMatch(/^Type: inuse_space\nTotal: /);
    expect(grown).not.toBe(tree('later.pb.gz').stdout);
    const wrong = tree('--min-share', 'half', 'heap.pb.gz');
    expect([wrong.status, wrong.stderr]).toEqual([2, expect.stringContaining('--min-share')]);
  });
});

describe('heapline top', () => {
  it('prints the table of a profile', () => {
    expect(directory.heapline(['top', 'heap.pb.gz'])).toEqual({
      status: 0,
      stdout: profile.top(),
      stderr: '',
    });
  });

  it('takes a sample type, a granularity, an order and a limit', () => {
    const { stdout } = directory.heapline([
      'top',
      '-t',
      'alloc_objects',
      '--granularity',
      'functions',
      '--cum',
      '-n',
      '3',
      'heap.pb.gz',
    ]);
    expect(stdout).toBe(
      profile.top({ sampleType: 'alloc_objects', granularity: 'functions', sort: 'cum', limit: 3 }),
    );
  });

  it('leaves out what --focus, --ignore and --hide name, as folded and text do', () => {
    const filters = ['--focus', 'parse', '--ignore', 'walk', '--hide', '^main$'];
    const left = profile.filter({ focus: 'parse', ignore: 'walk', hide: '^main$' });
    const shown = (command: string): string => directory.heapline([command, ...filters, 'heap.pb.gz']).stdout;
    expect(shown('top')).toBe(left.top());
    expect(shown('top')).toContain('Active filters:\n   focus=parse\n');
    expect(shown('folded')).toBe(left.folded());
    expect(shown('text')).toBe(left.text());
    const wrong = directory.heapline(['top', '--focus', '(', 'heap.pb.gz']);
    expect([wrong.status, wrong.stderr]).toEqual([2, expect.stringContaining('focus: ( is no regular')]);
  });

  it('leaves out what the profile lists as wrappers and --wrappers names, as tree does', () => {
    const sites = new Map(SITES).set(0x40, [frame('xmalloc', 3), frame('pool_get', 9), frame('walk', 33)]);
    const wrapped = sampleProfile({ symbols: { frames: (site) => sites.get(site)! } });
    directory.write('wrapped.pb.gz', wrapped.encode());
    const shown = (...args: string[]): string => directory.heapline([...args, 'wrapped.pb.gz']).stdout;
    expect(shown('top')).toBe(wrapped.top());
    expect(shown('top')).toContain('\nLeft out, because they allocate for their callers: xmalloc.');
    const wrappers = ['pool_*', '!x*'];
    expect(shown('top', '--wrappers', 'pool_*', '--wrappers', '!x*')).toBe(wrapped.top({ wrappers }));
    const trimPath = directory.path;
    expect(shown('tree', '--wrappers', '!*')).toBe(treeText(wrapped.model, { trimPath, wrappers: ['!*'] }));
  });

  it('prints the rows as JSON', () => {
    const rows = JSON.parse(directory.heapline(['top', '--json', 'heap.pb.gz']).stdout);
    expect(rows).toEqual(JSON.parse(JSON.stringify(profile.topRows())));
  });

  it('shows the changes since another profile', () => {
    const { stdout } = directory.heapline(['top', '--base', 'heap.pb.gz', 'later.pb.gz']);
    expect(stdout).toMatch(/1\.95kB .* 10 {2}parse \/src\/app\/parse\.c:21\n/);
    expect(stdout).not.toContain('walk');
  });

  it('reads standard input', () => {
    expect(directory.heapline(['top', '-'], { input: profile.encode() }).stdout).toBe(profile.top());
  });

  it('waits for non-blocking standard input', async () => {
    // This end of a child's pipe does not block. It stays so under a file number that spawn() does not touch.
    const writer = spawn('sh', ['-c', 'sleep 1; cat heap.pb.gz'], {
      cwd: directory.path,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [node, ...args] = directory.commandLine(['top', '-']);
    const reader = spawn('sh', ['-c', '"$0" "$@" <&3', node!, ...args], {
      cwd: directory.path,
      stdio: ['ignore', 'pipe', 'inherit', writer.stdout],
    });
    let stdout = '';
    for await (const chunk of reader.stdout!) stdout += chunk;
    expect(stdout).toBe(profile.top());
  });
});

describe('heapline text and heapline folded', () => {
  it('print the text form', () => {
    expect(directory.heapline(['text', 'heap.pb.gz']).stdout).toBe(profile.text());
  });

  it('print the whole profile as JSON', () => {
    expect(JSON.parse(directory.heapline(['text', '--json', 'heap.pb.gz']).stdout).totals.inuse_space).toBe(
      103_674,
    );
  });

  it('print folded stacks', () => {
    expect(directory.heapline(['folded', 'heap.pb.gz']).stdout).toBe(profile.folded());
    const { stdout } = directory.heapline(['folded', '--lines', '-t', 'alloc_objects', 'heap.pb.gz']);
    expect(stdout).toBe(profile.folded({ lines: true, sampleType: 'alloc_objects' }));
  });

  it.each<[string, string[], RegExp]>([
    ['a file that is no profile', ['top', 'junk.pb.gz'], /junk\.pb\.gz: .*not an intact pprof profile/],
    [
      'a file that does not exist',
      ['folded', 'nosuch.pb.gz'],
      /nosuch\.pb\.gz cannot be read: there is no such file/,
    ],
    ['a directory', ['text', '.'], /it is a directory/],
    ['a sample type that is not there', ['top', '-t', 'cpu', 'heap.pb.gz'], /no sample type 'cpu'/],
    [
      'profiles that cannot be compared',
      ['top', '--base', 'junk.pb.gz', 'heap.pb.gz'],
      /junk\.pb\.gz: .*not an intact/,
    ],
    [
      'a sample type for the text form, which has all',
      ['text', '-t', 'alloc_space', 'heap.pb.gz'],
      /unknown option/,
    ],
    ['a limit that is no number', ['top', '-n', 'x', 'heap.pb.gz'], /--limit takes a whole number/],
  ])('end with 2 for %s', (_, args, reason) => {
    const { status, stdout, stderr } = directory.heapline(args);
    expect(status).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(reason);
  });
});

describe('heapline speedscope', () => {
  it('prints or writes a file for speedscope', () => {
    const { stdout } = directory.heapline(['speedscope', 'heap.pb.gz']);
    expect(stdout).toBe(`${profile.speedscope()}\n`);
    const written = directory.heapline([
      'speedscope',
      '--lines',
      '-t',
      'inuse_objects',
      'heap.pb.gz',
      '-o',
      'x.json',
    ]);
    expect(written).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(directory.read('x.json').toString()).toBe(
      profile.speedscope({ lines: true, sampleType: 'inuse_objects' }),
    );
  });

  it('reports a file that cannot be written', () => {
    const { status, stderr } = directory.heapline(['speedscope', 'heap.pb.gz', '-o', 'no/such/x.json']);
    expect(status).toBe(2);
    expect(stderr).toContain('no/such/x.json cannot be written: its directory does not exist');
  });
});

describe('heapline', () => {
  it.each([
    [['leak.c'], 'leak.c is not a command. Did you mean: heapline run leak.c'],
    [['-O2', 'a.cpp', 'b.c'], 'a.cpp is not a command. Did you mean: heapline run -O2 a.cpp b.c'],
    [['module.wasm'], 'module.wasm is not a command. Did you mean: heapline run module.wasm'],
    [['heap.pb.gz'], 'heap.pb.gz is not a command. Did you mean: heapline top heap.pb.gz'],
  ])('suggests what was meant by %j', (args, message) => {
    expect(directory.heapline(args)).toEqual({ status: 2, stdout: '', stderr: `heapline: ${message}\n` });
  });

  it('prints its version', () => {
    expect(directory.heapline(['--version'])).toEqual({ status: 0, stdout: `${VERSION}\n`, stderr: '' });
  });

  it.each([
    [['run', '--nothing'], 2],
    [['nothing'], 2],
    [['run'], 2],
    [['instrument', 'a.wasm'], 2],
    [['run', '--kind', 'all', 'a.c'], 2],
    [['run', 'nowhere.c'], 2],
    [['top', 'nowhere.pb.gz'], 2],
    [['run', '--no-pprof', 'trap.c'], 134],
    [['check', 'trap.c'], 3],
    [['check', 'seven.c'], 3],
  ])('starts its error messages with its name: %j', (args, status) => {
    directory.write('trap.c', 'int main(void) { __builtin_trap(); }\n');
    directory.write('seven.c', 'int main(void) { return 7; }\n');
    const result = directory.heapline(args);
    expect(result.status).toBe(status);
    expect(result.stderr).toMatch(/^heapline: /);
    expect(result.stderr).not.toMatch(/^error:/m);
  });

  it('has help with examples and exit statuses, and help for every command', () => {
    const { stdout, status } = directory.heapline(['--help']);
    for (const variable of ['HEAPLINE_TOOLCHAIN', 'HEAPLINE_CLANG', 'HEAPLINE_CACHE', 'HEAPLINE_DEBUG']) {
      expect(stdout).toMatch(new RegExp(`^ +${variable} +\\S`, 'm'));
    }
    expect(status).toBe(0);
    expect(stdout).toMatch(/Examples:[\s\S]*Exit status:/);
    for (const command of ['run', 'build', 'instrument', 'top', 'text', 'folded']) {
      const help = directory.heapline(['help', command]);
      expect(help).toMatchObject({ status: 0, stderr: '' });
      expect(help.stdout).toMatch(/Usage: heapline [\s\S]*Examples:\n {2}\S*.*heapline/);
    }
  });

  it('ends with 2 and says what to do after a wrong command line', () => {
    expect(directory.heapline(['frobnicate'])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('--help'),
    });
    expect(directory.heapline([])).toMatchObject({ status: 2, stderr: expect.stringContaining('Usage:') });
  });

  it('uses colours only where they are wanted', () => {
    const plain = directory.heapline(['top', 'junk.pb.gz'], { env: { FORCE_COLOR: '0' } });
    expect(plain.stderr).not.toContain('\x1b[');
    const forced = directory.heapline(['top', 'junk.pb.gz'], { env: { FORCE_COLOR: '1', NO_COLOR: '' } });
    expect(forced.stderr).toContain('\x1b[31m');
    const refused = directory.heapline(['top', 'junk.pb.gz'], { env: { FORCE_COLOR: '1', NO_COLOR: '1' } });
    expect(refused.stderr).not.toContain('\x1b[');
  });

  it('stops quietly when its reader has seen enough', () => {
    const wide = Array.from({ length: 20_000 }, (_, i) => [i === 0 ? -1 : 0, 0x40, 1, 16, 1, 16] as const);
    directory.write('wide.pb.gz', sampleProfile({ snapshot: snapshotOf(wide) }).encode());
    const [node, ...args] = directory.commandLine(['text', 'wide.pb.gz']);
    const script = `"$0" "$@" | head -1; exit \${PIPESTATUS[0]}`;
    const out = execFileSync('bash', ['-c', script, node!, ...args], {
      cwd: directory.path,
      encoding: 'utf8',
    });
    expect(out).toMatch(/^heap profile: /);
  });

  it.skipIf(!existsSync('/dev/full'))('reports that the disk is full', () => {
    const [node, ...args] = directory.commandLine(['top', 'heap.pb.gz']);
    const result = spawnSync('sh', ['-c', '"$0" "$@" > /dev/full', node!, ...args], {
      cwd: directory.path,
      encoding: 'utf8',
    });
    expect(result).toMatchObject({
      status: 2,
      stderr: 'heapline: Standard output cannot be written: the disk is full.\n',
    });
  });
});
