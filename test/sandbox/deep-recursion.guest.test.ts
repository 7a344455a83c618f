// C that recurses 100,000 levels deep: the shadow stack is full long before, and no byte outside of it is written.

import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { TOOLCHAINS } from '../support/guest-programs.ts';

const script = new URL('deep-recursion.ts', import.meta.url).pathname;

test.each(TOOLCHAINS)('allocating below 100,000 frames keeps the ledger right (%s)', (toolchain) => {
  const output = execFileSync(
    'sh',
    [
      '-c',
      'ulimit -s "$(ulimit -Hs)" && exec "$@"',
      'sh',
      process.execPath,
      '--stack-size=60000',
      '--import',
      'tsx',
      script,
      toolchain,
    ],
    { encoding: 'utf8' },
  );
  const result = JSON.parse(output) as Record<string, unknown>;
  expect(result).toMatchObject({ returned: 100_001, after: 1, faults: 0, inUseObjects: expect.any(Number) });
  // The block with the truncated stack was freed. The other block has a shallow stack, which is exact again.
  expect(result.stacks).toEqual(
    expect.arrayContaining([
      ['sink;sink;sink;sink;sink;sink;add', 8],
      ['sink;sink;sink;sink;sink;sink;add;copy', 5],
    ]),
  );
  expect(result.contexts).toBeLessThan(16_384 + 100);
  expect(result.profile).toBeGreaterThan(500);
  const shallow = ['enter', 'host_call', 'between', '[truncated]'];
  expect(result.entries).toEqual({
    0: [...shallow, 'host_call', 'callBack'],
    1: shallow,
    2: shallow,
    5: shallow,
  });
});
