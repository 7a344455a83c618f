// heapline diff and merge.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HeapProfile } from '../../src/profile/index.ts';
import { CommandDirectory } from '../support/command-directory.ts';
import { CONTEXTS, sampleProfile, snapshotOf } from '../support/sample-heap.ts';

const directory = new CommandDirectory();
const before = sampleProfile();
const grown = CONTEXTS.map((context, i) => (i === 2 ? ([1, 0x20, 20, 3000, 14, 2400] as const) : context));
const after = sampleProfile({ snapshot: snapshotOf(grown) });
const GROWTH = 2000;

beforeAll(() => {
  directory.write('before.pb.gz', before.encode());
  directory.write('after.pb.gz', after.encode());
});

afterAll(() => directory.dispose());

describe('heapline diff', () => {
  it('prints the table of changes', () => {
    expect(directory.heapline(['diff', 'before.pb.gz', 'after.pb.gz'])).toEqual({
      status: 0,
      stdout: before.diff(after).top({ limit: 20 }),
      stderr: '',
    });
  });

  it('accepts the options of a table', () => {
    const options = ['-t', 'alloc_objects', '--granularity', 'functions', '--cum', '-n', '1'];
    expect(directory.heapline(['diff', ...options, 'before.pb.gz', 'after.pb.gz']).stdout).toBe(
      before
        .diff(after)
        .top({ sampleType: 'alloc_objects', granularity: 'functions', sort: 'cum', limit: 1 }),
    );
  });

  it('prints the sums and the rows as JSON', () => {
    const { stdout } = directory.heapline(['diff', '--json', 'before.pb.gz', 'after.pb.gz']);
    expect(JSON.parse(stdout)).toEqual({
      sampleType: 'inuse_space',
      before: before.total(),
      after: before.total() + GROWTH,
      growth: GROWTH,
      rows: JSON.parse(JSON.stringify(before.diff(after).topRows())),
    });
  });

  it('writes the difference as a profile', () => {
    expect(directory.heapline(['diff', 'before.pb.gz', 'after.pb.gz', '-o', 'grown.pb.gz']).status).toBe(0);
    const written = HeapProfile.decode(directory.read('grown.pb.gz'));
    expect(written.topRows()).toEqual(before.diff(after).topRows());
  });

  it.each([
    ['before.pb.gz', 'after.pb.gz', String(GROWTH), 0],
    ['before.pb.gz', 'after.pb.gz', '1999', 1],
    ['before.pb.gz', 'after.pb.gz', '1k', 1],
    ['before.pb.gz', 'before.pb.gz', '0', 0],
    ['after.pb.gz', 'before.pb.gz', '0', 0],
  ])('compares %s with %s, allows a growth of %s, and ends with %i', (from, to, allowed, status) => {
    const result = directory.heapline(['diff', '--fail-on-growth', allowed, from, to]);
    expect(result.status).toBe(status);
    const said = `inuse_space grew by ${GROWTH}, from ${before.total()} to ${after.total()}`;
    expect(result.stderr.includes(said)).toBe(status === 1);
  });

  it.each<[string, string[], RegExp]>([
    ['one profile', ['before.pb.gz'], /missing required argument 'after'/],
    ['a file that is missing', ['before.pb.gz', 'no.pb.gz'], /no\.pb\.gz cannot be read: there is no such/],
    [
      'a size that is none',
      ['--fail-on-growth', '-5', 'before.pb.gz', 'after.pb.gz'],
      /'-5' is not a size: write bytes, or 512k/,
    ],
    [
      'a directory that does not exist',
      ['before.pb.gz', 'after.pb.gz', '-o', 'no/such.pb.gz'],
      /no\/such\.pb\.gz cannot be written: its directory does not exist/,
    ],
  ])('ends with 2 for %s', (_, args, reason) => {
    const result = directory.heapline(['diff', ...args]);
    expect(result).toMatchObject({ status: 2, stdout: '' });
    expect(result.stderr).toMatch(reason);
  });
});

describe('heapline merge', () => {
  it('writes the sum of profiles', () => {
    const files = ['before.pb.gz', 'after.pb.gz', 'before.pb.gz'];
    expect(directory.heapline(['merge', ...files, '-o', 'sum.pb.gz'])).toEqual({
      status: 0,
      stdout: '',
      stderr: '',
    });
    const sum = HeapProfile.decode(directory.read('sum.pb.gz'));
    expect(sum.total()).toBe(2 * before.total() + after.total());
    expect(sum.toJSON()).toEqual(HeapProfile.merge([before, after, before]).toJSON());
  });

  it('needs a file to write', () => {
    expect(directory.heapline(['merge', 'before.pb.gz'])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("required option '-o, --output <file>' not specified"),
    });
  });
});
