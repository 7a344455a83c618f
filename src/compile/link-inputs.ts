// The files that linker flags name. Their contents are inputs of a link, so the cache must know them: libraries,
// JavaScript for Emscripten, lists (`-sEXPORTED_FUNCTIONS=@names`), files behind `-Wl,` and `-Xlinker`, and response
// files with everything that they name in turn. A name that is no file costs nothing, so every word that may be one
// is looked up.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { isFile } from '../node/file-kinds.ts';

/** Response files may name each other. The linkers stop at about this depth, too. */
const DEEPEST = 16;

/** The files that these linker flags name, with absolute paths, each once. Relative names are below `base`. */
export function linkInputs(link: readonly string[], base: string): string[] {
  const found = new Set<string>();
  collect(link, base, found, 0);
  return [...found];
}

function collect(items: readonly string[], base: string, found: Set<string>, depth: number): void {
  const words = items.flatMap((item) => (item.startsWith('-Wl,') ? item.slice(4).split(',') : [item]));
  const directories = words
    .filter((word) => /^-L./.test(word))
    .map((word) => path.resolve(base, word.slice(2)));
  for (const word of words) {
    if (/^-l./.test(word)) {
      const archives = directories.map((directory) => path.join(directory, `lib${word.slice(2)}.a`));
      for (const file of archives.filter(isFile)) found.add(file);
      continue;
    }
    for (const name of namesIn(word)) {
      const file = path.resolve(base, name);
      if (!isFile(file) || found.has(file)) continue;
      found.add(file);
      // Only what follows an @ alone is a response file. `-sNAME=@file` is a list.
      if (word === `@${name}` && depth < DEEPEST) collect(wordsOf(file), base, found, depth + 1);
    }
  }
}

/** What may be the name of a file in a word: all of it, or what follows its first `=`, with or without an `@`. */
function namesIn(word: string): string[] {
  const equals = word.indexOf('=');
  const values = equals < 0 ? [word] : [word, word.slice(equals + 1)];
  // `--embed-file=assets/a.txt@/a.txt` has the name in the guest behind the @.
  return values
    .flatMap((value) => [value, value.replace(/^@/, ''), value.replace(/@.*$/, '')])
    .filter((name) => name !== '');
}

function wordsOf(file: string): string[] {
  const words = readFileSync(file, 'utf8').match(/(?:[^\s"']|"[^"]*"|'[^']*')+/g) ?? [];
  return words.map((word) => word.replaceAll(/"([^"]*)"|'([^']*)'/g, '$1$2'));
}
