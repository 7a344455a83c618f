// A guest's standard input: bytes that are there, or a function that is asked for more when the guest reads.

/**
 * Gives the next bytes: any number up to `length` where there is no more yet, none or null at the end. What exceeds
 * `length` is kept for the next read. It is called in the middle of the guest's `read()`, which waits for it.
 */
export type InputReader = (length: number) => Uint8Array | null;

export class Input {
  #rest: Uint8Array;
  readonly #more: InputReader | null;

  constructor(source: Uint8Array | InputReader) {
    this.#rest = typeof source === 'function' ? new Uint8Array() : source;
    this.#more = typeof source === 'function' ? source : null;
  }

  /** Up to `length` bytes, as read(2) has it: none only at the end, and no wait for more than is there. */
  take(length: number): Uint8Array {
    if (this.#rest.length === 0 && length > 0) this.#rest = this.#more?.(length) ?? this.#rest;
    const piece = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(piece.length);
    return piece;
  }
}
