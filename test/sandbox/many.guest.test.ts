// Many sandboxes, one after the other, in a loop that never lets the event loop turn, because each await is for a module
// that is already loaded.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { programPath } from '../support/guest-programs.ts';

const door = new URL('../../src/index.ts', import.meta.url).pathname;

const SCRIPT = `
import { loadC } from ${JSON.stringify(door)};
let collected = 0;
const registry = new FinalizationRegistry(() => collected++);
for (let i = 0; i < 60; i++) {
  const lib = await loadC(${JSON.stringify(programPath('library.c'))}, { toolchain: 'clang' });
  lib.exports.take!(24);
  registry.register(lib, null);
  lib.dispose();
}
gc!();
// V8 reports what it has collected in a later turn of the event loop.
await new Promise((resolve) => setTimeout(resolve, 50));
console.log(collected);
`;

test('sandboxes that were disposed of are collected within one turn of the event loop', () => {
  const directory = mkdtempSync(join(tmpdir(), 'heapline-many-'));
  try {
    const file = join(directory, 'use.mts');
    writeFileSync(file, SCRIPT);
    const args = ['--expose-gc', '--import', import.meta.resolve('tsx'), file];
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect(stdout, stderr).not.toBe('');
    expect(Number(stdout)).toBeGreaterThan(50);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
