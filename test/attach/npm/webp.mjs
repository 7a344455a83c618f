// @jsquash/webp: a picture. Its users compile the module themselves.

import { readFileSync } from 'node:fs';
import { loaders } from './load.mjs';

export async function use(folder) {
  const { load, pathOf } = loaders(folder);
  const { init, default: encode } = await load('@jsquash/webp/encode.js');
  await init(new WebAssembly.Module(readFileSync(pathOf('@jsquash/webp/codec/enc/webp_enc.wasm'))));
  const data = Uint8ClampedArray.from({ length: 96 * 96 * 4 }, (_, at) => (at * at) % 251);
  const picture = await encode({ data, width: 96, height: 96 }, { quality: 60 });
  return { result: Buffer.from(picture).toString('hex') };
}
