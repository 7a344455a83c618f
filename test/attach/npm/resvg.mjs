// @resvg/resvg-wasm: a drawing becomes a picture. It is compiled from Rust, with wasm-bindgen.

import { readFileSync } from 'node:fs';
import { loaders } from './load.mjs';

const DRAWING = `<svg xmlns="http://www.w3.org/2000/svg" width="120" height="80">
  <defs><linearGradient id="g"><stop stop-color="#a30"/><stop offset="1" stop-color="#03a"/></linearGradient></defs>
  ${Array.from({ length: 40 }, (_, at) => `<circle cx="${at * 3}" cy="${(at * 17) % 80}" r="9" fill="url(#g)"/>`).join('')}
</svg>`;

export async function use(folder) {
  const { loadAgain, pathOf } = loaders(folder);
  const { initWasm, Resvg } = await loadAgain('@resvg/resvg-wasm/index.mjs');
  await initWasm(readFileSync(pathOf('@resvg/resvg-wasm/index_bg.wasm')));
  const drawing = new Resvg(DRAWING, { fitTo: { mode: 'width', value: 300 } });
  const picture = drawing.render();
  return { result: Buffer.from(picture.asPng()).toString('hex'), keep: [drawing, picture] };
}
