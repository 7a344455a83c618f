// A guest's standard input: given bytes, or a function that returns more whenever the guest reads.

/**
 * Returns the next bytes: any number up to `length`, and null or no bytes at the end. Bytes beyond `length` are kept
 * for the next read. The guest's `read()` calls this function and waits for it.
 */
export type InputReader = (length: number) => Uint8Array | null;

export class Input {
  #rest: Uint8Array;
  readonly #more: InputReader | null;

  constructor(source: Uint8Array | InputReader) {
    this.#rest = typeof source === 'function' ? new Uint8Array() : source;
    this.#more = typeof source === 'function' ? source : null;
  }

  /** The place in the bytes that are there. What a function has given is gone. */
  save(): () => void {
    const rest = this.#rest;
    return () => {
      this.#rest = rest;
    };
  }

  /** Up to `length` bytes, like read(2): it does not wait for more bytes than there are, and none means the end. */
  take(length: number): Uint8Array {
    if (this.#rest.length === 0 && length > 0) this.#rest = this.#more?.(length) ?? this.#rest;
    const piece = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(piece.length);
    return piece;
  }
}
