// Threads that the embedded compiler runs in: several sources compile at once, and the caller's thread is free
// meanwhile. V8 keeps one copy of the compiler's code for all of them; the memory is each one's own, some 400 MB once
// it has compiled. So a thread that has nothing to do for a while ends.

import os from 'node:os';
import { Worker } from 'node:worker_threads';
import { ToolchainError } from '../errors.ts';
import { Turns } from './turns.ts';

/** Files by name, folders as trees. */
export type Tree = { [name: string]: Tree | Uint8Array };

export interface Job {
  /** The tool's name and its arguments. */
  readonly args: readonly string[];
  readonly files: Tree;
  /** A file at the top that is asked back. */
  readonly output?: string;
}

export interface JobResult {
  readonly ok: boolean;
  readonly stdout: Uint8Array;
  readonly stderr: string;
  /** Null when the tool did not write it. */
  readonly output: Uint8Array | null;
}

/** What a thread does, as text, for it has to run from source and from every form in which this package is built. */
const THREAD = `
const { parentPort, workerData } = require('node:worker_threads');
const loading = import(workerData).then(async (clang) => {
  await clang.runLLVM(null, {}, { fetchProgress() {} });
  return clang;
});
const joined = (chunks) => new Uint8Array(Buffer.concat(chunks));
parentPort.on('message', async ({ args, files, output }) => {
  const clang = await loading;
  const stdout = [];
  const stderr = [];
  const sink = (chunks) => (bytes) => {
    if (bytes !== null) chunks.push(bytes.slice());
  };
  let ok = true;
  let tree = {};
  try {
    const options = { stdout: sink(stdout), stderr: sink(stderr), decodeASCII: false };
    tree = await clang.runLLVM(args, files, options);
  } catch (error) {
    ok = false;
    if (error instanceof clang.Exit) tree = error.files;
    // An internal error of the compiler ends in a trap.
    else stderr.push(Buffer.from('\\nerror: the embedded compiler failed: ' + error.message));
  }
  const file = output === undefined ? undefined : tree[output];
  const result = {
    ok,
    stdout: joined(stdout),
    stderr: joined(stderr),
    output: file instanceof Uint8Array ? file : null,
  };
  parentPort.postMessage(result, [result.stdout.buffer]);
});
`;

/** What a compilation of a large source takes, in bytes. */
const MEMORY = 2 ** 30;

/** How many threads there may be: as many as processors, if memory suffices. */
export function threadLimit(): number {
  // Node.js before 20.13 does not know of a container's limit.
  const free = process.availableMemory?.() ?? os.freemem();
  return Math.max(1, Math.min(os.availableParallelism(), Math.floor(free / MEMORY)));
}

type Answer = Omit<JobResult, 'stderr'> & { readonly stderr: Uint8Array };

class CompilerThread {
  readonly #worker: Worker;
  #patience: NodeJS.Timeout | undefined;

  constructor(compiler: URL) {
    // The flags of this process (a loader of TypeScript's, say) are of no use there.
    this.#worker = new Worker(THREAD, { eval: true, workerData: compiler.href, execArgv: [] });
    this.#worker.unref();
  }

  /** One at a time. Rejects when the thread dies. It keeps the process alive while it works, not while it waits. */
  async run(job: Job): Promise<JobResult> {
    const worker = this.#worker;
    worker.ref();
    try {
      const answer = await new Promise<Answer>((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
        worker.once('exit', () => reject(new Error('its thread has ended')));
        worker.postMessage(job);
      });
      return { ...answer, stderr: Buffer.from(answer.stderr).toString() };
    } finally {
      for (const event of ['message', 'error', 'exit']) worker.removeAllListeners(event);
      worker.unref();
    }
  }

  /** Calls `bored` when nobody has called `keep` for so many milliseconds. */
  wait(bored: () => void, patience: number): void {
    this.#patience = setTimeout(bored, patience).unref();
  }

  keep(): void {
    clearTimeout(this.#patience);
  }

  end(): void {
    void this.#worker.terminate();
  }
}

/** The threads of one compiler: `compiler` is the module of `@yowasp/clang`. */
export class CompilerThreads {
  readonly #compiler: URL;
  readonly #patience: number;
  readonly #turns = new Turns(threadLimit);
  /** The latest is last. */
  readonly #idle: CompilerThread[] = [];

  /** `patience`: milliseconds that a thread waits for another job. */
  constructor(compiler: URL, patience = 10_000) {
    this.#compiler = compiler;
    this.#patience = patience;
  }

  /**
   * Runs one of the compiler's tools in a thread that is free, in a new one, or, when there are as many as there may
   * be, in the one that is free next. Throws ToolchainError when a thread cannot be had or dies.
   */
  run(job: Job): Promise<JobResult> {
    return this.#turns.take(() => this.#run(job));
  }

  async #run(job: Job): Promise<JobResult> {
    const thread = this.#idle.pop() ?? this.#start();
    thread.keep();
    try {
      const result = await thread.run(job);
      this.#rest(thread);
      return result;
    } catch (cause) {
      thread.end();
      const { message } = cause as Error;
      throw new ToolchainError('embedded', `The embedded compiler did not run to its end: ${message}.`, {
        cause,
      });
    }
  }

  #start(): CompilerThread {
    try {
      return new CompilerThread(this.#compiler);
    } catch (cause) {
      const { message } = cause as Error;
      throw new ToolchainError(
        'embedded',
        `The embedded compiler needs a thread (under Node.js's permission model, --allow-worker): ${message}`,
        { cause },
      );
    }
  }

  #rest(thread: CompilerThread): void {
    this.#idle.push(thread);
    thread.wait(() => {
      this.#idle.splice(this.#idle.indexOf(thread), 1);
      thread.end();
    }, this.#patience);
  }
}
