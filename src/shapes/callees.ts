// What a walk over a function has to know of the functions that it calls.

/** What a function does with its parameters, as bits of parameters (value.ts). */
export interface Summary {
  /** Parameters through which it writes, or which it keeps somewhere. */
  readonly touches: number;
  /** Parameters of which the result is made; null when it is made of something else. */
  readonly result: number | null;
  /** Whether the result is one of these parameters itself. */
  readonly passesOn: boolean;
  /** Parameters that it announces as blocks by a client request. */
  readonly announces: number;
}

/** Nothing is known of the function. */
export const UNKNOWN_SUMMARY: Summary = { touches: -1, result: null, passesOn: false, announces: 0 };

/** The functions of a module as callees. */
export interface Callees {
  /** Positions of the arguments that say how much a function allocates for its caller, as bits; 0 when it does not. */
  sizesOf(index: number): number;
  /** The same for calls through tables, by the type of the function. */
  sizesOfType(type: number): number;
  /** Whether the function only fills or copies into the memory that its first argument points to, and returns that. */
  fills(index: number): boolean;
  /** Whether the function gives memory back. */
  frees(index: number): boolean;
  /** Whether the function answers client requests. */
  answersRequests(index: number): boolean;
  summaryOf(index: number): Summary;
}
