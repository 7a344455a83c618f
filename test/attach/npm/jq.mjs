// jq-web: filters of JSON.

import { loaders } from './load.mjs';

export async function use(folder) {
  const jq = await loaders(folder).require('jq-web');
  const people = Array.from({ length: 200 }, (_, at) => ({ name: `n${at}`, age: (at * 7) % 90 }));
  return {
    result: [
      jq.json(people, 'group_by(.age) | map({age: .[0].age, names: map(.name)})'),
      jq.json(people, 'map(.age) | add'),
    ],
    keep: jq,
  };
}
