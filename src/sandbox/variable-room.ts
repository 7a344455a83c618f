// Whether variables have room around them, where checks of accesses find what misses them. Loaded when somebody asks for it.

import { readModule } from '../binary/index.ts';
import { InvalidArgumentError, UnsupportedModuleError } from '../errors.ts';

/** What code calls before it uses the room around its variables. No other code is linked with it. */
const STARTS_ROOM = '__asan_init';

/** The error when room is asked for, and no check looks at it. */
export function unusedRoom(): InvalidArgumentError {
  return new InvalidArgumentError(
    'stack',
    'stack: true needs access: true or checks: true, because only checks of accesses look at the room around variables.',
  );
}

/** Throws when a module has no room. Only names of functions tell, so a module without them may have it. */
export function refuseWithoutRoom(bytes: Uint8Array): void {
  const names = readModule(bytes).functionNames();
  if (names.size === 0 || [...names.values()].includes(STARTS_ROOM)) return;
  throw new UnsupportedModuleError(
    'The module was compiled without room around its variables, so accesses beside them cannot be found: compile its ' +
      'sources with `heapline build --stack`, with `heapline cc -fsanitize=address`, or by loadC() with checks. Without ' +
      'stack: true (--stack), accesses to its heap are checked.',
  );
}
