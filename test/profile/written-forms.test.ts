// The forms for people and scripts: tables, folded stacks, Go's text, JSON, and the needs of speedscope's importers.

import { describe, expect, it } from 'vitest';
import { InvalidArgumentError } from '../../src/errors.ts';
import { formatQuantity, formatShare, HeapProfile } from '../../src/profile/index.ts';
import { protobufDecode } from '../support/profile-oracles.ts';
import { sampleProfile } from '../support/sample-heap.ts';

describe('the table', () => {
  it('shows function, place, bytes and objects', () => {
    const lines = sampleProfile().top({ limit: 2 }).split('\n');
    expect(lines.slice(-6)).toEqual([
      'Showing nodes accounting for 101.11kB, 99.87% of 101.24kB total',
      'Showing top 2 nodes out of 9',
      '      flat  flat%   sum%        cum   cum%    objects',
      '   97.66kB 96.46% 96.46%    97.66kB 96.46%          1  Foo<T>::bar(int) /src/app/parse.c:50',
      '    3.45kB  3.41% 99.87%     3.45kB  3.41%          8  parse /src/app/parse.c:21',
      '',
    ]);
  });

  it('shortens paths below a directory', () => {
    expect(sampleProfile().top({ trimPath: '/src/app' })).toContain('  walk parse.c:33\n');
    expect(sampleProfile().top({ trimPath: '/src/ap' })).toContain('  walk /src/app/parse.c:33\n');
  });

  it('counts recursion once', () => {
    const walk = sampleProfile()
      .topRows({ granularity: 'functions' })
      .find((row) => row.function === 'walk');
    expect(walk).toMatchObject({ flat: 80, cum: 100_080, flatObjects: 5, cumObjects: 6 });
  });

  it('rejects a sample type that the profile does not have, and names the existing ones', () => {
    expect(() => sampleProfile().top({ sampleType: 'cpu' })).toThrow(InvalidArgumentError);
    expect(() => sampleProfile().top({ sampleType: 'cpu' })).toThrow(/alloc_objects, alloc_space/);
  });

  it('rejects an order and a granularity that do not exist', () => {
    expect(() => sampleProfile().top({ sort: 'cumulative' as never })).toThrow(
      /'flat' or 'cum', not 'cumulative'/,
    );
    expect(() => sampleProfile().topRows({ granularity: 'line' as never })).toThrow(
      /'functions', 'lines' or 'files', not 'line'/,
    );
  });

  it.each<[number, string, string]>([
    [0, 'bytes', '0'],
    [1, 'bytes', '1B'],
    [1023, 'bytes', '1023B'],
    [1536, 'bytes', '1.50kB'],
    [1024 * 1.125, 'bytes', '1.12kB'],
    [-(2 ** 20), 'bytes', '-1MB'],
    [1_500_000_000, 'nanoseconds', '1.50s'],
    [12, 'count', '12'],
  ])('prints %d %s as %s', (value, unit, text) => {
    expect(formatQuantity(value, unit)).toBe(text);
  });

  it.each<[number, string]>([
    [0, '    0%'],
    [100, '  100%'],
    [12.345, '12.35%'],
    [0.5, '  0.5%'],
    [0.0123, '0.012%'],
    [0.000012, '1.2e-05%'],
  ])('prints a share of %d percent as pprof does', (share, text) => {
    expect(formatShare(share, 100)).toBe(text);
  });
});

describe('folded stacks', () => {
  it('have the outermost frame first and inlined frames in their place', () => {
    expect(sampleProfile().folded({ sampleType: 'alloc_space' }).split('\n')).toEqual([
      '<anonymous>;handle;<anonymous> 50',
      '<anonymous>;handle;parse 3072',
      '[host] 8',
      'main;parse 1064',
      'main;parse;list_push;node_new 120',
      'main;walk 32',
      'main;walk;walk 32',
      'main;walk;walk;walk 32',
      'main;walk;walk;walk;[truncated];Foo<T>::bar(int) 100000',
      '',
    ]);
  });

  it('can name file and line', () => {
    expect(sampleProfile().folded({ lines: true })).toContain(
      'main /src/app/parse.c:40;walk /src/app/parse.c:33 32\n',
    );
  });

  it('are lines that flamegraph.pl and speedscope accept', () => {
    for (const line of sampleProfile().folded().trimEnd().split('\n')) expect(line).toMatch(/^(.*) (\d+)$/);
  });
});

