// The line on a terminal that says what the command does, once that has taken a second. It is loaded for terminals alone.

import { watched } from '../algorithms/watched-work.ts';
import type { OnProgress } from '../options/progress.ts';
import { counted, progressText } from '../options/progress-text.ts';

/** Milliseconds after which the line is shown. */
const PATIENCE = 1000;
/** What begins so soon after something else has ended keeps the user waiting from the beginning of that. */
const SEAMLESS = 100;

/** Something that is being done. */
interface Step {
  readonly since: number;
  readonly timer: NodeJS.Timeout;
  text: string;
  shown: boolean;
}

export class ProgressLine {
  readonly #screen: NodeJS.WriteStream;
  readonly #paint: (text: string) => string;
  #step: Step | null = null;
  /** How many works that wait for nothing are being done, one within the other. */
  #depth = 0;
  /** The last step: when it began and ended. */
  #last = { since: 0, end: Number.NEGATIVE_INFINITY };

  /** @param paint gives the line its colour */
  constructor(screen: NodeJS.WriteStream, paint: (text: string) => string) {
    this.#screen = screen;
    this.#paint = paint;
  }

  /**
   * Shows the steps of the library. It does not say when reading symbols ends, so that is left out while the program runs:
   * the line would stay.
   */
  readonly told: OnProgress = (progress) => {
    if (progress.step !== 'read symbols' || this.#depth > 0) this.say(progressText(progress));
  };

  /** Says what is done now. */
  say(text: string): void {
    const step = this.#step ?? this.#begin();
    if (step.shown && step.text === text) return;
    step.text = text;
    // A step that does not wait for anything lets no timer end.
    if (step.shown || performance.now() - step.since >= PATIENCE) this.#show(step);
  }

  /** Takes the line away. */
  end(): void {
    const step = this.#step;
    if (step === null) return;
    clearTimeout(step.timer);
    if (step.shown) this.#screen.write('\r\x1b[K');
    this.#last = { since: step.since, end: performance.now() };
    this.#step = null;
  }

  /** Does work that waits for nothing, and says so meanwhile. */
  during<T>(text: string, work: () => T): T {
    this.say(text);
    this.#depth++;
    try {
      return watched((done, total) => this.say(counted(text, done, total)), work);
    } finally {
      this.#depth--;
      if (this.#depth === 0) this.end();
    }
  }

  #begin(): Step {
    const now = performance.now();
    const since = now - this.#last.end <= SEAMLESS ? this.#last.since : now;
    const timer = setTimeout(() => this.#show(step), PATIENCE - (now - since));
    timer.unref();
    const step: Step = { since, timer, text: '', shown: false };
    this.#step = step;
    return step;
  }

  #show(step: Step): void {
    step.shown = true;
    this.#screen.write(`\r\x1b[K${this.#paint(`${step.text} …`)}`);
  }
}
