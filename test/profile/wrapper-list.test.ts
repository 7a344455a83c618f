// Which functions a profile lists as wrappers, and what tables make of the list.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linearExpression } from '../../src/node/linear-expression.ts';
import { treeText } from '../../src/profile/call-tree.ts';
import { HeapProfile } from '../../src/profile/index.ts';
import { hiddenFunctions, hiddenInAll, WrapperCollector } from '../../src/profile/wrapper-list.ts';
import { CONTEXTS, frame, SITES, sampleProfile, snapshotOf } from '../support/sample-heap.ts';

/** A profile with these frames at call sites, besides those of the sample. */
function profileWith(sites: Readonly<Record<number, ReturnType<typeof frame>[]>>): HeapProfile {
  const all = new Map(SITES);
  for (const [site, frames] of Object.entries(sites)) all.set(Number(site), frames);
  return sampleProfile({ symbols: { frames: (site) => all.get(site)! } });
}

const flatOf = (profile: HeapProfile, name: string, wrappers: string[] = []): number =>
  profile
    .topRows({ granularity: 'functions', sampleType: 'alloc_space', wrappers })
    .find((row) => row.function === name)?.flat ?? 0;

describe('a profile', () => {
  it('lists wrappers that stand innermost, and keeps their frames', () => {
    const profile = profileWith({ 64: [frame('xmalloc', 3), frame('xstrdup', 9), frame('walk', 33)] });
    expect(profile.wrappers).toEqual(['xmalloc', 'xstrdup']);
    expect(profile.comments.at(-1)).toBe(
      "# Allocation wrappers, left out by go tool pprof -hide='^(?:xmalloc|xstrdup)$'",
    );
    expect(profile.folded()).toContain('walk;xstrdup;xmalloc');
    expect([...profile.samples()].flatMap(({ frames }) => frames.map((one) => one.function))).toContain(
      'xmalloc',
    );
    expect(HeapProfile.decode(profile.encode()).wrappers).toEqual(profile.wrappers);
  });

  it('lists no wrapper that also allocates for itself, and none of a stack that has nothing else', () => {
    // 0x20 is called by main, and by JavaScript.
    expect(profileWith({ 32: [frame('xmalloc', 3)] }).wrappers).toEqual([]);
    expect(profileWith({ 32: [frame('xmalloc', 3), frame('xstrdup', 4)] }).wrappers).toEqual(['xmalloc']);
    const library = { file: '/build/libc-top-half/musl/src/string/strdup.c' };
    const start = frame('__wasm_call_ctors', 0, { file: '' });
    expect(profileWith({ 16: [start], 32: [frame('strdup', 3, library)] }).wrappers).toEqual([]);
  });

  it('of another tool lists none', () => {
    const { model } = profileWith({ 64: [frame('xmalloc', 3), frame('walk', 33)] });
    const foreign = new HeapProfile({ ...model, comments: ['xmalloc'] });
    expect(foreign.wrappers).toEqual([]);
    expect(flatOf(foreign, 'xmalloc')).toBeGreaterThan(0);
    for (const expression of ['(', 'xmalloc', '^(?:xmalloc', 'x|y|^(?:a)$', '^(?:)$', '(a|a)*b', '\\x']) {
      const comment = `# Allocation wrappers, left out by go tool pprof -hide='${expression}'`;
      expect(new HeapProfile({ ...model, comments: [comment] }).wrappers, expression).toEqual([]);
    }
  });

  it('lists names that any language has, by an expression that means them in RE2, too', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(fc.string({ minLength: 1 }), fc.constantFrom("operator|'", 'a\\b|', '\n', 'f(int)[2]')),
        ),
        fc.array(fc.string({ minLength: 1 })),
        (wrappers, others) => {
          const collector = new WrapperCollector();
          for (const name of wrappers) collector.add(name, true);
          for (const name of others) collector.add(name, false);
          const comments = collector.comments();
          const { model } = sampleProfile();
          const functions = [...wrappers, ...others].map((name) => ({
            name,
            systemName: '',
            file: '',
            startLine: 0,
          }));
          const expected = [...new Set(wrappers.filter((name) => !others.includes(name)))].sort();
          expect(hiddenFunctions({ ...model, functions, comments }, [])).toEqual(expected);
          if (comments.length === 0) return;
          const expression = linearExpression(/-hide='(.*)'$/.exec(comments[0]!)![1]!)!;
          const found = functions.map(({ name }) => name).filter((name) => expression.finds(name));
          expect([...new Set(found)].sort()).toEqual(expected);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('lists the C++ library as one, unless something of it is to be seen', () => {
    const inside = [
      frame('std::__2::vector<int>::__vallocate', 5),
      frame('void std::__2::swap<int>(int&)', 5),
      frame('walk', 33),
    ];
    const profile = profileWith({ 64: inside });
    expect(profile.comments.at(-1)).toMatch(/-hide='\(\?:\^\|\\s\)\(\?:std\|__gnu_cxx\|__cxxabiv1\)::'$/);
    expect(profile.wrappers).toEqual([
      'std::__2::vector<int>::__vallocate',
      'void std::__2::swap<int>(int&)',
    ]);
    const seen = profileWith({ 64: inside, 32: [frame('std::__2::string::string', 3)] });
    expect(seen.comments.at(-1)).toContain('^(?:std::__2::vector<int>::__vallocate|void std');
    expect(seen.wrappers).toEqual(profile.wrappers);
  });
});

describe('tables and trees', () => {
  const profile = profileWith({ 64: [frame('xmalloc', 3), frame('pool_get', 9), frame('walk', 33)] });

  it('give the callers what their wrappers have allocated, and say so', () => {
    expect(flatOf(profile, 'xmalloc')).toBe(0);
    expect(flatOf(profile, 'pool_get')).toBe(96);
    expect(profile.top()).toMatch(
      /\nLeft out, because they allocate for their callers: xmalloc\. --wrappers '!\*' shows them; go tool pprof -hide='\^\(\?:xmalloc\)\$' has the same figures\.\n$/,
    );
    expect(treeText(profile.model)).not.toMatch(/^ .*xmalloc/m);
    expect(treeText(profile.model)).toContain('Left out');
  });

  it('say it in a line that can be read, however long the names are', () => {
    const names = Array.from({ length: 9 }, (_, i) => `std::map<${'int, '.repeat(200)}${i}>::emplace`);
    const inside = [...names.map((name) => frame(name, 3)), frame('xmalloc', 4), frame('walk', 33)];
    const library = profileWith({ 64: inside });
    expect(library.wrappers.length).toBe(10);
    expect(library.top().trimEnd().split('\n').at(-1)!.length).toBeLessThan(500);
    // The expression names each of them where one of the library is to be seen.
    const listed = profileWith({ 64: inside, 32: [frame('std::less', 3)] });
    expect(listed.top()).toContain('…, std::map');
    expect(listed.top()).toMatch(
      /the -hide expression that go tool pprof -comments prints gives the same figures\.\n$/,
    );
  });

  it('obey patterns', () => {
    expect(flatOf(profile, 'walk', ['pool_*'])).toBe(96);
    expect(flatOf(profile, 'xmalloc', ['!x*'])).toBe(96);
    expect(profile.top({ wrappers: ['pool_*'] })).toContain("-hide='^(?:pool_get|xmalloc)$'");
    for (const text of [profile.top({ wrappers: ['!*'] }), treeText(profile.model, { wrappers: ['!*'] })]) {
      expect(text).toContain('xmalloc');
      expect(text).not.toContain('Left out');
    }
    expect(() => profile.top({ wrappers: 'x' as never })).toThrow('wrappers');
  });

  it('have all samples, whatever is left out', () => {
    const shown = { sampleType: 'alloc_space', granularity: 'functions' } as const;
    const sum = (wrappers: string[]): number =>
      profile.topRows({ ...shown, wrappers }).reduce((total, row) => total + row.flat, 0);
    expect(sum([])).toBe(sum(['!*']));
  });

  it('of filtered profiles leave the same out', () => {
    const focused = profile.filter({ focus: 'walk' });
    expect(focused.wrappers).toEqual(['xmalloc']);
    expect(focused.top()).toMatch(/focus=walk[\s\S]*Left out/);
  });
});

describe('differences and sums', () => {
  const changed = CONTEXTS.map((context, i) => (i === 5 ? ([1, 0x40, 9, 900, 9, 900] as const) : context));
  const hidden = new Map(SITES).set(0x40, [frame('xmalloc', 3), frame('walk', 33)]);
  const before = sampleProfile({ symbols: { frames: (site) => hidden.get(site)! } });
  const after = sampleProfile({
    symbols: { frames: (site) => hidden.get(site)! },
    snapshot: snapshotOf(changed),
  });

  it('list what all of them list', () => {
    const change = before.diff(after);
    expect(change.wrappers).toEqual(['xmalloc']);
    expect(flatOf(change, 'walk')).toBe(868);
    expect(HeapProfile.merge([before, after, sampleProfile()]).wrappers).toEqual(['xmalloc']);
    expect(hiddenInAll([before.model, after.model])).toEqual(['xmalloc']);
  });

  it('show what one of them shows', () => {
    const shown = new HeapProfile({ ...after.model, comments: [] });
    expect(before.diff(shown).wrappers).toEqual([]);
    expect(HeapProfile.merge([shown, before]).wrappers).toEqual([]);
    expect(hiddenInAll([before.model, shown.model])).toEqual([]);
  });
});
