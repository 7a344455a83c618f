// hunspell-asm: spelling and suggestions, with files in the module's own file system.

import { loaders } from './load.mjs';

const RULES = 'SET UTF-8\nTRY esianrtolcdugmphbyfvkwz\nSFX S Y 1\nSFX S 0 s .\n';
const WORDS = 'hello\nworld/S\nhelp/S\nheap/S\nblock/S\n';

export async function use(folder) {
  const { loadModule } = loaders(folder).require('hunspell-asm');
  const factory = await loadModule();
  const rules = factory.mountBuffer(Buffer.from(RULES), 'words.aff');
  const words = factory.mountBuffer(Buffer.from(`5\n${WORDS}`), 'words.dic');
  const hunspell = factory.create(rules, words);
  const asked = ['hello', 'heaps', 'helo', 'wrold', 'blok'];
  const result = asked.map((word) => [word, hunspell.spell(word), hunspell.suggest(word)]);
  return { result, keep: hunspell };
}