describe('the text form', () => {
  it('has the layout of Go: records sorted by bytes in use, with symbols below', () => {
    const text = sampleProfile().text();
    expect(text.split('\n').slice(0, 9)).toEqual([
      'heap profile: 16: 103674 [28: 104410] @ heap/2',
      '1: 100000 [1: 100000] @ 0x100000051 0x100001001 0x100000041 0x100000041 0x100000041 0x100000011',
      '#\t0x100000050\tFoo<T>::bar(int)\t/src/app/parse.c:50',
      '#\t0x100001000\t[truncated]',
      '#\t0x100000040\twalk\t\t\t/src/app/parse.c:33',
      '#\t0x100000040\twalk\t\t\t/src/app/parse.c:33',
      '#\t0x100000040\twalk\t\t\t/src/app/parse.c:33',
      '#\t0x100000010\tmain\t\t\t/src/app/parse.c:40',
      '',
    ]);
  });

  it('shows kinds with one pair of values as both in use and allocated', () => {
    expect(sampleProfile({ kind: 'temporary' }).text()).toMatch(
      /^heap profile: 12: 736 \[12: 736\] @ heap\/2\n/,
    );
  });

  it('has bytes also for profiles that show objects first', () => {
    const { model } = sampleProfile({ kind: 'temporary' });
    expect(new HeapProfile({ ...model, defaultSampleType: 'temporary_objects' }).text()).toMatch(
      /^heap profile: 12: 736 \[12: 736\] @ heap\/2\n/,
    );
  });
});

describe('JSON', () => {
  it('has the shape of version 1', () => {
    const json = JSON.parse(JSON.stringify(sampleProfile({ labels: { instance: 'a' } })));
    expect(Object.keys(json)).toEqual([
      'version',
      'kind',
      'sampleTypes',
      'defaultSampleType',
      'time',
      'duration',
      'comments',
      'totals',
      'frames',
      'stacks',
      'samples',
    ]);
    expect(json).toMatchObject({
      version: 1,
      kind: 'heap',
      time: '2026-01-02T15:04:05.000Z',
      totals: { inuse_space: 103_674 },
    });
    const { stack, labels } = json.samples[2];
    const names: string[] = [];
    for (let at = stack; at !== 0; at = json.stacks[at][1])
      names.push(json.frames[json.stacks[at][0]].function);
    expect(names).toEqual(['node_new', 'list_push', 'parse', 'main']);
    expect(labels).toEqual({ instance: 'a', bytes: 24 });
  });
});

describe('what speedscope needs from a pprof profile', () => {
  // Its importer takes the column of default_sample_type and all lines of each location, each with a function.
  it('is present: an existing default sample type, and lines with functions that have names', () => {
    const decoded = protobufDecode(sampleProfile().encode());
    expect(decoded.sampleType.map(({ type }) => type)).toContain(decoded.defaultSampleType);
    const functions = new Map(decoded.function.map((fn) => [fn.id, fn]));
    for (const { line } of decoded.location) {
      expect(line.length).toBeGreaterThan(0);
      for (const { functionId } of line) expect(functions.get(functionId)?.name).not.toBe('');
    }
    for (const { value } of decoded.sample) expect(value.length).toBe(decoded.sampleType.length);
  });
});

describe('inlines: locations', () => {
  it('rejects other forms', () => {
    expect(() => sampleProfile().encode({ inlines: 'frames' as 'lines' })).toThrow(
      "The option inlines must be 'lines' or 'locations', not 'frames'.",
    );
  });
});
