import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { headersIn } from '../../src/cc/run-clang.ts';

test.each(['\n', '\r\n'])('headers of a list with the line ends %j', (end) => {
  const directory = mkdtempSync(join(tmpdir(), 'heapline-headers-'));
  try {
    const list = join(directory, 'headers');
    writeFileSync(list, ['. one.h', '.. a b/two.h', ''].join(end));
    expect(headersIn(list)).toEqual([resolve('one.h'), resolve('a b/two.h')]);
    expect(headersIn(join(directory, 'missing'))).toEqual([]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
