// A made-up heap with every feature that a profile has to show: inlined calls, recursion, a JavaScript entry, a host
// stack that was not captured, truncated stacks, contexts that no longer hold anything. The numbers were chosen so
// that every sum in the tests can be checked by hand.

import '../../src/profile/install-presentation.ts';
import type { Frame } from '../../src/frames/index.ts';
import { layout } from '../../src/heap/index.ts';
import {
  buildProfile,
  type ContextCounters,
  type HeapProfile,
  type ProfileInput,
} from '../../src/profile/index.ts';

export const SOURCE = '/src/app/parse.c';

export function frame(name: string, line: number, options: Partial<Frame> = {}): Frame {
  return {
    function: name,
    linkageName: name,
    file: SOURCE,
    line,
    column: 5,
    startLine: Math.max(1, line - 3),
    inlined: false,
    language: 'c',
    ...options,
  };
}

/** Frames by call site. */
export const SITES: ReadonlyMap<number, readonly Frame[]> = new Map([
  [0x10, [frame('main', 40)]],
  [0x20, [frame('parse', 21)]],
  [0x24, [frame('parse', 21, { column: 30 })]],
  [
    0x30,
    [frame('node_new', 7, { inlined: true }), frame('list_push', 12, { inlined: true }), frame('parse', 25)],
  ],
  [0x40, [frame('walk', 33)]],
  [0x50, [frame('Foo<T>::bar(int)', 50, { linkageName: '_ZN3FooI1TE3barEi' })]],
  [0x60, [frame('<anonymous>', 60)]],
]);

export const HOST_FRAMES: ReadonlyMap<number, readonly Frame[]> = new Map([
  [
    3,
    [
      frame('handle', 5, { file: '/src/app/server.ts', language: 'js' }),
      frame('<anonymous>', 90, { file: '/src/app/server.ts', language: 'js' }),
    ],
  ],
]);

/** Parent, site, allocated objects and bytes, live objects and bytes. */
type Context = readonly [number, number, number, number, number, number];

export const CONTEXTS: readonly Context[] = [
  [-1, 0, 0, 0, 0, 0],
  [0, 0x10, 0, 0, 0, 0],
  [1, 0x20, 10, 1000, 4, 400],
  [1, 0x24, 1, 64, 1, 64],
  [1, 0x30, 5, 120, 0, 0],
  [1, 0x40, 2, 32, 2, 32],
  [5, 0x40, 2, 32, 2, 32],
  [6, 0x40, 2, 32, 1, 16],
  [0, layout.SITE_HOST_FLAG + 3, 0, 0, 0, 0],
  [8, 0x20, 3, 3072, 3, 3072],
  [0, layout.SITE_HOST_FLAG, 1, 8, 1, 8],
  [7, layout.SITE_TRUNCATED, 0, 0, 0, 0],
  [11, 0x50, 1, 100_000, 1, 100_000],
  [8, 0x60, 1, 50, 1, 50],
];

export function snapshotOf(contexts: readonly Context[] = CONTEXTS): ContextCounters {
  const column = (index: number) => Float64Array.from(contexts, (context) => context[index]!);
  return {
    count: contexts.length,
    parent: Int32Array.from(contexts, ([parent]) => parent),
    site: Uint32Array.from(contexts, ([, site]) => site),
    allocObjects: column(2),
    allocBytes: column(3),
    liveObjects: column(4),
    liveBytes: column(5),
    peakObjects: column(4),
    peakBytes: column(5),
    temporaryObjects: Float64Array.from(contexts, (context) => context[2] - context[4]),
    temporaryBytes: Float64Array.from(contexts, (context) => context[3] - context[5]),
    lifetime: Float64Array.from(contexts, (context) => context[2] * 1000),
    takenAt: Date.UTC(2026, 0, 2, 15, 4, 5),
  };
}

export function sampleInput(options: Partial<ProfileInput> = {}): ProfileInput {
  return {
    kind: 'heap',
    snapshot: snapshotOf(),
    symbols: { frames: (site) => SITES.get(site)! },
    hostStacks: { frames: (id) => HOST_FRAMES.get(id)! },
    module: { name: 'app.c', path: '/src/app/app.c', codeSize: 0x1000 },
    comments: ['toolchain: clang 14'],
    ...options,
  };
}

export function sampleProfile(options: Partial<ProfileInput> = {}): HeapProfile {
  return buildProfile(sampleInput(options));
}
