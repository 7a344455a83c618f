// Progress as lines for people, without a full stop.

import type { Progress } from './progress.ts';

/** What is being done. */
export function progressText(progress: Progress): string {
  return counted(textOf(progress), progress.done, progress.total);
}

/** The text, and which of several units it is about. */
export function counted(text: string, done = 0, total = 1): string {
  return total > 1 ? `${text} (${Math.min(done + 1, total)} of ${total})` : text;
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
