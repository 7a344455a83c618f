// Modules with checks are kept in the cache on disk: a second process, or a sandbox with the same limits, takes them from
// there, and reports are the same. Other limits, and damaged files, lead to the pass again. attach() and loadWasm() find them
// through the store that the entry of Node.js installs.

import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { instrumentWithChecks } from '../../src/access/index.ts';
import { compile } from '../../src/compile/index.ts';
import { keptChecks, keptModule } from '../../src/loading/kept-modules.ts';
import { useModuleStore } from '../../src/sandbox/index.ts';
import { prepareModuleNow, prepareModuleOnce } from '../../src/sandbox/prepared-module.ts';

const folder = mkdtempSync(join(tmpdir(), 'heapline-kept-'));
const cache = join(folder, 'cache');
let wasm: Uint8Array;
beforeAll(async () => {
  const file = join(folder, 'one.c');
  writeFileSync(file, '#include <stdlib.h>\nint *one(int n) { int *p = malloc(4); p[n] = 1; return p; }\n');
  ({ wasm } = await compile([file], {}));
});
afterAll(() => rmSync(folder, { recursive: true }));

const files = (): string[] =>
  readdirSync(cache, { recursive: true, encoding: 'utf8' })
    .map((each) => join(cache, each))
    .filter((each) => statSync(each).isFile());

it('keeps what the pass has made, and finds it by the module and its limits', async () => {
  const made = await instrumentWithChecks(wasm, {});
  const first = await keptChecks(wasm, {}, cache);
  expect(first.bytes).toEqual(made.bytes);
  const stored = files();
  expect(stored).toHaveLength(2);
  const second = await keptChecks(wasm, {}, cache);
  expect(second.bytes).toEqual(made.bytes);
  expect(second.shadow).toEqual(made.shadow);
  expect(second.notes).toEqual(made.notes);
  expect(second.statistics).toEqual(made.statistics);
  expect(second.offsets.toOriginal(5000)).toBe(made.offsets.toOriginal(5000));
  expect(files()).toEqual(stored);
  const limited = await keptChecks(wasm, { maxMemory: 2 ** 26 }, cache);
  expect(limited.shadow).not.toEqual(made.shadow);
  expect(files()).toHaveLength(4);
});

it('makes it again when the file is damaged', async () => {
  const made = await keptChecks(wasm, {}, cache);
  for (const file of files()) writeFileSync(file, 'damaged');
  expect((await keptChecks(wasm, {}, cache)).bytes).toEqual(made.bytes);
});

it('keeps what loadWasm() and attach() make', async () => {
  const before = files().length;
  useModuleStore((bytes, settings) => keptModule(bytes, settings, cache));
  try {
    const limit = 2 ** 25;
    const made = await prepareModuleOnce(wasm, limit, { access: true });
    const stored = files();
    expect(stored.length).toBeGreaterThan(before);
    const cannotGraft = (): never => {
      throw new Error('the module has the runtime');
    };
    // attach() asks in this way.
    const now = prepareModuleNow(wasm, limit, { access: true, recordOnly: 'never' }, cannotGraft);
    expect(now.instrumented.bytes).toEqual(made.instrumented.bytes);
    expect(now.instrumented.shadow).toEqual(made.instrumented.shadow);
    expect(files()).toEqual(stored);
  } finally {
    useModuleStore(keptModule);
  }
});
