// The rule about rooms finds every violation, and ARCHITECTURE.md shows the same rooms. `npm run lint` applies the
// rule to src/.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { cruise, type ICruiseResult } from 'dependency-cruiser';
import { expect, test } from 'vitest';
import rules, { ROOMS } from '../../.dependency-cruiser.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

test('each kind of violation is found at its place', async () => {
  const { output } = await cruise(['src'], {
    ...rules.options,
    ruleSet: { forbidden: rules.forbidden },
    validate: true,
    baseDir: fileURLToPath(new URL('violations', import.meta.url)),
  });
  const found = (output as ICruiseResult).summary.violations.map(
    ({ rule, from, to }) => `${rule.name}: ${from} → ${to}`,
  );
  expect(found.sort()).toEqual([
    'binary-has-doors: src/serve/index.ts → src/binary/inner.ts',
    'browsers-have-no-node-modules: src/symbols/index.ts → path',
    'every-room-is-in-the-table: src/attic/index.ts → src/binary/index.ts',
    'heap-imports-only-rooms-above-it: src/heap/index.ts → src/serve/index.ts',
    'no-cycles: src/cli/first.ts → src/cli/second.ts',
  ]);
});

test('the table of rooms in ARCHITECTURE.md agrees with the rule', () => {
  const text = readFileSync(`${root}/ARCHITECTURE.md`, 'utf8');
  const rows = [...text.matchAll(/^\| `src\/([\w.-]+?)\/?` \| (browser|Node\.js) \|/gm)];
  expect(rows.map(([, name, where]) => `${name} ${where}`)).toEqual(
    ROOMS.map(({ name, browser }) => `${name} ${browser ? 'browser' : 'Node.js'}`),
  );
});
