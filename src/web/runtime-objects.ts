// The runtime's objects, which grafting puts into modules that were linked without them. The build of the package
// embeds them, compressed, in files of their own, which a page loads when it first attaches to such a module.

import { MissingRuntimeError } from '../errors.ts';
import type { RuntimeFlavour } from '../platform/index.ts';

/** What the build embeds: bytes in the gzip format, in base64. */
type Embedded = { readonly default: string };

const EMBEDDED: Readonly<Record<RuntimeFlavour, () => Promise<Embedded>>> = {
  emscripten: () => import('../../wasm/heapline-emscripten.o'),
  wasi: () => import('../../wasm/heapline-wasi.o'),
  recorder: () => import('../../wasm/heapline-recorder.o'),
};

const fetched = new Map<RuntimeFlavour, Uint8Array>();
let fetching: Promise<unknown> | null = null;

/** Loads the objects, once. */
export async function fetchRuntimeObjects(): Promise<void> {
  fetching ??= Promise.all((['emscripten', 'wasi', 'recorder'] as const).map(fetchObject));
  try {
    await fetching;
  } catch (cause) {
    fetching = null; // The network may be back next time.
    throw new MissingRuntimeError(
      `The module was linked without the runtime, and the runtime to graft in could not be loaded: ${(cause as Error).message}`,
      { cause },
    );
  }
}

async function fetchObject(flavour: RuntimeFlavour): Promise<void> {
  const { default: text } = await EMBEDDED[flavour]();
  const compressed = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([compressed]).stream().pipeThrough(new DecompressionStream('gzip'));
  fetched.set(flavour, new Uint8Array(await new Response(stream).arrayBuffer()));
}

/** An object that was loaded. */
export function runtimeObject(flavour: RuntimeFlavour): Uint8Array {
  const bytes = fetched.get(flavour);
  if (bytes !== undefined) return bytes;
  throw new MissingRuntimeError(
    'The module was linked without the runtime, and the runtime to graft in has not been loaded: wait for ' +
      'prepareGrafting() of heapline/browser first.',
  );
}
