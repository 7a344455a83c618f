// quickjs-emscripten, which counts the blocks of its runtime.

import { loaders } from './load.mjs';

const CODE = `
  const words = Array.from({ length: 200 }, (_, at) => 'word ' + (at * 7919) % 1000);
  const counts = new Map(words.map((word) => [word, word.length]));
  globalThis.kept = words.slice(0, 50).map((word) => ({ word, size: counts.get(word) }));
  JSON.stringify([kept, words.sort().join(), /w(o)r+d/.exec('a word')])`;

export async function use(folder) {
  const { default: variant } = loaders(folder).require('@jitl/quickjs-wasmfile-release-sync');
  const { newQuickJSWASMModuleFromVariant } = loaders(folder).require('quickjs-emscripten-core');
  const quickjs = await newQuickJSWASMModuleFromVariant(variant);
  const vm = quickjs.newContext();
  const answer = vm.unwrapResult(vm.evalCode(CODE));
  const result = vm.getString(answer);
  answer.dispose();
  return { result, keep: vm, used: () => blocksOf(vm) };
}

function blocksOf(vm) {
  const usage = vm.runtime.computeMemoryUsage();
  const { malloc_count: blocks } = vm.dump(usage);
  usage.dispose();
  return blocks;
}
