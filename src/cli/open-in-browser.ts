// Opens a page in the browser of the system.

import { spawn } from 'node:child_process';
import type { Terminal } from './terminal.ts';

/** Opens the page. Where there is no browser, a warning says so. */
export function openInBrowser(url: string, terminal: Terminal): void {
  const [command, ...args] =
    process.platform === 'darwin'
      ? ['open', url]
      : process.platform === 'win32'
        ? ['cmd', '/c', 'start', '', url]
        : [process.env.BROWSER || 'xdg-open', url];
  const child = spawn(command!, args, { stdio: 'ignore', detached: true });
  child.once('error', () => terminal.warn(`Open it yourself: no browser could be started with ${command}.`));
  child.unref();
}
