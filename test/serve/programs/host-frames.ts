// Runs under the tool that is tested (tsx, plain node after tsup, …): leaks from TypeScript and from the C below it,
// calls through both languages several times, and prints the stacks as JSON.

import type { HeapProfile, loadC, Sandbox } from 'heapline';

type Callback = {
  store(size: number): void;
  descend(depth: number): void;
  pure(a: number, b: number): number;
};

let lib: Sandbox<Callback>;

function leakName(name: string): number {
  return lib.heap.cstring(name); // leaked here
}

function storeFromHost(): void {
  lib.exports.store(5000); // entered here
}

function visitor(depth: number): void {
  if (depth > 0) lib.exports.descend(depth - 1); // back into C here
}

async function afterAwait(): Promise<void> {
  await null;
  lib.exports.store(6000); // entered after an await
}

class Service {
  handle(): void {
    [7000].forEach((size) => {
      lib.exports.store(size); // entered from a callback
    });
  }
}

export async function stacks(load: typeof loadC, source: string): Promise<object> {
  lib = await load<Callback>(source, {
    toolchain: 'clang',
    flags: ['-O1'],
    imports: { host: { visit: visitor } },
  });
  leakName('a name of twenty-two');
  storeFromHost();
  lib.exports.descend(2); // entered from stacks()
  await afterAwait();
  new Service().handle();
  const profile: HeapProfile = lib.heap.profile();
  const result = [...profile.samples()].map(({ frames, values }) => ({
    bytes: values[3],
    frames: frames.map(({ function: name, file, line, language }) => ({ name, file, line, language })),
  }));
  const mappings = profile.model.mappings.map(({ file }) => file);
  lib.dispose();
  return { stacks: result, mappings };
}

if (process.env.HOST_FRAMES_SOURCE !== undefined) {
  const heapline = await import('heapline');
  console.log(JSON.stringify(await stacks(heapline.loadC, process.env.HOST_FRAMES_SOURCE)));
}
