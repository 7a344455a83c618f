// Progress as a line for people.

import type { Progress } from './progress.ts';

/** A line that says what is being done, without a full stop. */
export function progressText(progress: Progress): string {
  const { done = 0, total = 1 } = progress;
  return `${textOf(progress)}${total > 1 ? ` (${Math.min(done + 1, total)} of ${total})` : ''}`;
}

function textOf({ step, detail }: Progress): string {
  switch (step) {
    case 'compile':
      return `compiling ${detail ?? 'the sources'}`;
    case 'link':
      return 'linking';
    case 'instrument':
      return `instrumenting ${detail ?? 'the module'}`;
    case 'graft':
      return `putting the runtime into ${detail ?? 'the module'}`;
    case 'read symbols':
      return `reading the debug information of ${detail ?? 'the module'}`;
    case 'sweep':
      return 'letting allocations fail';
  }
}
