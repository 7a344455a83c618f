// The options of attach().

import { LONGEST_TIMER } from '../options/longest-timer.ts';
import { flag, rule } from '../options/option-rules.ts';
import { type OptionTable, withDefault } from '../options/option-table.ts';
import { MODULE_OPTIONS } from '../sandbox/index.ts';
import type { ModuleOptions } from '../sandbox/open-module.ts';

/** Options of attach(): how the heap is watched. The module's own JavaScript decides everything else. */
export interface AttachOptions
  extends Omit<
    ModuleOptions,
    | 'args'
    | 'env'
    | 'stdin'
    | 'files'
    | 'preopens'
    | 'imports'
    | 'onExit'
    | 'onCallbackError'
    | 'onStdout'
    | 'onStderr'
  > {
  /** Leave the frames of the module's own JavaScript file out of stacks. Default false. */
  readonly hideGlue?: boolean;
  /** Most milliseconds until the module is ready. Default 30,000. */
  readonly timeLimit?: number;
}

const {
  name,
  debugInfo,
  sourceMap,
  exports,
  recordOnly,
  stack,
  maxMemory,
  maxBlocks,
  maxAllocation,
  timeout,
  hostFrames,
  freeStacks,
  access,
  checks,
  quarantine,
  timeline,
  onError,
  onFault,
  onLeakCheck,
  onProgress,
} = MODULE_OPTIONS;

/** The table of these options. */
export const ATTACH_OPTIONS = {
  name,
  debugInfo,
  sourceMap,
  exports,
  recordOnly,
  stack,
  maxMemory,
  maxBlocks,
  maxAllocation,
  timeout,
  hostFrames,
  freeStacks,
  access,
  checks,
  quarantine,
  timeline,
  onError,
  onFault,
  onLeakCheck,
  onProgress,
  hideGlue: withDefault(flag, false),
  timeLimit: withDefault(
    rule<number>(
      (value) => typeof value === 'number' && value > 0 && value <= LONGEST_TIMER,
      `a number of milliseconds from 1 to ${LONGEST_TIMER}`,
    ),
    30_000,
  ),
} satisfies OptionTable<AttachOptions>;
