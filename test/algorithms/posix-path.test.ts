// Paths as text, compared with Node's own functions.

import { posix } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { basename, fromRoot, isAbsolute, normalize } from '../../src/algorithms/posix-path.ts';

const path = fc
  .array(fc.constantFrom('a', 'b.c', '.', '..', '', '/', ' ', '\n', 'ü', '...'), { maxLength: 8 })
  .chain((parts) => fc.constantFrom(parts.join('/'), parts.join('')));

test('normalize, basename and fromRoot agree with node:path', () => {
  fc.assert(
    fc.property(path, (text) => {
      expect(normalize(text)).toBe(posix.normalize(text));
      expect(basename(text)).toBe(posix.basename(text));
      expect(fromRoot(text)).toBe(posix.resolve('/', text));
    }),
    { numRuns: 3000 },
  );
});

test('absolute paths of POSIX and of Windows are recognised', () => {
  for (const absolute of ['/', '/a', 'C:\\a', 'c:/a', '\\\\server\\share'])
    expect(isAbsolute(absolute)).toBe(true);
  for (const relative of ['', 'a', './a', 'C:', 'C:a', 'http://a/b', 'a/C:/b'])
    expect(isAbsolute(relative)).toBe(false);
});
