// @jsquash/png: a picture, written and read. It is compiled from Rust, with wasm-bindgen.

import { readFileSync } from 'node:fs';
import { loaders } from './load.mjs';

export async function use(folder) {
  const { load, pathOf } = loaders(folder);
  const { init, default: encode } = await load('@jsquash/png/encode.js');
  const { decode } = await load('@jsquash/png/decode.js');
  await init(readFileSync(pathOf('@jsquash/png/codec/pkg/squoosh_png_bg.wasm')));
  const data = Uint8ClampedArray.from({ length: 96 * 96 * 4 }, (_, at) => (at * at) % 251);
  const picture = await encode({ data, width: 96, height: 96 });
  const read = await decode(picture, { bitDepth: 16 });
  const half = [...read.data].slice(0, 5000);
  return { result: [Buffer.from(picture).toString('hex'), read.width, half], keep: read };
}
