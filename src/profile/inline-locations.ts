// Gives every inlined frame of a profile a location of its own. In profile.proto one location may have a line for
// each function that was inlined there, and `go tool pprof`, Pyroscope and Parca read all of them. Simpler readers
// (speedscope, react-pprof) keep one line of each location, so inlined functions are missing from their pictures.

import type { ProfileLocation, ProfileModel } from './model.ts';

/** The same samples with at most one line in each location. Returns `model` itself when this is already true. */
export function withInlineLocations(model: ProfileModel): ProfileModel {
  if (model.locations.every(({ lines }) => lines.length <= 1)) return model;

  // Location n becomes the locations from first[n] up to, but not including, first[n + 1], innermost first like its
  // lines.
  const locations: ProfileLocation[] = [];
  const first = new Int32Array(model.locations.length + 1);
  model.locations.forEach((location, n) => {
    first[n] = locations.length;
    if (location.lines.length <= 1) locations.push(location);
    else for (const line of location.lines) locations.push({ ...location, lines: [line] });
  });
  first[model.locations.length] = locations.length;

  const { stacks, samples } = model;
  let count = 1;
  for (let i = 1; i < stacks.count; i++)
    count += first[stacks.location[i]! + 1]! - first[stacks.location[i]!]!;
  const parent = new Int32Array(count);
  const location = new Int32Array(count);
  location[0] = -1;
  const innermost = new Int32Array(stacks.count);
  let next = 1;
  for (let i = 1; i < stacks.count; i++) {
    const of = stacks.location[i]!;
    let caller = innermost[stacks.parent[i]!]!;
    for (let at = first[of + 1]! - 1; at >= first[of]!; at--) {
      parent[next] = caller;
      location[next] = at;
      caller = next++;
    }
    innermost[i] = caller;
  }
  return {
    ...model,
    locations,
    stacks: { count, parent, location },
    samples: {
      ...samples,
      stack: samples.stack.subarray(0, samples.count).map((stack) => innermost[stack]!),
    },
  };
}
