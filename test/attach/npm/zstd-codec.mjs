// zstd-codec: glue of 2019, which hands out the heap's memory itself.

import { loaders } from './load.mjs';

export async function use(folder) {
  const { ZstdCodec } = loaders(folder).require('zstd-codec');
  const zstd = await new Promise((resolve) => ZstdCodec.run(resolve));
  const simple = new zstd.Simple();
  const text = Buffer.from(Array.from({ length: 2000 }, (_, at) => `line ${(at * 7919) % 500}\n`).join(''));
  const packed = simple.compress(text, 5);
  return {
    result: [Buffer.from(packed).toString('hex'), Buffer.from(simple.decompress(packed)).equals(text)],
  };
}
