// Access to the engine's own profilers through node:inspector. The session runs in this very thread, so every command
// except that for a garbage collection is answered before `post` returns. node:inspector is loaded on first use,
// because other runtimes, and builds of Node without the inspector, do not have it.

import type { Session } from 'node:inspector';

/** Says why the inspector cannot be used. */
export class NoInspectorError extends Error {}

/** Milliseconds to wait for an answer. The engine begins the task at once, and no timer fires while the task runs. */
const LONGEST_WAIT = 1000;

/** A connected session. */
export class InspectorSession {
  private constructor(private readonly session: Session) {}

  static async open(): Promise<InspectorSession> {
    try {
      const { Session } = await import('node:inspector');
      const session = new Session();
      session.connect();
      return new InspectorSession(session);
    } catch (error) {
      throw new NoInspectorError(`this runtime has no inspector (${(error as Error).message})`);
    }
  }

  /** Sends a command of the DevTools protocol and returns its answer. */
  send<T>(method: string, parameters: object = {}): T {
    let result: unknown;
    let failure: unknown = new Error(`${method} was not answered`);
    this.session.post(method, parameters, (error: unknown, answer: unknown) => {
      failure = error;
      result = answer;
    });
    if (failure !== null && failure !== undefined) {
      const { message } = failure as { message?: string };
      throw new NoInspectorError(`${method}: ${message ?? 'refused'}`);
    }
    return result as T;
  }

  /**
   * Sends a command that the engine carries out in a later task. Closing the session before the answer cancels the
   * command.
   */
  sendAndWait(method: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const giveUp = (why: string): void => reject(new NoInspectorError(`${method}: ${why}`));
      const timer = setTimeout(giveUp, LONGEST_WAIT, 'not answered');
      this.session.post(method, {}, (error: unknown) => {
        clearTimeout(timer);
        if (error === null || error === undefined) resolve();
        else giveUp((error as { message?: string }).message ?? 'refused');
      });
    });
  }

  close(): void {
    this.session.disconnect();
  }
}

/** A function as the engine names it. Line and column count from 0. */
export interface CallFrame {
  readonly functionName: string;
  readonly scriptId: string;
  readonly url: string;
  readonly lineNumber: number;
  readonly columnNumber: number;
}

/** Runs a full garbage collection, or does nothing where that is impossible. */
export async function collectGarbage(): Promise<void> {
  const { gc } = globalThis as { gc?: () => unknown };
  if (typeof gc === 'function') {
    gc();
    return;
  }
  try {
    const session = await InspectorSession.open();
    try {
      await session.sendAndWait('HeapProfiler.collectGarbage');
    } finally {
      session.close();
    }
  } catch (error) {
    if (!(error instanceof NoInspectorError)) throw error;
  }
}
