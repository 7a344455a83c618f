// docs/api is what TypeDoc makes from the docstrings, and every exported name has a docstring.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = new URL('../..', import.meta.url).pathname;
const committed = join(root, 'docs/api');

const pagesIn = (folder: string): string[] =>
  (readdirSync(folder, { recursive: true }) as string[]).filter((file) => file.endsWith('.md')).sort();

let folder: string;

// Fails when a name has no docstring, or when a type is used but not exported: see "validation" in typedoc.json.
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'heapline-reference-'));
  execFileSync('node_modules/.bin/typedoc', ['--out', folder], { cwd: root, stdio: 'pipe' });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the reference of the library', () => {
  it('has a page for each exported name', () => {
    expect(pagesIn(committed)).toEqual(pagesIn(folder));
  });

  it('is current (`npm run docs` writes it)', () => {
    for (const page of pagesIn(folder)) {
      expect(readFileSync(join(committed, page), 'utf8')).toBe(readFileSync(join(folder, page), 'utf8'));
    }
  });
});
