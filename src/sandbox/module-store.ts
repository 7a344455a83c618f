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

/** Keeps modules for other processes. */
export interface ModuleStore {
  /** What was made of the module before; null when nothing was, or when it cannot be read. */
  find(bytes: Uint8Array, settings: GraftSettings): InstrumentedModule | null;
  keep(bytes: Uint8Array, settings: GraftSettings, made: InstrumentedModule): void;
}

let installed: ModuleStore | null = null;

/** Installs the store that is used from now on. */
export function useModuleStore(store: ModuleStore): void {
  installed = store;
}

/** The installed store; null for none. */
export function moduleStore(): ModuleStore | null {
  return installed;
}
