import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Cache, defaultCacheDirectory, hashOf } from '../../src/compile/cache.ts';
import { sourceTree } from '../support/source-tree.ts';

const directories: string[] = [];
function scratch(): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'heapline-cache-'));
  directories.push(directory);
  return directory;
}
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

function filesUnder(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => path.join(directory, name))
    .filter((file) => statSync(file).isFile());
}

const key = hashOf('key');
const entry = (text: string) => ({ meta: { text }, blobs: { object: Buffer.from(text) } });

describe('the cache', () => {
  it('finds stored results, also in another process', () => {
    const directory = scratch();
    new Cache(directory).store(key, 'result', [], entry('one'));
    const found = new Cache(directory).find(key, 'result');
    expect(found?.meta).toEqual({ text: 'one' });
    expect(Buffer.from(found!.blobs.object!).toString()).toBe('one');
    expect(new Cache(directory).find(hashOf('other'), 'result')).toBeNull();
  });

  it('finds a result only while its input files are unchanged', () => {
    const directory = scratch();
    using tree = sourceTree({ 'a.h': 'one' });
    new Cache(directory).store(key, 'result', [tree.file('a.h')], entry('one'));
    tree.write('a.h', 'two');
    expect(new Cache(directory).find(key, 'result')).toBeNull();
    new Cache(directory).store(key, 'result', [tree.file('a.h')], entry('two'));
    tree.write('a.h', 'one');
    expect(new Cache(directory).find(key, 'result')?.meta).toEqual({ text: 'one' });
    rmSync(tree.file('a.h'));
    expect(new Cache(directory).find(key, 'result')).toBeNull();
  });

  it('does not store a result whose input file changed meanwhile', () => {
    const directory = scratch();
    using tree = sourceTree({ 'a.h': 'one' });
    new Cache(directory).store(key, 'result', [tree.file('a.h')], entry('one'), Date.now() - 10_000);
    expect(new Cache(directory).find(key, 'result')).toBeNull();
    new Cache(directory).store(key, 'result', [tree.file('a.h')], entry('one'), Date.now());
    expect(new Cache(directory).find(key, 'result')?.meta).toEqual({ text: 'one' });
  });

  it('treats damaged entries as absent', () => {
    const directory = scratch();
    new Cache(directory).store(key, 'result', [], entry('one'));
    for (const file of filesUnder(directory)) {
      const good = readFileSync(file);
      for (const bad of [
        '',
        '{',
        '{"version":1,"variants":[{}]}',
        'null',
        good.subarray(0, good.length - 1),
      ]) {
        writeFileSync(file, bad);
        expect(new Cache(directory).find(key, 'result')).toBeNull();
      }
      writeFileSync(file, good);
      expect(new Cache(directory).find(key, 'result')).not.toBeNull();
    }
  });

  it('repairs a damaged blob when the same contents are stored again', () => {
    const directory = scratch();
    new Cache(directory).store(key, 'result', [], entry('one'));
    const contents = filesUnder(path.join(directory, 'contents'));
    for (const torn of ['torn', 'ten']) {
      writeFileSync(contents[0]!, torn);
      new Cache(directory).store(key, 'result', [], entry('one'));
      expect(new Cache(directory).find(key, 'result')?.meta).toEqual({ text: 'one' });
    }
  });

  it('leaves no temporary files and tolerates a directory that cannot be written', () => {
    const directory = scratch();
    new Cache(directory).store(key, 'result', [], entry('one'));
    expect(filesUnder(directory).filter((file) => file.endsWith('.tmp'))).toEqual([]);
    const blocked = path.join(directory, 'file');
    writeFileSync(blocked, '');
    const cache = new Cache(path.join(blocked, 'below'));
    cache.store(key, 'result', [], entry('one'));
    expect(cache.find(key, 'result')).toBeNull();
  });

  it('keeps a bounded number of results for one key', () => {
    const directory = scratch();
    using tree = sourceTree({});
    for (let i = 0; i < 20; i++) {
      tree.write('a.h', `${i}`);
      new Cache(directory).store(key, 'result', [tree.file('a.h')], entry(`${i}`));
    }
    const [manifest] = filesUnder(path.join(directory, 'results'));
    expect(JSON.parse(readFileSync(manifest!, 'utf8')).variants).toHaveLength(8);
    expect(new Cache(directory).find(key, 'result')?.meta).toEqual({ text: '19' });
  });

  it('removes the entries used longest ago when it grows too large', () => {
    const directory = scratch();
    const limits = { max: 5000, pruned: 3000 };
    for (let i = 0; i < 12; i++) {
      new Cache(directory, limits).store(hashOf(`${i}`), 'result', [], {
        meta: null,
        blobs: { object: Buffer.alloc(1000, i) },
      });
    }
    const total = filesUnder(directory).reduce((sum, file) => sum + statSync(file).size, 0);
    expect(total).toBeLessThanOrEqual(limits.max);
    expect(new Cache(directory, limits).find(hashOf('11'), 'result')).not.toBeNull();
  });

  it('is not looked at by every store, but by those that are due by chance', () => {
    const directory = scratch();
    const limits = { max: 50_000, pruned: 10_000 };
    const random = vi.spyOn(Math, 'random').mockReturnValue(0.999);
    const store = (name: string) =>
      new Cache(directory, limits).store(hashOf(name), 'result', [], entry(name));
    for (let i = 0; i < 400; i++) store(`${i}`);
    const total = () => filesUnder(directory).reduce((sum, file) => sum + statSync(file).size, 0);
    expect(total()).toBeGreaterThan(limits.max);
    random.mockReturnValue(0);
    store('last');
    random.mockRestore();
    expect(total()).toBeLessThanOrEqual(limits.pruned);
    expect(new Cache(directory, limits).find(hashOf('last'), 'result')).not.toBeNull();
  });

  it('is in the directory that HEAPLINE_CACHE names, otherwise in the project', () => {
    const kept = process.env.HEAPLINE_CACHE;
    process.env.HEAPLINE_CACHE = '/some/where';
    expect(defaultCacheDirectory()).toBe(path.resolve('/some/where'));
    delete process.env.HEAPLINE_CACHE;
    expect(defaultCacheDirectory()).toBe(path.join(process.cwd(), 'node_modules', '.cache', 'heapline'));
    if (kept !== undefined) process.env.HEAPLINE_CACHE = kept;
  });
});
