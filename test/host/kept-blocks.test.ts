// Which blocks are remembered as kept by the JavaScript library, on a guest whose allocator is scripted.

import { beforeEach, describe, expect, it } from 'vitest';
import type { RawFunction } from '../../src/host/entries.ts';
import { KeptBlocks } from '../../src/host/kept-blocks.ts';

let kept: KeptBlocks;
/** The address that the next call of the allocator returns. */
let next: number;

const guest = (name: string): RawFunction => kept.watched(name, () => next);
/** Calls a function of the library that allocates with one of the guest's functions. */
function inLibrary(name: string, call: () => unknown): void {
  const imports: Record<string, WebAssembly.ImportValue> = { [name]: call };
  kept.watchImports(imports);
  (imports[name] as () => void)();
}
const blocks = (): number[] => [...kept.addresses];

beforeEach(() => {
  kept = new KeptBlocks();
  next = 1000;
});

describe('KeptBlocks', () => {
  it.each(['malloc', 'calloc', 'memalign', 'emscripten_builtin_malloc', '_malloc'])(
    'remembers what a keeping function gets of %s',
    (allocator) => {
      inLibrary('tzset', () => guest(allocator)(8));
      expect(blocks()).toEqual([1000]);
    },
  );

  it.each([
    '_emscripten_run_script_string',
    'localtime_js',
    'eglQueryString',
    'emscripten_set_keydown_callback_on_thread',
  ])('knows %s as a keeping function', (name) => {
    inLibrary(name, () => guest('malloc')(8));
    expect(blocks()).toEqual([1000]);
  });

  it('does not remember what other functions allocate', () => {
    inLibrary('getaddrinfo', () => guest('malloc')(8));
    guest('malloc')(8);
    guest('realloc')(0, 8);
    expect(blocks()).toEqual([]);
  });

  it('forgets a block that is freed', () => {
    inLibrary('tzset', () => guest('malloc')(8));
    guest('free')(1000);
    expect(blocks()).toEqual([]);
  });

  it('follows a block that a keeping function reallocates', () => {
    const name = 'emscripten_run_script_string';
    inLibrary(name, () => guest('realloc')(0, 8));
    expect(blocks()).toEqual([1000]);
    next = 2000;
    inLibrary(name, () => guest('realloc')(1000, 80));
    expect(blocks()).toEqual([2000]);
  });

  it('follows a block that somebody else reallocates', () => {
    inLibrary('tzset', () => guest('malloc')(8));
    next = 2000;
    guest('realloc')(1000, 80);
    expect(blocks()).toEqual([2000]);
  });

  it('keeps the old block when there is no memory for the new one', () => {
    inLibrary('tzset', () => guest('malloc')(8));
    next = 0;
    inLibrary('tzset', () => guest('realloc')(1000, 80));
    expect(blocks()).toEqual([1000]);
  });

  it('reads addresses above 2 GiB, which the glue passes as negative numbers', () => {
    next = -16;
    inLibrary('tzset', () => guest('malloc')(8));
    expect(blocks()).toEqual([2 ** 32 - 16]);
    guest('free')(-16);
    expect(blocks()).toEqual([]);
  });
});
