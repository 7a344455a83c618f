// The linear memory of a WASI guest, as the functions of WASI use it: numbers, ranges of bytes, and the lists of buffers
// of scatter and gather calls. Addresses are unsigned 32-bit integers that the guest passes as signed ones.

const VECTOR_SIZE = 8;

export class GuestMemory {
  #view = new DataView(new ArrayBuffer(0));

  /** @param memory is asked at each call, because memory grows and its buffer is replaced */
  constructor(private readonly memory: () => { readonly buffer: ArrayBuffer }) {}

  /** All of the memory. The next call of the guest may outdate it. */
  get view(): DataView {
    const { buffer } = this.memory();
    if (this.#view.buffer !== buffer) this.#view = new DataView(buffer);
    return this.#view;
  }

  setWord(at: number, value: number): void {
    this.view.setUint32(at >>> 0, value, true);
  }

  setLong(at: number, value: bigint): void {
    this.view.setBigUint64(at >>> 0, value, true);
  }

  /**
   * A view of a range. Throws a RangeError when the range is outside of the memory. This is checked here, because V8
   * reports such a range and a lack of memory by the same error.
   */
  bytes(at: number, length: number): Uint8Array<ArrayBuffer> {
    const { buffer } = this.memory();
    const [start, size] = [at >>> 0, length >>> 0];
    if (start + size > buffer.byteLength) throw new RangeError('The address is outside of the memory.');
    return new Uint8Array(buffer, start, size);
  }

  /** The buffers of a scatter or gather call. */
  *buffers(vectors: number, count: number): Generator<Uint8Array<ArrayBuffer>> {
    const { view } = this;
    for (let i = 0; i < count; i++) {
      const at = (vectors >>> 0) + i * VECTOR_SIZE;
      yield this.bytes(view.getUint32(at, true), view.getUint32(at + 4, true));
    }
  }
}
