// Saved contents of containers that other objects refer to, so that they are filled again and not replaced.

/** Saves a set. Returns the function that restores it. */
export function savedSet<T>(set: Set<T>): () => void {
  const saved = [...set];
  return () => {
    set.clear();
    for (const each of saved) set.add(each);
  };
}

/** Saves a map. Returns the function that restores it. @param copy makes a copy of a value that may change */
export function savedMap<K, V>(map: Map<K, V>, copy: (value: V) => V = (value) => value): () => void {
  const saved = [...map].map(([key, value]): [K, V] => [key, copy(value)]);
  return () => {
    map.clear();
    for (const [key, value] of saved) map.set(key, copy(value));
  };
}

/** Saves an array. Returns the function that restores it. */
export function savedArray<T>(array: T[]): () => void {
  const saved = [...array];
  return () => {
    array.length = 0;
    for (const each of saved) array.push(each);
  };
}
