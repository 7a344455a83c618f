// The runtime's objects, which grafting puts into modules that were linked without them. The build of the package
// embeds them in a file of their own, which a page loads when it first attaches to such a module.

import { MissingRuntimeError } from '../errors.ts';
import type { RuntimeFlavour } from '../platform/index.ts';

let objects: ReadonlyMap<RuntimeFlavour, Uint8Array> | null = null;
let fetching: Promise<void> | null = null;

/** Loads the objects, once. */
export async function fetchRuntimeObjects(): Promise<void> {
  fetching ??= fetchAll();
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

async function fetchAll(): Promise<void> {
  const { embeddedObjects, bytesOfText, PACKED_FLAVOURS, unpackObjects } = await import(
    './packed-objects.ts'
  );
  const compressed = bytesOfText(embeddedObjects);
  const stream = new Blob([compressed]).stream().pipeThrough(new DecompressionStream('gzip'));
  const packed = new Uint8Array(await new Response(stream).arrayBuffer());
  const unpacked = unpackObjects(packed);
  objects = new Map(PACKED_FLAVOURS.map((flavour, at) => [flavour, unpacked[at]!]));
}

/** An object that was loaded. */
export function runtimeObject(flavour: RuntimeFlavour): Uint8Array {
  const bytes = objects?.get(flavour);
  if (bytes !== undefined) return bytes;
  throw new MissingRuntimeError(
    'The module was linked without the runtime, and the runtime to graft in has not been loaded: wait for ' +
      'prepareGrafting() of heapline/browser first.',
  );
}
