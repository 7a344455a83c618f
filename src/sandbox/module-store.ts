// A store that outlives the process, for modules into which the runtime was grafted, because recognising an allocator and
// trying it out takes up to a second, and for modules with access checks. Node.js installs one on disk; browsers have none.

import type { RecordOnly } from '../graft/index.ts';
import type { InstrumentOptions } from '../instrument/index.ts';
import type { InstrumentedModule } from '../instrument/instrumented-module.ts';

/** What decides, beside the module's bytes, what becomes of it. */
export interface GraftSettings extends InstrumentOptions {
  readonly recordOnly: RecordOnly;
  /** Whether its accesses are checked. */
  readonly access: boolean;
}

/** Where a store keeps what is made of one module in one way. */
export interface StorePlace {
  /** What was made before; null when nothing was, or when it cannot be read. */
  find(): InstrumentedModule | null;
  keep(made: InstrumentedModule): void;
}

/** Keeps modules for other processes. @returns null when nothing can be kept */
export type ModuleStore = (bytes: Uint8Array, settings: GraftSettings) => StorePlace | null;

let installed: ModuleStore | null = null;

/** Installs the store that is used from now on. */
export function useModuleStore(store: ModuleStore): void {
  installed = store;
}

/** The place of a module in the installed store; null where there is none. */
export function storePlace(bytes: Uint8Array, settings: GraftSettings): StorePlace | null {
  return installed?.(bytes, settings) ?? null;
}
