// Threads that the embedded compiler runs in, so that several sources compile at once and the caller's thread stays
// free. V8 keeps one copy of the compiler's code for all threads, but each thread has its own memory, some 400 MB
// once it has compiled. So a thread that has had no work for a while ends.

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
  /** A file at the top of the tree whose contents are wanted back. */
  readonly output?: string;
}

export interface JobResult {
  readonly ok: boolean;
  readonly stdout: Uint8Array;
  readonly stderr: string;
  /** Null when the tool did not write it. */
  readonly output: Uint8Array | null;
}

/** The code of a thread. It is a text, because it has to run from source and from every build of this package. */
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

/** Bytes of memory that compiling a large source takes. */
const MEMORY = 2 ** 30;

/** How many threads there may be: one for each processor, if there is enough memory. */
export function threadLimit(): number {
  // Node.js before 20.13 does not know a container's limit.
  const free = process.availableMemory?.() ?? os.freemem();
  return Math.max(1, Math.min(os.availableParallelism(), Math.floor(free / MEMORY)));
}

type Answer = Omit<JobResult, 'stderr'> & { readonly stderr: Uint8Array };

class CompilerThread {
  readonly #worker: Worker;
  #patience: NodeJS.Timeout | undefined;

  constructor(compiler: URL) {
    // The flags of this process (such as a TypeScript loader) are of no use in the thread.
    this.#worker = new Worker(THREAD, { eval: true, workerData: compiler.href, execArgv: [] });
    this.#worker.unref();
  }

  /** Runs one job at a time. Rejects when the thread dies. The thread keeps the process alive only while it works. */
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

  /** Calls `bored` when nobody has called `keep` for `patience` milliseconds. */
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
  /** Idle threads; the one that worked last is at the end. */
  readonly #idle: CompilerThread[] = [];

  /** `patience`: milliseconds that a thread waits for another job. */
  constructor(compiler: URL, patience = 10_000) {
    this.#compiler = compiler;
    this.#patience = patience;
  }

  /**
   * Runs one of the compiler's tools in an idle thread or in a new one. When no more threads are allowed, the job
   * waits for the first thread that becomes free. Throws ToolchainError when a thread cannot be started or dies.
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
      throw new ToolchainError(
        'embedded',
        `The embedded compiler stopped before it had finished: ${message}.`,
        { cause },
      );
    }
  }

  #start(): CompilerThread {
    try {
      return new CompilerThread(this.#compiler);
    } catch (cause) {
      const { message } = cause as Error;
      throw new ToolchainError(
        'embedded',
        `The embedded compiler cannot start a thread (under Node.js's permission model, pass --allow-worker): ${message}`,
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
