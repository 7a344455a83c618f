// @hpcc-js/wasm-graphviz: a drawing.

import { loaders } from './load.mjs';

export async function use(folder) {
  const { Graphviz } = await loaders(folder).load('@hpcc-js/wasm-graphviz/dist/index.js');
  const graphviz = await Graphviz.load();
  const edges = Array.from({ length: 30 }, (_, at) => `n${at} -> n${(at * 7) % 31} [label="${at}"]`);
  return { result: graphviz.dot(`digraph { ${edges.join('; ')} }`), keep: graphviz };
}
