// Copies of short byte ranges. Most ranges between two edits of a function body have fewer than fifty bytes.

/** Below this many bytes a loop is faster than TypedArray.set, which needs a view of the source first. */
const SHORT_COPY = 64;

/** Copies `bytes` from `from` to `to` into `target` at `at`; returns the offset after the copy. */
export function copyRange(
  bytes: Uint8Array,
  from: number,
  to: number,
  target: Uint8Array,
  at: number,
): number {
  const length = to - from;
  if (length >= SHORT_COPY) target.set(bytes.subarray(from, to), at);
  else for (let index = 0; index < length; index += 1) target[at + index] = bytes[from + index]!;
  return at + length;
}
