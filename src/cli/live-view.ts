// The live table of `heapline serve --top`: it stands below everything that was written, is painted anew every two
// seconds, and obeys keys.
//
// It uses neither the alternate screen nor a hidden cursor. What the program writes thus scrolls by above the table,
// and the only thing to restore is the mode of the keyboard. While C runs, which no handler of a signal could
// interrupt, the keyboard is in its usual mode.

import { isatty, type ReadStream, type WriteStream } from 'node:tty';
import { CorruptLedgerError } from '../errors.ts';
import type { Sandbox } from '../index.ts';
import { type TableChoice, type TableContents, tableLines } from './live-table.ts';
import type { Terminal } from './terminal.ts';

/** Milliseconds from one look at the heap to the next, as on the live page. */
const INTERVAL = 2000;

/** Milliseconds after an output of the program until the table appears below it. */
const SETTLED = 100;

/** The size of a terminal that does not tell it. */
const USUAL = { columns: 80, rows: 24 };

/** What arrows and other keys without a character send. Several keys may arrive together. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const SEQUENCE = /\x1b(?:[[O][\d;]*.|.)?/gs;

export class LiveView {
  readonly #sandbox: Sandbox;
  readonly #terminal: Terminal;
  readonly #screen: WriteStream;
  /** Null when standard input is none: it is left to the program then. */
  readonly #keyboard: ReadStream | null;
  readonly #quit: () => void;
  readonly #timer: NodeJS.Timeout;
  #choice: TableChoice = { value: 'bytes', sort: 'flat', paused: false, wrappers: false };
  /** What a pause keeps. */
  #read: (choice: TableChoice) => TableContents | Error;
  /** Lines of the table that are on the screen. */
  #height = 0;
  #settling: NodeJS.Timeout | undefined;

  /** Shows the table. @param quit what the key for it does */
  constructor(sandbox: Sandbox, terminal: Terminal, screen: WriteStream, quit: () => void) {
    this.#sandbox = sandbox;
    this.#terminal = terminal;
    this.#screen = screen;
    this.#keyboard = isatty(0) ? process.stdin : null;
    this.#quit = quit;
    this.#read = this.#look();
    terminal.below = () => this.#lift();
    screen.on('resize', this.#resized);
    if (this.#keyboard !== null) {
      this.#keyboard.setRawMode(true);
      this.#keyboard.on('data', this.#pressed);
      // The terminal has gone.
      this.#keyboard.on('end', quit);
      this.#keyboard.on('error', quit);
    }
    this.#timer = setInterval(() => {
      if (this.#choice.paused) return;
      this.#read = this.#look();
      this.#paint();
    }, INTERVAL);
    this.#paint();
  }

  /** Whether standard input is a terminal, so that its keys belong to the table. */
  get hasKeys(): boolean {
    return this.#keyboard !== null;
  }

  /** Runs C while the keyboard is in its usual mode, in which Ctrl-C ends the process at once. */
  aside<T>(work: () => T): T {
    this.#keyboard?.setRawMode(false);
    try {
      return work();
    } finally {
      this.#keyboard?.setRawMode(true);
    }
  }

  /** Leaves the last table where it is. */
  close(): void {
    clearInterval(this.#timer);
    clearTimeout(this.#settling);
    this.#terminal.below = null;
    this.#screen.off('resize', this.#resized);
    if (this.#keyboard === null) return;
    this.#keyboard.off('data', this.#pressed);
    this.#keyboard.setRawMode(false);
    this.#keyboard.pause();
  }

  /** The heap as it is now, in any order and unit. */
  #look(): (choice: TableChoice) => TableContents | Error {
    try {
      const stats = this.#sandbox.heap.stats();
      const profile = this.#sandbox.heap.profile();
      return ({ value, sort, wrappers }) => ({
        stats,
        modules: Math.max(profile.model.mappings.length, 1),
        rows: profile.topRows({
          sampleType: value === 'bytes' ? 'inuse_space' : 'inuse_objects',
          sort,
          wrappers: wrappers ? ['!*'] : [],
        }),
      });
    } catch (error) {
      // The server goes on, too, after the program has ruined its heap.
      if (!(error instanceof CorruptLedgerError)) throw error;
      return () => error;
    }
  }

  #paint(): void {
    const lines = tableLines(this.#read(this.#choice), this.#choice, {
      name: this.#sandbox.name,
      keys: this.hasKeys,
      trimPath: process.cwd(),
      columns: this.#screen.columns || USUAL.columns,
      lines: this.#screen.rows || USUAL.rows,
    });
    // Each line first empties its place, and the last one all that follows.
    const last = lines.length - 1;
    const painted = lines.map((line, index) => {
      const shown = index === 0 ? this.#terminal.colors.bold(line) : this.#terminal.withLinks(line);
      return `\x1b[${index === last ? 'J' : 'K'}${shown}`;
    });
    const up = this.#height === 0 ? '' : `\x1b[${this.#height}A\r`;
    this.#height = 0;
    // Characters that are wider than one column must not begin a new line.
    this.#terminal.say(`${up}\x1b[?7l${painted.join('\n')}\x1b[?7h`);
    this.#height = lines.length;
  }

  /** Takes the table away, because something is going to be written, and shows it again below that. */
  #lift(): void {
    if (this.#height === 0) return;
    this.#screen.write(`\x1b[${this.#height}A\r\x1b[J`);
    this.#height = 0;
    this.#settling = setTimeout(() => {
      if (this.#height === 0) this.#paint();
    }, SETTLED);
  }

  // Terminals differ in what they do to long lines then, so nothing is known of the screen.
  readonly #resized = (): void => {
    this.#screen.write('\x1b[2J\x1b[H');
    this.#height = 0;
    this.#paint();
  };

  readonly #pressed = (bytes: Uint8Array): void => {
    const keys = Buffer.from(bytes).toString('latin1').replace(SEQUENCE, '').toLowerCase();
    for (const key of keys) {
      if (key === 'q' || key === '\x03') {
        this.#quit();
        return;
      }
      const { value, sort, paused, wrappers } = this.#choice;
      if (key === 'p' || key === ' ') this.#choose({ paused: !paused });
      else if (key === 's') this.#choose({ sort: sort === 'flat' ? 'cum' : 'flat' });
      else if (key === 'v') this.#choose({ value: value === 'bytes' ? 'objects' : 'bytes' });
      else if (key === 'w') this.#choose({ wrappers: !wrappers });
    }
  };

  #choose(change: Partial<TableChoice>): void {
    this.#choice = { ...this.#choice, ...change };
    if (change.paused === false) this.#read = this.#look();
    this.#paint();
  }
}
