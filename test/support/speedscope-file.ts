// Files for speedscope, checked by the schema that its package contains.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Ajv } from 'ajv';
import { expect } from 'vitest';

const speedscope = dirname(createRequire(import.meta.url).resolve('speedscope/dist/release/index.html'));
const valid = new Ajv({ strict: false }).compile(
  JSON.parse(readFileSync(join(speedscope, 'file-format-schema.json'), 'utf8')) as object,
);

export interface SpeedscopeFile {
  name: string;
  activeProfileIndex: number;
  shared: { frames: { name: string; file?: string; line?: number }[] };
  profiles: { name: string; unit: string; endValue: number; samples: number[][]; weights: number[] }[];
}

/** Reads a file after it has been checked by the schema. */
export function readSpeedscope(text: string): SpeedscopeFile {
  const file = JSON.parse(text) as SpeedscopeFile;
  expect(valid(file), JSON.stringify(valid.errors)).toBe(true);
  return file;
}
