// How one run of the benchmark was asked for; every measurement gets it.

export interface Setting {
  /** Few rounds and small samples: the whole within two minutes. */
  readonly quick: boolean;
  /** Whether a program takes part (--program). */
  wants(program: string): boolean;
  /** Says on the terminal what is being measured now. */
  progress(what: string): void;
}
