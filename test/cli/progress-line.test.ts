// The line on a terminal that says what the command does: when it is shown, what it says, and that it goes away.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { unitDone } from '../../src/algorithms/watched-work.ts';
import { ProgressLine } from '../../src/cli/progress-line.ts';

const CLEAR = '\r\x1b[K';
let written: string[];
let line: ProgressLine;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
  written = [];
  const screen = { write: (text: string) => written.push(text) };
  line = new ProgressLine(screen as unknown as NodeJS.WriteStream, (text) => `<${text}>`);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** What passes while the event loop stands still. */
function block(milliseconds: number): void {
  const before = performance.now();
  vi.spyOn(performance, 'now').mockImplementation(() => before + milliseconds);
}

test('a step that waits is shown after a second, and its text follows', () => {
  line.say('compiling a.c');
  vi.advanceTimersByTime(999);
  expect(written).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(written).toEqual([`${CLEAR}<compiling a.c …>`]);
  line.say('compiling a.c');
  line.say('linking');
  line.end();
  line.end();
  expect(written).toEqual([`${CLEAR}<compiling a.c …>`, `${CLEAR}<linking …>`, CLEAR]);
});

test('a short step is never shown', () => {
  line.say('linking');
  vi.advanceTimersByTime(900);
  line.end();
  vi.advanceTimersByTime(5000);
  expect(written).toEqual([]);
});

test('a step that waits for nothing is shown once it goes on after a second, with its counts', () => {
  const result = line.during('instrumenting a.wasm', () => {
    block(900);
    unitDone(1, 4);
    expect(written).toEqual([]);
    block(200);
    unitDone(2, 4);
    block(200);
    unitDone();
    return 'result';
  });
  expect(result).toBe('result');
  expect(written).toEqual([
    `${CLEAR}<instrumenting a.wasm (3 of 4) …>`,
    `${CLEAR}<instrumenting a.wasm …>`,
    CLEAR,
  ]);
});

test('steps that follow one another keep the user waiting together', () => {
  line.during('reading a.pb.gz', () => block(700));
  line.during('adding up', () => block(700));
  expect(written).toEqual([]);
  line.during('writing b.pb.gz', () => {
    expect(written).toEqual([`${CLEAR}<writing b.pb.gz …>`]);
  });
  expect(written.at(-1)).toBe(CLEAR);
  written.length = 0;
  block(101);
  line.during('another', () => block(900));
  expect(written).toEqual([]);
});

test('reading symbols is shown within other work alone, because nobody tells when it ends', () => {
  const reading = { step: 'read symbols', detail: 'a.wasm' } as const;
  line.told(reading);
  vi.advanceTimersByTime(2000);
  expect(written).toEqual([]);
  line.during('reading the stacks', () => {
    block(1100);
    line.told(reading);
  });
  expect(written).toEqual([`${CLEAR}<reading the debug information of a.wasm …>`, CLEAR]);
});

test('an error of the work takes the line away', () => {
  const work = (): never => {
    block(1200);
    unitDone();
    throw new Error('stop');
  };
  expect(() => line.during('reading', work)).toThrow('stop');
  expect(written).toEqual([`${CLEAR}<reading …>`, CLEAR]);
});
