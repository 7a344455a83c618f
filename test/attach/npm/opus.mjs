// @evan/opus: sound, encoded.

import { loaders } from './load.mjs';

export async function use(folder) {
  const { Encoder } = loaders(folder).require('@evan/opus/wasm/index.js');
  const coder = new Encoder({ channels: 2, sample_rate: 48_000 });
  const sound = Buffer.alloc(960 * 4);
  for (let at = 0; at < 960 * 2; at += 1) sound.writeInt16LE(Math.round(Math.sin(at / 20) * 8000), at * 2);
  return { result: Buffer.from(coder.encode(sound)).toString('hex'), keep: coder };
}
