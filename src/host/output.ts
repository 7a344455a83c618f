// Everything that a guest has written to one of its output streams, in order. It stays readable whatever happens to
// the guest afterwards. A listener sees each piece as it is written.

const decoder = new TextDecoder();

/** Collects the bytes of one output stream. */
export class Output {
  #chunks: Uint8Array[] = [];
  #length = 0;
  readonly #listener: ((bytes: Uint8Array) => void) | undefined;

  constructor(listener?: (bytes: Uint8Array) => void) {
    this.#listener = listener;
  }

  /** Restoring forgets what was written since. */
  save(): () => void {
    // A chunk that is full so far is never written again.
    const chunks = this.#chunks.map((chunk, index) =>
      index === this.#chunks.length - 1 ? chunk.slice(0, this.#tail) : chunk,
    );
    const length = this.#length;
    return () => {
      this.#chunks = [...chunks];
      this.#tail = chunks.at(-1)?.length ?? 0;
      this.#length = length;
    };
  }

  /** Appends bytes. This object owns them from now on. */
  write(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    // Small pieces are gathered, because a program that writes single bytes would leave one array for each.
    const last = this.#chunks.at(-1);
    if (last !== undefined && this.#tail + bytes.length <= last.length) {
      last.set(bytes, this.#tail);
      this.#tail += bytes.length;
    } else {
      if (last !== undefined) this.#chunks[this.#chunks.length - 1] = last.subarray(0, this.#tail);
      const room = new Uint8Array(Math.max(bytes.length, Math.min(1 << 20, 256 + this.#length)));
      room.set(bytes);
      this.#chunks.push(room);
      this.#tail = bytes.length;
    }
    this.#length += bytes.length;
    this.#listener?.(bytes);
  }

  /** Bytes of the last chunk that are used. */
  #tail = 0;

  /** Number of bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** All bytes written so far. */
  bytes(): Uint8Array {
    const all = new Uint8Array(this.#length);
    let at = 0;
    this.#chunks.forEach((chunk, index) => {
      const used = index === this.#chunks.length - 1 ? chunk.subarray(0, this.#tail) : chunk;
      all.set(used, at);
      at += used.length;
    });
    return all;
  }

  /** All bytes written so far, read as UTF-8. Malformed bytes become U+FFFD. */
  text(): string {
    return decoder.decode(this.bytes());
  }
}
