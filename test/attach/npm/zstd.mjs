// @bokuweb/zstd-wasm: text, compressed and decompressed.

import { loaders } from './load.mjs';

export async function use(folder) {
  const { init, compress, decompress } = loaders(folder).require('@bokuweb/zstd-wasm');
  await init();
  const text = Buffer.from(Array.from({ length: 5000 }, (_, at) => `line ${(at * 7919) % 1000}\n`).join(''));
  const packed = compress(text, 10);
  return { result: [Buffer.from(packed).toString('hex'), Buffer.from(decompress(packed)).equals(text)] };
}
