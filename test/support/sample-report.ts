// Sample reports: one with a record of each class, inlined frames, a JS frame, awkward names and a double free; and
// functions that make frames and records.

import type { Frame } from '../../src/frames/index.ts';
import { type LeakRecord, LeakReport } from '../../src/report/index.ts';

/** A C frame. `place` is `file:line:column`; unknown parts are left out from the right. */
export function frame(name: string, place = '', extra: Partial<Frame> = {}): Frame {
  const [file = '', line = '0', column = '0'] = place.split(':');
  return {
    function: name,
    linkageName: name,
    file,
    line: Number(line),
    column: Number(column),
    startLine: 0,
    inlined: false,
    language: 'c',
    ...extra,
  };
}

/** A record whose sizes do not matter. */
export function record(frames: readonly Frame[], parts: Partial<LeakRecord> = {}): LeakRecord {
  return {
    kind: 'definite',
    blocks: 1,
    bytes: 10,
    frames,
    sample: null,
    indirect: { blocks: 0, bytes: 0 },
    parts: [],
    ...parts,
  };
}

const main = frame('main', '/home/app/src/main.c:40:10', { startLine: 35 });

/** One record of each class and one double free. */
export function sampleReport(): LeakReport {
  return new LeakReport({
    program: 'list.wasm',
    records: [
      record([frame('cache_fill', '/home/app/src/cache.c:9:5', { startLine: 5 }), main], {
        kind: 'reachable',
        blocks: 1,
        bytes: 16,
      }),
      record(
        [
          frame('node_new', '/home/app/src/list.c:12:17', { startLine: 10, inlined: true }),
          frame('list_push', '/home/app/src/list.c:20:3', { startLine: 18 }),
          main,
          frame('<anonymous>', '/home/app/test/list.test.ts:7:9', { language: 'js' }),
        ],
        {
          blocks: 4,
          bytes: 1024,
          sample: {
            address: 0x11020,
            bytes: new TextEncoder().encode('hello, "heap" <&>\u0000\u0001\u001f and the rest'),
          },
        },
      ),
      record(
        [frame('text_copy', '', { file: '/usr/include/odd %,:name/copy.c', line: 3, startLine: 1 }), main],
        {
          kind: 'indirect',
          blocks: 2,
          bytes: 48,
        },
      ),
      record([frame('wasm-function[7]'), main], { kind: 'possible', blocks: 1, bytes: 32 }),
    ],
    errors: [
      {
        kind: 'double-free',
        address: 0x11040,
        block: { address: 0x11040, size: 256 },
        frames: [frame('list_free', '/home/app/src/list.c:31:5', { startLine: 28 }), main],
        allocatedAt: [frame('node_new', '/home/app/src/list.c:12:17', { startLine: 10 }), main],
        freedAt: [frame('list_pop', '/home/app/src/list.c:25:5', { startLine: 22 }), main],
      },
    ],
    notes: ['C frames are active: pointers in their registers and locals cannot be seen.'],
  });
}
