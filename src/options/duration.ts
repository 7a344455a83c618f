// Times as people write them on a command line or in a variable: 5s, 500ms, 2m.

const MILLISECONDS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
};

/** The milliseconds that a text such as `5s` means; null when it is no time with a unit. */
export function durationOf(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|min|h)$/i.exec(text.trim());
  return match === null ? null : Number(match[1]) * MILLISECONDS[match[2]!.toLowerCase()]!;
}
