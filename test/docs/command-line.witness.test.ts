// docs/command-line.md shows what the commands print for --help. Needs a current dist/ (./build.sh).

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { withHelp } from '../../scripts/command-line-docs.ts';

it('docs/command-line.md is current: write it with `npm run docs`', () => {
  const page = readFileSync('docs/command-line.md', 'utf8');
  expect(page.match(/^<!-- help: /gm)).toHaveLength(14);
  expect(withHelp(page)).toBe(page);
});
