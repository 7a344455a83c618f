// The pictures in README.md: they are small, and the figures beside them are those of examples/leaky.c.

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { profileOfLeaky } from '../../scripts/photograph-page.ts';
import { formatQuantity } from '../../src/profile/index.ts';

const readme = readFileSync('README.md', 'utf8');
const pictures = [...readme.matchAll(/!\[([^\]]+)\]\((docs\/images\/[\w-]+\.png)\)/g)].map(
  ([, description, file]) => ({ description: description!, file: file! }),
);
const SIGNATURE = '89504e470d0a1a0a';

it('the pictures are two PNGs, each below 120 kB and wide enough to be read', () => {
  expect(pictures.map(({ file }) => file)).toEqual(['docs/images/flame-graph.png', 'docs/images/source.png']);
  for (const { file } of pictures) {
    const bytes = readFileSync(file);
    expect(bytes.subarray(0, 8).toString('hex')).toBe(SIGNATURE);
    expect(bytes.length, file).toBeLessThan(120_000);
    expect(bytes.readUInt32BE(16), file).toBeGreaterThanOrEqual(900);
  }
});

it('they show what README.md says of them: take them again with `npx tsx scripts/photograph-page.ts`', async () => {
  const profile = await profileOfLeaky();
  const sums = (granularity: 'functions' | 'lines') => profile.topRows({ granularity, sort: 'cum' });
  const ofFunction = (name: string): string =>
    formatQuantity(sums('functions').find((row) => row.function === name)!.cum, 'bytes');
  const ofLine = (line: number): string =>
    formatQuantity(sums('lines').find((row) => row.line === line)!.cum, 'bytes');
  const [flame, source] = pictures.map(({ description }) => description);
  expect(flame).toContain(`header_parse holds ${ofFunction('header_parse')}, copy ${ofFunction('copy')}`);
  expect(source).toContain(`line 62 holds ${ofLine(62)}`);
  expect(new Set(sums('lines').map(({ file }) => file))).toEqual(new Set(['examples/leaky.c']));
});
