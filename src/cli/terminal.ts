// What the command writes, and where. Standard output belongs to the program that runs, or to the data that the user
// asked for; all messages of Heapline's own go to standard error. Colours are used only where standard error is a
// terminal and NO_COLOR (https://no-color.org) is not set.

import picocolors from 'picocolors';
import type { OnProgress } from '../options/progress.ts';
import type { ProgressLine } from './progress-line.ts';

/** What is being done while a page is written. */
export const WRITING_PAGE = 'writing the page';

export type Colors = ReturnType<typeof picocolors.createColors>;

/** A message in the form of compilers, `file:line:column: warning: …`, or without a place. */
const DIAGNOSTIC = /^(?:.*:\d+:\d+: )?(?:error|warning|note): /;

/** Gives a text links where its stream shows them. */
type Linker = (text: string) => string;
const withoutLinks: Linker = (text) => text;

/** The two output streams of the process, and the ways to write to them. */
export class Terminal {
  readonly colors: Colors;
  /** Standard error where it can be painted on; null where it is no terminal, or one without movable cursor. */
  readonly screen: NodeJS.WriteStream | null;
  /** Takes away what is painted below the last line; called before anything else is written there. */
  below: (() => void) | null = null;
  readonly #out: NodeJS.WriteStream;
  readonly #err: NodeJS.WriteStream;
  /** The streams whose last line a program has left open. */
  readonly #open = new Set<NodeJS.WriteStream>();
  #linkOut = withoutLinks;
  #linkErr = withoutLinks;
  /** Null where standard error is no terminal. */
  #line: ProgressLine | null = null;

  constructor(out: NodeJS.WriteStream, err: NodeJS.WriteStream, environment: NodeJS.ProcessEnv) {
    this.#out = out;
    this.#err = err;
    const forced = environment.FORCE_COLOR !== undefined && environment.FORCE_COLOR !== '0';
    const wanted = forced || (err.isTTY === true && environment.TERM !== 'dumb');
    this.colors = picocolors.createColors(wanted && !environment.NO_COLOR);
    this.screen = err.isTTY === true && environment.TERM !== 'dumb' ? err : null;
  }

  /** The same with what only terminals need, which is loaded for them alone. */
  static async open(
    out: NodeJS.WriteStream,
    err: NodeJS.WriteStream,
    environment: NodeJS.ProcessEnv,
  ): Promise<Terminal> {
    const terminal = new Terminal(out, err, environment);
    if (out.isTTY !== true && err.isTTY !== true && !environment.FORCE_HYPERLINK) return terminal;
    const { linked, showsLinks } = await import('../node/hyperlinks.ts');
    const linkerOf = ({ isTTY }: NodeJS.WriteStream): Linker =>
      showsLinks(isTTY === true, environment) ? (text) => linked(text, process.cwd()) : withoutLinks;
    terminal.#linkOut = linkerOf(out);
    terminal.#linkErr = linkerOf(err);
    if (err.isTTY === true) {
      const { ProgressLine } = await import('./progress-line.ts');
      terminal.#line = new ProgressLine(err, terminal.colors.dim);
    }
    return terminal;
  }

  /** A text for standard error, with links to the sources that it names. */
  withLinks(text: string): string {
    return this.#linkErr(text);
  }

  /** Data for standard output. */
  data(content: string | Uint8Array): void {
    if (this.#out.isTTY === true) {
      this.endProgress();
      this.below?.();
    }
    this.#out.write(content);
    this.#follow(this.#out, content);
  }

  /** A table for standard output. */
  table(text: string): void {
    this.data(this.#linkOut(text));
  }

  /** Writes Heapline's lines to standard output, after any output of a program. */
  lines(text: string): void {
    this.data(`${this.#open.has(this.#out) ? '\n' : ''}${text}\n`);
  }

  /** The program's standard error. */
  programError(content: Uint8Array): void {
    this.endProgress();
    this.below?.();
    this.#err.write(content);
    this.#follow(this.#err, content);
  }

  /** Writes one or more of Heapline's lines to standard error, with links to the sources that they name. */
  say(text: string): void {
    this.endProgress();
    this.below?.();
    // Only a terminal shows both streams in one place.
    const shared = this.#out.isTTY === true && this.#err.isTTY === true;
    const open = this.#open.has(this.#err) || (shared && this.#open.has(this.#out));
    this.#err.write(`${open ? '\n' : ''}${this.withLinks(text)}\n`);
    this.#open.delete(this.#err);
    if (shared) this.#open.delete(this.#out);
  }

  /** An error. */
  error(text: string): void {
    this.say(this.colors.red(`heapline: ${text}`));
  }

  /** A warning. A compiler's message starts with its place, which editors look for, so it is left unchanged. */
  warn(text: string): void {
    this.say(this.colors.yellow(DIAGNOSTIC.test(text) ? text : `heapline: ${text}`));
  }

  /** The option by which functions of the library show what they do. */
  get watching(): { readonly onProgress?: OnProgress } {
    return this.#line === null ? {} : { onProgress: this.#line.told };
  }

  /** Shows on terminals what is being done, once it has taken a second. */
  progress(text: string): void {
    this.#line?.say(text);
  }

  endProgress(): void {
    this.#line?.end();
  }

  /** Does work that waits for nothing. Terminals show what is being done, once it has taken a second. */
  during<T>(text: string, work: () => T): T {
    return this.#line === null ? work() : this.#line.during(text, work);
  }

  #follow(stream: NodeJS.WriteStream, content: string | Uint8Array): void {
    if (content.length === 0) return;
    if (content.at(-1) === '\n' || content.at(-1) === 10) this.#open.delete(stream);
    else this.#open.add(stream);
  }
}
