// `go tool pprof` as the judge: it reads the written profiles, and its tables equal Heapline's to the character.

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ContextProfileKind, HeapProfile } from '../../src/profile/index.ts';
import { arbitraryProfile } from '../support/arbitrary-profile.ts';
import { Workspace } from '../support/profile-oracles.ts';
import { CONTEXTS, frame, SITES, sampleProfile, snapshotOf } from '../support/sample-heap.ts';

const workspace = new Workspace();
const KINDS: ContextProfileKind[] = ['heap', 'allocs', 'peak', 'temporary', 'lifetime'];
let file: string;

beforeAll(() => {
  file = workspace.write('heap.pb.gz', sampleProfile({ labels: { instance: 'a' } }).encode());
});

afterAll(() => workspace.dispose());

describe('go tool pprof', () => {
  it.each(KINDS)('prints the same table of functions for the kind %s', (kind) => {
    const profile = sampleProfile({ kind });
    expect(profile.top({ granularity: 'functions', objects: false })).toBe(workspace.pprofTop(profile));
  });

  it('prints the same table of lines and marks inlined ones', () => {
    const profile = sampleProfile();
    const text = profile.top({ granularity: 'lines', objects: false });
    expect(text).toBe(workspace.pprofTop(profile, '-lines'));
    expect(profile.top({ granularity: 'lines', objects: false, sampleType: 'alloc_space' })).toContain(
      '(inline)',
    );
  });

  it('counts the same for each file', () => {
    // pprof has a row for each function of a file. All rows of a file together equal one row here.
    const profile = sampleProfile();
    const expected = new Map<string, number>();
    for (const [, flat, name] of workspace
      .pprofTop(profile, '-files', '-unit=B')
      .matchAll(/^ +(\d+)B? .* (\S+)$/gm)) {
      expected.set(name!, (expected.get(name!) ?? 0) + Number(flat));
    }
    const rows = profile.topRows({ granularity: 'files' });
    expect(rows.map(({ file, function: name, flat }) => [file || name, flat])).toEqual(
      rows.map(({ file, function: name }) => [file || name, expected.get(file || name)]),
    );
    expect(rows.length).toBe(expected.size);
  });

  it('prints the same tables sorted by cumulative values, and of other sample types', () => {
    const profile = sampleProfile();
    const options = { granularity: 'functions', objects: false } as const;
    expect(profile.top({ ...options, sampleType: 'alloc_objects' })).toBe(
      workspace.pprofTop(profile, '-sample_index=alloc_objects'),
    );
    const rows = (text: string) =>
      text
        .split('\n')
        .slice(-8)
        .map((line) => line.replace(/ {2}\S+$/, ''))
        .sort();
    expect(rows(profile.top({ ...options, sort: 'cum' }))).toEqual(rows(workspace.pprofTop(profile, '-cum')));
  });

  const expressions = [
    '',
    'a',
    '^[a-m]',
    '[b-d]$',
    'parse|main',
    '\\.c$',
    '(?i)MAIN',
    '.',
    'no such function',
    'wasm',
  ];

  it('leaves out the same with -focus, -ignore and -hide', () => {
    const expression = fc.constantFrom(...expressions);
    fc.assert(
      fc.property(
        fc.oneof(arbitraryProfile, fc.constant(sampleProfile())),
        fc.record({ focus: expression, ignore: expression, hide: expression }),
        fc.constantFrom('functions', 'lines'),
        (profile, filters, granularity) => {
          const flags = Object.entries(filters).flatMap(([name, text]) =>
            text === '' ? [] : [`-${name}=${text}`],
          );
          expect(profile.filter(filters).top({ granularity, objects: false })).toBe(
            workspace.pprofTop(profile, `-${granularity}`, ...flags),
          );
        },
      ),
      { numRuns: 60, interruptAfterTimeLimit: 60_000 },
    );
  });

  it('reads what is left as a profile of its own', () => {
    const left = sampleProfile().filter({ focus: 'parse', hide: 'main' });
    expect(left.folded()).not.toContain('main');
    expect(left.total()).toBeLessThan(sampleProfile().total());
    const again = HeapProfile.decode(left.encode());
    expect(again.folded()).toBe(left.folded());
    expect(again.top({ granularity: 'functions', objects: false })).toBe(workspace.pprofTop(again));
    expect(() => left.filter({ focus: '(' })).toThrow('no regular expression');
  });

  it('prints the same tables for profiles of all shapes', () => {
    fc.assert(
      fc.property(arbitraryProfile, fc.constantFrom('functions', 'lines'), (profile, granularity) => {
        expect(profile.top({ granularity, objects: false })).toBe(
          workspace.pprofTop(profile, `-${granularity}`),
        );
      }),
      { numRuns: 60, interruptAfterTimeLimit: 60_000 },
    );
  });

  it.each([
    'bytes',
    'B',
    'kbytes',
    'MB',
    'petabyte',
    'hours',
    'sec',
    'hr',
    'objects',
    'samples',
    'count',
    '',
  ])('prints the same quantities of the unit %j', (unit) => {
    const { model } = sampleProfile();
    const sampleTypes = model.sampleTypes.map((type, i) => (i === 1 ? { ...type, unit } : type));
    const profile = new HeapProfile({ ...model, sampleTypes });
    expect(profile.top({ granularity: 'functions', objects: false, sampleType: 'alloc_space' })).toBe(
      workspace.pprofTop(profile, '-sample_index=alloc_space'),
    );
  });

  it('prints the same for functions without a name', () => {
    const sites = new Map(SITES)
      .set(0x20, [frame('', 21)])
      .set(0x24, [frame('', 22, { file: '' })])
      .set(0x40, [frame('', 0, { file: '' })])
      .set(0x60, [frame('', 0)]);
    const profile = sampleProfile({ symbols: { frames: (site) => sites.get(site)! } });
    for (const sampleType of ['alloc_space', 'inuse_space']) {
      expect(profile.top({ granularity: 'lines', objects: false, sampleType })).toBe(
        workspace.pprofTop(profile, '-lines', `-sample_index=${sampleType}`),
      );
    }
    expect(profile.topRows({ sampleType: 'alloc_space' }).filter((row) => row.line === 22)).toMatchObject([
      { function: '', file: '' },
    ]);
  });

  it('removes the allocation family as the table does, also when it was inlined', () => {
    const sites = new Map(SITES)
      .set(0x20, [frame('malloc', 3, { inlined: true }), frame('xmalloc', 9)])
      .set(0x40, [frame('operator new', 70)]);
    const profile = sampleProfile({ symbols: { frames: (site) => sites.get(site)! } });
    for (const granularity of ['functions', 'lines'] as const) {
      expect(profile.top({ granularity, objects: false })).toBe(
        workspace.pprofTop(profile, `-${granularity}`),
      );
    }
    expect(profile.top()).not.toContain(' malloc /');
    expect(profile.folded()).toContain('main;xmalloc 400');
  });

  it('removes the functions that expressions of other writers drop, and keeps those that they keep', () => {
    const names = [
      'do_malloc',
      'operator new[]',
      '__builtin_vec_new',
      'tcmalloc::Sampler::Record',
      'runtime.gopanic',
    ];
    const sites = new Map(SITES)
      .set(0x20, [frame(names[0]!, 3, { inlined: true }), frame('xmalloc', 9)])
      .set(0x40, [frame(names[1]!, 70)])
      .set(0x10, [frame(names[3]!, 70)])
      .set(0x30, [frame(names[4]!, 7, { inlined: true }), frame(names[2]!, 8)]);
    const { model } = sampleProfile({ symbols: { frames: (site) => sites.get(site)! } });
    for (const [dropFrames, keepFrames] of [
      // The first expression is tcmalloc's. The second one is pprof's own, which it adds to profiles in text form.
      ['(__)?posix_memalign|tcmalloc::.*|(::)?do_malloc|__builtin_(vec_)?new|operator new(\\[\\])?', ''],
      ['(?i:DO_MALLOC)|(?:op.*\\])\\z|[^x]{3}malloc', ''],
      ['runtime\\..*|.*malloc', 'runtime\\.(go)?panic'],
      ['do_malloc', '('],
      ['do_malloc|[', ''],
    ] as const) {
      const profile = new HeapProfile({ ...model, dropFrames, keepFrames });
      for (const granularity of ['functions', 'lines'] as const) {
        const options = { granularity, objects: false, sampleType: 'alloc_space', wrappers: ['!*'] };
        expect(profile.top(options)).toBe(
          workspace.pprofTop(profile, `-${granularity}`, '-sample_index=alloc_space'),
        );
      }
    }
  });

  it('leaves out what a profile lists as wrappers with the expression in its comments', () => {
    const sites = new Map(SITES)
      .set(0x20, [frame('operator new', 3), frame("pool<'|'>::xalloc", 4), frame('parse', 9)])
      .set(0x24, [frame('xmalloc', 3, { inlined: true }), frame('xstrdup', 5), frame('parse', 21)])
      .set(0x30, [frame('std::vector<int>::grow', 7, { inlined: true }), frame('list_push', 12)])
      .set(0x40, [frame('xmalloc', 3), frame('walk', 33)]);
    const profile = sampleProfile({ symbols: { frames: (site) => sites.get(site)! } });
    const [, expression] = /-hide='(.*)'\n/.exec(
      workspace.pprof('-comments', workspace.write('w.pb.gz', profile.encode())),
    )!;
    expect(profile.wrappers).toEqual(['std::vector<int>::grow', 'xmalloc', 'xstrdup']);
    for (const granularity of ['functions', 'lines'] as const) {
      const options = { granularity, objects: false, sampleType: 'alloc_space' };
      const args = [`-${granularity}`, '-sample_index=alloc_space'];
      const judged = workspace.pprofTop(profile, ...args, `-hide=${expression}`);
      const own = profile
        .top(options)
        .split('\n')
        .filter((line) => !line.startsWith('Left out'));
      expect(own).toEqual(judged.replace(/^Active filters:\n.*\n/m, '').split('\n'));
      expect(profile.top({ ...options, wrappers: ['!*'] })).toBe(workspace.pprofTop(profile, ...args));
    }
  });

  it('shows callers and callees with -peek', () => {
    const text = workspace.pprof('-peek=^parse$', '-sample_index=alloc_objects', file);
    expect(text).toMatch(/16 84\.21% \|\s+main/);
    expect(text).toMatch(/\|\s+list_push/);
  });

  it('shows bytes beside source lines with -list', () => {
    const source = Array.from({ length: 30 }, (_, i) => `  line${i + 1}();`).join('\n');
    const path = workspace.write('parse.c', source);
    const profile = sampleProfile({
      symbols: { frames: (site) => SITES.get(site)!.map((one) => ({ ...one, file: path })) },
    });
    const listed = workspace.pprof('-list=^parse$', workspace.write('list.pb.gz', profile.encode()));
    expect(listed).toContain(`ROUTINE ======================== parse in ${path}`);
    expect(listed).toMatch(/3\.45kB +3\.45kB +21: {2,}line21\(\);/);
  });

  it('shows whole stacks with -traces, with JavaScript above C', () => {
    const text = workspace.pprof('-traces', file);
    expect(text).toMatch(/instance: +a\n +bytes: +1kB\n +3kB +parse\n +handle\n +<anonymous>\n/);
    expect(text).toMatch(/node_new \(inline\)\n +list_push \(inline\)\n +parse\n +main\n/);
  });

  it('subtracts profiles with -diff_base like diff()', () => {
    const after = CONTEXTS.map((context, i) => (i === 2 ? ([1, 0x20, 14, 2400, 8, 1800] as const) : context));
    const before = sampleProfile();
    const later = sampleProfile({ snapshot: snapshotOf(after) });
    const base = workspace.write('before.pb.gz', before.encode());
    const expected = workspace.pprofTop(later, `-diff_base=${base}`);
    const difference = before.diff(later);
    const rows = (text: string) =>
      text.split('\n').flatMap((line) => /^ +(-?[\d.]+\w*) .* (\S+)$/.exec(line)?.slice(1) ?? []);
    expect(rows(difference.top({ granularity: 'functions', objects: false }))).toEqual(
      rows(expected).slice(0, 4),
    );
    expect(difference.sampleCount).toBe(1);
    expect(workspace.pprofTop(difference)).toBe(difference.top({ granularity: 'functions', objects: false }));
  });

  it('prints a difference that pprof wrote like pprof', () => {
    const after = CONTEXTS.map((context, i) => (i === 2 ? ([1, 0x20, 14, 2400, 8, 1800] as const) : context));
    const base = workspace.write('before.pb.gz', sampleProfile().encode());
    const later = workspace.write('later.pb.gz', sampleProfile({ snapshot: snapshotOf(after) }).encode());
    const path = workspace.write('difference.pb.gz', '');
    workspace.pprof('-proto', `-output=${path}`, `-diff_base=${base}`, later);
    const written = HeapProfile.decode(workspace.read(path));
    const table = written.top({ granularity: 'functions', objects: false });
    expect(table).toBe(workspace.pprofTop(written));
    expect(table).toContain('of 101.24kB total');
  });

  it('chooses samples by label with -tagfocus', () => {
    expect(workspace.pprof('-top', '-tagfocus=instance=a', file)).toContain('of 101.24kB total');
    expect(workspace.pprof('-tags', file)).toMatch(/instance: Total 101\.2kB/);
    expect(workspace.pprof('-top', '-tagfocus=bytes=64kb:', file)).toContain('97.66kB');
  });

  it('shows the written addresses, mappings and comments with -raw', () => {
    const text = workspace.pprof('-raw', file);
    expect(text).toContain('PeriodType: space bytes\nPeriod: 1\n');
    expect(text).toMatch(/1: 0x100000000\/0x100001001\/0x0 \/src\/app\/app\.c {2}\[FN\]\[FL\]\[LN\]\[IN\]/);
    expect(text).toMatch(/0x100000030 M=1 node_new \/src\/app\/parse\.c:7/);
    expect(workspace.pprof('-comments', file)).toContain('toolchain: clang 14');
  });

  it('shows the mean lifetime of a block with -mean', () => {
    const profile = workspace.write('life.pb.gz', sampleProfile({ kind: 'lifetime' }).encode());
    expect(workspace.pprof('-top', '-mean', profile)).toMatch(/1000B .*parse|0\.98kB .*parse/);
  });

  it('reads the text form with the same totals', () => {
    const path = workspace.write('heap.txt', sampleProfile().text());
    expect(workspace.pprof('-top', '-sample_index=inuse_space', path)).toContain('of 101.24kB total');
    expect(workspace.pprof('-raw', path)).toContain('PeriodType: space bytes\nPeriod: 1\n');
    expect(workspace.pprof('-top', '-sample_index=alloc_objects', path)).toContain('of 28 total');
  });

  it('reads the text form of names with line breaks', () => {
    const sites = new Map(SITES).set(0x50, [frame('a\n1: 2 [3: 4] @ 0x5\r\n', 50, { file: '/src/b\nc.c' })]);
    const text = sampleProfile({ symbols: { frames: (site) => sites.get(site)! } }).text();
    expect(text).toContain('\ta 1: 2 [3: 4] @ 0x5 \t/src/b c.c:50\n');
    const path = workspace.write('breaks.txt', text);
    expect(workspace.pprof('-top', '-sample_index=inuse_space', path)).toContain('of 101.24kB total');
  });

  it('reads the text form with the same addresses', () => {
    const addresses = (path: string) =>
      [...workspace.pprof('-raw', path).matchAll(/^ +\d+: (0x[0-9a-f]+) /gm)]
        .map(([, address]) => address)
        .sort();
    expect(addresses(file)).toContain('0x100000010');
    expect(addresses(workspace.write('heap.txt', sampleProfile().text()))).toEqual(addresses(file));
  });

  it('writes profiles that are read back complete', () => {
    const path = workspace.write('again.pb.gz', Buffer.alloc(0));
    workspace.pprof('-proto', `-output=${path}`, file);
    const again = HeapProfile.decode(workspace.read(path));
    const original = sampleProfile({ labels: { instance: 'a' } });
    expect(again.folded({ lines: true })).toBe(original.folded({ lines: true }));
    expect(again.top()).toBe(original.top());
  });
});
