// The options of one run of the benchmark. Every measurement receives them.

export interface Setting {
  /** Few rounds and small samples: the whole run within two minutes. */
  readonly quick: boolean;
  /** Whether a program takes part (--program). */
  wants(program: string): boolean;
  /** Tells on the terminal which measurement is running. */
  progress(what: string): void;
}
