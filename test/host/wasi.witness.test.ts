// The files of a WASI guest, compared with those of a native build.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { buildWasi, program, runWasi, temporaryDirectory } from '../support/wasi-program.ts';

describe('files', () => {
  test('behave as the native file system does, call by call', async () => {
    const directory = temporaryDirectory();
    const native = join(directory, 'native');
    execFileSync('gcc', ['-O1', '-w', program('files.c'), '-o', native]);
    const empty = temporaryDirectory();
    const expected = execFileSync(native, { cwd: empty, encoding: 'utf8' });
    const ran = await runWasi(await buildWasi('files.c'));
    expect(ran.error).toBeNull();
    expect(ran.stdout.split('\n')).toEqual(expected.split('\n'));
  });
});
