// 7z-wasm: an archive is written and listed. Hundreds of its functions look like free, because they end in a call of it.

import { loaders } from './load.mjs';

export async function use(folder) {
  const { default: start } = loaders(folder).require('7z-wasm');
  const lines = [];
  const zip = await start({ print: (line) => lines.push(line), printErr: (line) => lines.push(line) });
  const text = Array.from({ length: 5000 }, (_, at) => `line ${(at * 7919) % 1000}\n`).join('');
  zip.FS.writeFile('lines.txt', text);
  zip.callMain(['a', '-mx=5', 'lines.7z', 'lines.txt']);
  const { length } = zip.FS.readFile('lines.7z');
  return { result: [length, lines.filter((line) => /Ok|files?,/.test(line))], keep: zip };
}
