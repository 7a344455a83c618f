// Starts the search for blocks that are freed in another way than the one in which they were allocated. Its code is loaded
// when the first sandbox keeps freed blocks.

import type { Ledger } from '../heap/index.ts';
import type { RuntimeFunctions } from '../runtime/index.ts';
import type { MismatchJudge } from './mismatches.ts';
import { checksOf, type SandboxOptions } from './sandbox-options.ts';
import type { Subject } from './subject.ts';

let mismatches: typeof import('./mismatches.ts') | null = null;

/** Loads that code if it will be needed. Call it, and wait, before there is a sandbox. */
export async function loadMismatches(options: SandboxOptions): Promise<void> {
  const { access, quarantine } = checksOf(options);
  if (access || quarantine > 0) mismatches ??= await import('./mismatches.ts');
}

/** Starts it in a guest. Returns null when there is nothing to look for, or when its code was not loaded. */
export function startMismatches(
  subject: Subject,
  ledger: Ledger,
  runtime: Partial<RuntimeFunctions>,
): MismatchJudge | null {
  return mismatches?.judgeMismatches(subject, ledger, runtime) ?? null;
}
