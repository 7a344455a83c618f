/** An npm package, and the hash of its archive. */
export interface PinnedPackage {
  /** Its name, when the folder has another one. */
  readonly package?: string;
  readonly version: string;
  readonly integrity: string;
}

/** Makes sure that these packages lie unpacked in `.cache/<group>/<folder>`. Returns the path of `.cache/<group>`. */
export function fetchPackages(
  group: string,
  pinned: Readonly<Record<string, PinnedPackage>>,
): Promise<string>;

/** Makes sure that every package of packages.json lies unpacked in `.cache/corpora/<name>`. */
export function fetchCorpora(): Promise<void>;
