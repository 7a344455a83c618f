// Draws the picture in README.md, docs/images/leaky.svg: the calls of examples/leaky.c, each as wide as the bytes
// that it still holds when the program ends. A test compares the file with a new drawing.
//
//   npx tsx scripts/draw-leaky.ts

import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type HeapProfile, loadC } from '../src/index.ts';

const PICTURE = fileURLToPath(new URL('../docs/images/leaky.svg', import.meta.url));

/** A call, and the bytes that it and the calls below it hold. */
interface Call {
  readonly name: string;
  readonly line: number;
  readonly inlined: boolean;
  bytes: number;
  readonly calls: Map<string, Call>;
}

const call = (name: string, line: number, inlined: boolean): Call => ({
  name,
  line,
  inlined,
  bytes: 0,
  calls: new Map(),
});

/** The calls in C as a tree; its root stands for the host. */
function callTree(profile: HeapProfile): Call {
  const root = call('', 0, false);
  const bytes = profile.sampleTypes.findIndex(({ type }) => type === 'inuse_space');
  for (const { frames, values } of profile.samples()) {
    root.bytes += values[bytes]!;
    let at = root;
    for (const frame of frames.filter(({ language }) => language === 'c').reverse()) {
      const key = `${frame.function}:${frame.line}`;
      if (!at.calls.has(key)) at.calls.set(key, call(frame.function, frame.line, frame.inlined));
      at = at.calls.get(key)!;
      at.bytes += values[bytes]!;
    }
  }
  return root;
}

const WIDTH = 720;
const ROW = 44;
const GAP = 2;
/** Narrower boxes are left out, because nobody would see them. */
const NARROWEST = 3;
/** Approximate width of a letter. */
const LETTER = 7.2;
const COLORS = ['#9db8d9', '#8fb3a3', '#d9a066', '#cf7d6b'];
const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .bytes { font-size: 12px; fill: #3a3f46 }
`;

const escapeText = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

const kilobytes = (bytes: number): string => `${(bytes / 1024).toFixed(1)} kB`;

function box({ name, line, inlined, bytes }: Call, x: number, width: number, depth: number): string[] {
  const top = depth * ROW;
  const title = `${name}, line ${line}`;
  const below = `${kilobytes(bytes)}${inlined ? ', inlined' : ''}`;
  const fits = (text: string): boolean => text.length * LETTER + 12 <= width;
  return [
    `<rect x="${x.toFixed(1)}" y="${top}" width="${(width - GAP).toFixed(1)}" height="${ROW - GAP}" rx="4" fill="${COLORS[depth % COLORS.length]}"/>`,
    ...(fits(title) ? [`<text x="${(x + 8).toFixed(1)}" y="${top + 18}">${escapeText(title)}</text>`] : []),
    ...(fits(below) ? [`<text class="bytes" x="${(x + 8).toFixed(1)}" y="${top + 34}">${below}</text>`] : []),
  ];
}

/** The boxes of these calls and of the calls below them; the largest call comes first. */
function boxes(
  calls: Iterable<Call>,
  left: number,
  scale: number,
  depth: number,
): { rows: number; lines: string[] } {
  const lines: string[] = [];
  let rows = depth;
  let x = left;
  for (const each of [...calls].sort((a, b) => b.bytes - a.bytes)) {
    const width = each.bytes * scale;
    if (width < NARROWEST) continue;
    const inner = boxes(each.calls.values(), x, scale, depth + 1);
    lines.push(...box(each, x, width, depth), ...inner.lines);
    rows = Math.max(rows, depth + 1, inner.rows);
    x += width;
  }
  return { rows, lines };
}

/** The picture of a profile. */
export function draw(profile: HeapProfile): string {
  const root = callTree(profile);
  const { rows, lines } = boxes(root.calls.values(), 0, WIDTH / root.bytes, 0);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${rows * ROW}" role="img" aria-label="Calls that hold the heap of leaky.c">`,
    `<style>${STYLE}</style>`,
    ...lines,
    '</svg>',
    '',
  ].join('\n');
}

/** The profile of examples/leaky.c after it has run, compiled as the demo does. */
export async function profileOfLeaky(): Promise<HeapProfile> {
  const source = fileURLToPath(new URL('../examples/leaky.c', import.meta.url));
  const lib = await loadC(source, { toolchain: 'embedded' });
  lib.run();
  return lib.heap.profile();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(new URL('.', new URL(`file://${PICTURE}`)), { recursive: true });
  writeFileSync(PICTURE, draw(await profileOfLeaky()));
}
