// The published types are the interface: test/types records what dist/ declares, and two tools that know how Node.js,
// TypeScript and bundlers read packages find nothing wrong. Needs a current dist/ (./build.sh).

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packedArchive } from '../support/packed-package.ts';

const root = new URL('../..', import.meta.url).pathname;
const written = join(root, 'test/types');

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'heapline-types-'));
  execFileSync(process.execPath, ['scripts/api-report.mjs', folder], { cwd: root, stdio: 'pipe' });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the published types', () => {
  it('are those of test/types (`npm run api` writes an intended change)', () => {
    const entries = readdirSync(folder);
    expect(readdirSync(written).filter((file) => file.endsWith('.api.md'))).toEqual(entries);
    for (const entry of entries) {
      expect(readFileSync(join(folder, entry), 'utf8')).toBe(readFileSync(join(written, entry), 'utf8'));
    }
  });

  it('have no internal member', () => {
    const declarations = readdirSync(join(root, 'dist')).filter((file) => /\.d\.c?ts$/.test(file));
    expect(declarations.length).toBeGreaterThan(10);
    for (const file of declarations) {
      expect([file, readFileSync(join(root, 'dist', file), 'utf8').includes('@internal')]).toEqual([
        file,
        false,
      ]);
    }
  });
});

describe('the package', () => {
  it('is right for publint and for Are The Types Wrong', () => {
    const check = (tool: string, ...args: string[]) =>
      execFileSync(`node_modules/.bin/${tool}`, [packedArchive(), ...args], {
        cwd: root,
        encoding: 'utf8',
        env: { ...process.env, NO_COLOR: '1' },
      });
    expect(check('publint', '--strict')).toContain('All good!');
    expect(check('attw', '--ignore-rules', 'cjs-resolves-to-esm')).toContain('No problems found');
  });
});
