// What a guest has written to one of its output streams: kept whole, in order, whatever happens to the guest
// afterwards, and handed on at once to whoever wants to watch.

const decoder = new TextDecoder();

/** Collects the bytes of one output stream. */
export class Output {
  #chunks: Uint8Array[] = [];
  #length = 0;
  readonly #listener: ((bytes: Uint8Array) => void) | undefined;

  constructor(listener?: (bytes: Uint8Array) => void) {
    this.#listener = listener;
  }

  /** Appends bytes, which this object then owns. */
  write(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    // Byte-wise writers would leave one array per byte: small pieces are gathered.
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

  /** Bytes used of the last chunk. */
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

  /** All that was written so far, as UTF-8; malformed bytes become U+FFFD. */
  text(): string {
    return decoder.decode(this.bytes());
  }
}
