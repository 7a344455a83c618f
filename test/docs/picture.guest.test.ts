// The picture in README.md is the one that scripts/draw-leaky.ts draws.

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { draw, profileOfLeaky } from '../../scripts/draw-leaky.ts';

it('the picture of examples/leaky.c is current: draw it with `npm run docs`', async () => {
  expect(draw(await profileOfLeaky())).toBe(readFileSync('docs/images/leaky.svg', 'utf8'));
});
