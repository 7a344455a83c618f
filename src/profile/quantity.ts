// Writes numbers as `go tool pprof` prints them (its internal/measurement): sizes in powers of 1024 with two
// decimals, and percentages below one with two significant digits.

/** A unit of a scale: how it is printed, and how many base units it has. */
interface Unit {
  readonly name: string;
  readonly factor: number;
}

const SIZES: readonly Unit[] = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'].map((name, i) => ({
  name,
  factor: 1024 ** i,
}));
const TIMES: readonly Unit[] = [
  { name: 'ns', factor: 1 },
  { name: 'us', factor: 1e3 },
  { name: 'ms', factor: 1e6 },
  { name: 's', factor: 1e9 },
  { name: 'hrs', factor: 3600e9 },
];
const ALIASES: ReadonlyMap<string, readonly [scale: readonly Unit[], factor: number]> = new Map(
  (
    [
      [SIZES, 'b kb mb gb tb pb'],
      [SIZES, 'byte kbyte mbyte gbyte tbyte pbyte'],
      [SIZES, 'byte kilobyte megabyte gigabyte terabyte petabyte'],
      [TIMES, 'ns us ms s hr'],
      [TIMES, 'nanosecond microsecond millisecond second hour'],
      [TIMES, 'ns us ms sec hr'],
    ] as const
  ).flatMap(([scale, names]) =>
    names.split(' ').map((name, i) => [name, [scale, scale[i]!.factor]] as const),
  ),
);
/** Units that are not printed. */
const UNSAID: ReadonlySet<string> = new Set(['count', 'sample', 'unit', 'minimum', 'auto']);

function scaleOf(unit: string): readonly [readonly Unit[], number] | undefined {
  const name = unit.toLowerCase();
  return ALIASES.get(name.length > 2 ? name.replace(/s$/, '') : name);
}

/** True for bytes and multiples of them. */
export function isSize(unit: string): boolean {
  return scaleOf(unit)?.[0] === SIZES;
}

/** The unit that suits one value; null for counts and for units that have no scale. */
function fittingUnit(value: number, unit: string): Unit | null {
  const scale = scaleOf(unit);
  if (scale === undefined) return null;
  const [units, factor] = scale;
  return units.findLast((candidate) => Math.abs(value) * factor >= candidate.factor) ?? units[0]!;
}

/** Prints values of one unit, such as `bytes`, all on one scale. */
export type Format = (value: number) => string;

/** The scale for a table. It suits the smallest value, unless that is less than a hundredth of the largest value. */
export function tableFormat(unit: string, smallest: number, largest: number): Format {
  const low = fittingUnit(smallest === 0 ? largest : smallest, unit);
  if (low === null) {
    const name = UNSAID.has(unit) ? '' : unit;
    return (value) => (value === 0 ? '0' : trimmed(value) + name);
  }
  const high = fittingUnit(largest, unit)!;
  const least = smallest === 0 ? largest : smallest;
  const chosen = low !== high && least * 100 < largest ? fittingUnit(100 * least, unit)! : low;
  const factor = scaleOf(unit)![1];
  return (value) => {
    const text = trimmed((value * factor) / chosen.factor);
    return text === '0' ? text : text + chosen.name;
  };
}

/** One value in the unit that suits it, such as `1.50kB`. */
export function formatQuantity(value: number, unit: string): string {
  return tableFormat(unit, Math.abs(value), Math.abs(value))(value);
}

/** The value with two decimals, or with none when both are zero. */
function trimmed(value: number): string {
  const text = toFixedEven(value).replace(/\.00$/, '');
  return text === '-0' ? '0' : text;
}

/** Like toFixed(2), but ties go to the even digit as in C and Go. Sizes divided by 1024 can tie: 128 B = 0.125 kB. */
function toFixedEven(value: number): string {
  // A binary fraction lies in the middle between two hundredths exactly when it is an odd number of eighths.
  if (Math.abs((value * 8) % 2) !== 1) return value.toFixed(2);
  const low = Math.floor(value * 100);
  return ((low % 2 === 0 ? low : low + 1) / 100).toFixed(2);
}

/** Share of a total in the width that pprof prints: `  100%`, `12.34%`, ` 0.05%`. */
export function formatShare(value: number, total: number): string {
  const ratio = total === 0 ? 0 : Math.abs(value / total) * 100;
  if (ratio >= 99.95 && ratio <= 100.05) return '  100%';
  return `${(ratio >= 1 ? toFixedEven(ratio) : twoDigits(ratio)).padStart(5)}%`;
}

/** C's %.2g for numbers in [0, 1). */
function twoDigits(value: number): string {
  if (value === 0) return '0';
  const [digits, exponent] = value.toExponential(1).split('e') as [string, string];
  if (Number(exponent) >= -4) return String(Number(value.toPrecision(2)));
  return `${digits.replace(/\.0$/, '')}e-${exponent.slice(1).padStart(2, '0')}`;
}
