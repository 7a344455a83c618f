/** Makes sure that these source packages of Debian are unpacked. Returns the directory that has them. */
export function fetchSources(names: readonly string[]): Promise<string>;
