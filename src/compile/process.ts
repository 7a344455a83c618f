// Runs a tool without a shell and waits for it. However many sources are compiled at once, no more tools run than
// there are processors. Otherwise sixty sandboxes that are opened together would start sixty compilers.

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

/** Most tools at once. At least two, because a compiler is asked for its version while another one compiles. */
export const TOOLS_AT_ONCE = Math.max(2, os.availableParallelism());
const turns = new Turns(() => TOOLS_AT_ONCE);

/** Runs `command` with `args`. Never rejects, so that callers see one kind of failure. */
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
      // spawn throws here when Node.js lacks the permission (`node --permission`) or the command line is too long.
      refused(error as Error);
      return;
    }
    child.on('error', refused);
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    // There are no pipes when the process has no free file descriptors.
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
