// Tracks all modules of a process that somebody chooses: `heapline/register`.

import { readModule } from '../binary/index.ts';
import type { WasmMemory } from '../binary/wasm-types.ts';
import { HeaplineError, MissingRuntimeError, UnsupportedModuleError } from '../errors.ts';
import {
  checksOf,
  loadMismatches,
  loadPasses,
  loadShapes,
  loadSymbols,
  loadTimelines,
  type Sandbox,
} from '../sandbox/index.ts';
import type { AttachOptions } from './attach-options.ts';
import { prepareGrafting } from './grafting.ts';
import { intercept, type Taken } from './interception.ts';
import { nameAfter, type Watch, watchModule, watchModuleNow } from './watched-module.ts';

/** Chooses modules. @param script the script that has the module; null when it is not known @param name the module's */
type Choose = (script: string | null, name: string) => boolean;

/** A sandbox lives as long as the memory of its module: nobody else refers to it. */
const sandboxes = new WeakMap<WasmMemory, Sandbox<object>>();

/** How modules are tracked. */
export interface Tracking {
  readonly options?: AttachOptions;
  /** The module to track in place of the one that is compiled, which was made of it. */
  readonly original?: (bytes: Uint8Array) => Uint8Array;
  /** Called with each new sandbox. */
  readonly opened?: (sandbox: Sandbox<object>) => void;
  /** Called with each module in which nothing is malloc. */
  readonly passedOver?: (error: MissingRuntimeError) => void;
}

/** Tracks modules that `choose` chooses and that can be tracked. The others run as without Heapline. */
export async function trackModules(choose: Choose, tracking: Tracking = {}): Promise<void> {
  const { timeline = false } = tracking.options ?? {};
  const { access } = checksOf(tracking.options ?? {});
  await Promise.all([
    loadPasses(access),
    loadSymbols({ sourceMap: tracking.options?.sourceMap !== undefined, rust: true }),
    loadShapes(),
    loadTimelines(timeline),
    loadMismatches(tracking.options ?? {}),
    prepareGrafting(),
  ]);
  trackModulesNow(choose, tracking);
}

/** The same without waiting. Modules that are compiled without waiting need what trackModules() loads. */
export function trackModulesNow(
  choose: Choose,
  { options = {}, original = (bytes) => bytes, opened, passedOver }: Tracking = {},
): void {
  const watch: Watch = {
    options,
    opened: (sandbox) => {
      sandboxes.set(sandbox.memory, sandbox);
      opened?.(sandbox);
    },
  };
  const unchecked: Watch = { ...watch, options: { ...options, access: false } };
  const told = new Set<string>();
  const tell = (what: string, { message }: HeaplineError): void => {
    if (!told.has(message)) console.error(`heapline: ${what}: ${message}`);
    told.add(message);
  };
  const unsuitable = (error: unknown): null => {
    if (!(error instanceof HeaplineError)) throw error;
    // A module without malloc has nothing to track.
    if (error instanceof MissingRuntimeError) passedOver?.(error);
    else tell('a module is not tracked', error);
    return null;
  };
  /** Whether a module whose accesses cannot be checked may be tracked without checks. */
  const goesOnUnchecked = (error: unknown): boolean => {
    if (!checksOf(options).access || !(error instanceof UnsupportedModuleError)) return false;
    tell('the accesses of a module are not checked', error);
    return true;
  };
  intercept(
    {
      wants: (bytes, script) =>
        script?.startsWith('node:') !== true && choose(script, nameAfter(script)) && mayHaveHeap(bytes),
      async prepare(bytes, url): Promise<Taken | null> {
        try {
          return await watchModule(original(bytes), watch, url).catch((error: unknown) => {
            if (!goesOnUnchecked(error)) throw error;
            return watchModule(bytes, unchecked, url);
          });
        } catch (error) {
          return unsuitable(error);
        }
      },
      prepareNow(bytes): Taken | null {
        try {
          try {
            return watchModuleNow(original(bytes), watch);
          } catch (error) {
            if (!goesOnUnchecked(error)) throw error;
            return watchModuleNow(bytes, unchecked);
          }
        } catch (error) {
          return unsuitable(error);
        }
      },
    },
    { last: true },
  );
}

/** Whether the module may have malloc, which release builds do not name. Malformed bytes are for the engine to reject. */
function mayHaveHeap(bytes: Uint8Array): boolean {
  try {
    const module = readModule(bytes);
    return module.memories.length > 0 && module.bodies.length > 0;
  } catch {
    return false;
  }
}
