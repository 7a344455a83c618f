// Starts the judging of room around variables (variable-room.ts), whose code is loaded when somebody asks for such room.

import { checksOf, type SandboxOptions } from './sandbox-options.ts';

let judging: typeof import('./variable-room.ts') | null = null;

/** Options that may ask for room. */
export interface AsksForRoom extends SandboxOptions {
  readonly stack?: boolean;
}

/** Loads that code if it will be needed. Throws when room is asked for, and no check looks at it. */
export async function loadRoom({ stack, ...checks }: AsksForRoom): Promise<void> {
  if (stack !== true) return;
  judging ??= await import('./variable-room.ts');
  if (!checksOf(checks).access) throw judging.unusedRoom();
}

/** Throws when these options ask for room, and the module has none. Call `loadRoom` and wait before. */
export function checkRoom(bytes: Uint8Array, { stack }: AsksForRoom): void {
  if (stack === true) judging?.refuseWithoutRoom(bytes);
}
