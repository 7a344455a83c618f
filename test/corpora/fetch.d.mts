/** Makes sure that every package of packages.json lies unpacked in `.cache/corpora/<name>`. */
export function fetchCorpora(): Promise<void>;
