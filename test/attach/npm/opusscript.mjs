// opusscript: sound, encoded and decoded.

import { loaders } from './load.mjs';

export async function use(folder) {
  const OpusScript = loaders(folder).require('opusscript');
  const coder = new OpusScript(48_000, 2, OpusScript.Application.AUDIO);
  const sound = Buffer.alloc(960 * 4);
  for (let at = 0; at < 960 * 2; at += 1) sound.writeInt16LE(Math.round(Math.sin(at / 20) * 8000), at * 2);
  const packet = Buffer.from(coder.encode(sound, 960));
  return { result: [packet.toString('hex'), coder.decode(packet).toString('hex')], keep: coder };
}
