// Runs a tool without a shell and waits for it. However much is compiled at once, there are no more of them than there
// are processors for: sixty sandboxes that are opened together would else start sixty compilers.

import { type ChildProcess, spawn } from 'node:child_process';
import os from 'node:os';
import { Turns } from './turns.ts';

export interface ToolResult {
  /** Exit status; -1 when the tool could not be started or was killed. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface ToolOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Tools at once. Two at least: while one compiles it is asked for its version. */
export const TOOLS_AT_ONCE = Math.max(2, os.availableParallelism());
const turns = new Turns(() => TOOLS_AT_ONCE);

/** Runs `command` with `args`; never rejects, so that callers see one kind of failure. */
export function runTool(
  command: string,
  args: readonly string[],
  options: ToolOptions = {},
): Promise<ToolResult> {
  return turns.take(() => start(command, args, options));
}

function start(command: string, args: readonly string[], options: ToolOptions): Promise<ToolResult> {
  return new Promise((resolve) => {
    const refused = (error: Error) => resolve({ status: -1, stdout: '', stderr: error.message });
    let child: ChildProcess;
    try {
      child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true });
    } catch (error) {
      // Without the permission for it (`node --permission`), or with too long a command line, it throws here.
      refused(error as Error);
      return;
    }
    child.on('error', refused);
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    // Without a file descriptor to spare there are no pipes.
    child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
    child.on('close', (status) =>
      resolve({
        status: status ?? -1,
        stdout: Buffer.concat(out).toString(),
        stderr: Buffer.concat(err).toString(),
      }),
    );
  });
}
