// Draws the benchmark's curves and comparisons as SVG: logarithmic axes, labels at the lines instead of a legend,
// colours that are readable on light and dark backgrounds. The files are small, and the same numbers give the same
// file, so they can be kept in the repository and read in a diff.

/** One curve. */
export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** Curves over a common axis. Both axes are logarithmic: cost that grows in proportion is a straight line. */
export interface Plot {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly series: readonly Series[];
}

/** One bar of a comparison. */
export interface Bar {
  readonly name: string;
  readonly value: number;
  /** Drawn in the colour of the page's subject. */
  readonly ours: boolean;
}

const WIDTH = 720;
const COLORS = ['#2f74d0', '#8b8f97', '#d07a1e', '#2d9a63', '#b455c2'];
const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #3a3f46 }
  .title { font-size: 15px; font-weight: 600; fill: #1f2328 }
  .grid { stroke: #8b8f97; stroke-opacity: 0.28 }
  .axis { stroke: #8b8f97; fill: none }
  @media (prefers-color-scheme: dark) { text { fill: #b4bac2 } .title { fill: #e6e8eb } }
`;

const escapeText = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const at = (value: number): string => String(Math.round(value * 10) / 10);

/** Formats a number: `10^6` as `1 M`; below a thousand the number itself. */
function short(value: number): string {
  for (const [unit, size] of [
    ['G', 1e9],
    ['M', 1e6],
    ['k', 1e3],
  ] as const)
    if (value >= size) return `${Number((value / size).toPrecision(3))} ${unit}`;
  return String(Number(value.toPrecision(3)));
}

const times = (value: number): string => Number(value.toPrecision(3)).toLocaleString('en-US');

/** A logarithmic axis: the position of each value, and the ticks (powers of ten; over few of them also 2 and 5). */
class Scale {
  readonly ticks: readonly number[];

  constructor(
    readonly from: number,
    readonly to: number,
    readonly start: number,
    readonly end: number,
  ) {
    const decades = Math.log10(to / from);
    const steps = decades > 2.5 ? [1] : [1, 2, 5];
    const ticks: number[] = [];
    for (let power = Math.floor(Math.log10(from)); power <= Math.ceil(Math.log10(to)); power++)
      for (const step of steps) {
        const tick = step * 10 ** power;
        if (tick >= from * 0.999 && tick <= to * 1.001) ticks.push(tick);
      }
    this.ticks = ticks;
  }

  place(value: number): number {
    return (
      this.start + (Math.log(value / this.from) / Math.log(this.to / this.from)) * (this.end - this.start)
    );
  }
}

/** The next of 1, 2, 5 times a power of ten, downwards or upwards. */
function round(value: number, direction: 'down' | 'up'): number {
  const steps = Array.from({ length: 3 * 24 }, (_, i) => [1, 2, 5][i % 3]! * 10 ** (Math.floor(i / 3) - 9));
  return direction === 'down'
    ? steps.findLast((s) => s <= value * 1.0001)!
    : steps.find((s) => s >= value / 1.0001)!;
}

const document = (height: number, title: string, content: readonly string[]): string =>
  [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escapeText(title)}">`,
    `<style>${STYLE}</style>`,
    ...content,
    '</svg>',
    '',
  ].join('\n');

const text = (x: number, y: number, content: string, anchor: 'start' | 'middle' | 'end', more = ''): string =>
  `<text x="${at(x)}" y="${at(y)}" text-anchor="${anchor}"${more}>${escapeText(content)}</text>`;

/** Moves labels apart that would cover each other, and keeps their order. */
function spreadLabels(places: readonly number[], distance: number): number[] {
  const order = places.map((_, i) => i).sort((a, b) => places[a]! - places[b]!);
  const result = [...places];
  for (let k = 1; k < order.length; k++) {
    const above = result[order[k - 1]!]!;
    if (result[order[k]!]! < above + distance) result[order[k]!] = above + distance;
  }
  return result;
}

export function drawPlot(plot: Plot): string {
  const HEIGHT = 400;
  const box = { left: 64, right: WIDTH - 168, top: 52, bottom: HEIGHT - 54 };
  const points = plot.series.flatMap((s) => s.points);
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const x = new Scale(Math.min(...xs), Math.max(...xs), box.left, box.right);
  const y = new Scale(round(Math.min(...ys), 'down'), round(Math.max(...ys), 'up'), box.bottom, box.top);
  const out: string[] = [text(box.left, 24, plot.title, 'start', ' class="title"')];
  for (const tick of y.ticks) {
    const place = y.place(tick);
    out.push(`<line class="grid" x1="${box.left}" x2="${box.right}" y1="${at(place)}" y2="${at(place)}"/>`);
    out.push(text(box.left - 8, place + 4, short(tick), 'end'));
  }
  for (const tick of x.ticks) {
    const place = x.place(tick);
    out.push(`<line class="grid" y1="${box.top}" y2="${box.bottom}" x1="${at(place)}" x2="${at(place)}"/>`);
    out.push(text(place, box.bottom + 20, short(tick), 'middle'));
  }
  out.push(`<path class="axis" d="M${box.left} ${box.top}V${box.bottom}H${box.right}"/>`);
  out.push(text((box.left + box.right) / 2, HEIGHT - 12, plot.x, 'middle'));
  out.push(text(box.left, 43, plot.y, 'start'));

  const ends = plot.series.map((s) => y.place(s.points.at(-1)![1]));
  const labels = spreadLabels(ends, 17);
  plot.series.forEach((series, i) => {
    const color = COLORS[i % COLORS.length]!;
    const places = series.points.map(([px, py]) => `${at(x.place(px))} ${at(y.place(py))}`);
    out.push(
      `<path d="M${places.join('L')}" fill="none" stroke="${color}" stroke-width="2"${i % 2 ? ' stroke-dasharray="6 4"' : ''}/>`,
    );
    for (const place of places) {
      const [cx, cy] = place.split(' ');
      out.push(`<circle cx="${cx}" cy="${cy}" r="3" fill="${color}"/>`);
    }
    const last = x.place(series.points.at(-1)![0]);
    out.push(text(last + 8, labels[i]! + 4, series.name, 'start', ` style="fill:${color}"`));
  });
  return document(HEIGHT, plot.title, out);
}

/** Horizontal bars from 1 on a logarithmic axis. */
export function drawBars(title: string, note: string, bars: readonly Bar[]): string {
  const ROW = 26;
  const box = { left: 236, right: WIDTH - 76, top: 64, bottom: 64 + ROW * bars.length };
  const HEIGHT = box.bottom + 30;
  const values = bars.map((b) => b.value);
  const x = new Scale(
    Math.min(1, round(Math.min(...values), 'down')),
    round(Math.max(...values), 'up'),
    box.left,
    box.right,
  );
  const out: string[] = [text(16, 24, title, 'start', ' class="title"'), text(16, 44, note, 'start')];
  for (const tick of x.ticks) {
    const place = x.place(tick);
    out.push(`<line class="grid" y1="${box.top}" y2="${box.bottom}" x1="${at(place)}" x2="${at(place)}"/>`);
    out.push(text(place, box.bottom + 18, `${times(tick)}×`, 'middle'));
  }
  const one = x.place(1);
  out.push(`<path class="axis" d="M${at(one)} ${box.top}V${box.bottom}"/>`);
  bars.forEach(({ name, value, ours }, i) => {
    const top = box.top + i * ROW + 4;
    const color = ours ? COLORS[0]! : COLORS[1]!;
    const place = x.place(value);
    out.push(text(box.left - 10, top + 13, name, 'end', ours ? ' style="font-weight:600"' : ''));
    out.push(
      `<rect x="${at(Math.min(one, place))}" y="${at(top)}" width="${at(Math.max(2, Math.abs(place - one)))}" height="${ROW - 8}" rx="2" fill="${color}"/>`,
    );
    out.push(text(Math.max(one, place) + 6, top + 13, `${times(value)}×`, 'start'));
  });
  return document(HEIGHT, title, out);
}
