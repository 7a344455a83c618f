// The colours of a flame graph as one line of pixels for each row. All lines of pixels in a row are the same, so this is
// all that has to be painted box by box; the canvas stretches it (flame-canvas.ts).

import { type Color, changeColor, mixed, type Palette } from './flame-colors.ts';
import type { Layout } from './flame-layout.ts';
import type { FlameNode } from './flame-node.ts';

/** How boxes are coloured. */
export interface Paint {
  readonly palette: Palette;
  /** The colour of each place. */
  readonly colors: Uint32Array;
  readonly compared: boolean;
  /** Places that were searched for; null when nothing is. */
  readonly found: Uint8Array | null;
}

/** The lines of an image. */
export interface Lines {
  /** As in ImageData: the bytes of a pixel are red, green, blue and opacity. */
  readonly pixels: Uint32Array;
  readonly width: number;
  /** Number of lines. */
  readonly rows: number;
  /** Row of the graph that the first line shows, or the last one of a graph that grows upwards. */
  readonly top: number;
  readonly upwards: boolean;
  /** Pixels between two boxes. */
  readonly gap: number;
}

/** How much of its colour a box keeps when the search does not find it. */
const DIMMED = 0.45;
const IS_LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/** The line of a row of the graph; outside of the image for rows that it does not show. */
export function lineOf(
  depth: number,
  { rows, top, upwards }: Pick<Lines, 'rows' | 'top' | 'upwards'>,
): number {
  return upwards ? rows - 1 - (depth - top) : depth - top;
}

/** Paints all boxes of these rows. */
export function paintLines(lines: Lines, layout: Layout, paint: Paint): void {
  const { pixels, width, rows, gap } = lines;
  const { count, nodes, depth, left, right } = layout;
  pixels.fill(pixelOf(paint.palette.background));
  const rest = pixelOf(paint.palette.rest);
  for (let i = 0; i < count; i++) {
    const line = lineOf(depth[i]!, lines);
    if (line < 0 || line >= rows) continue;
    const from = Math.max(0, Math.round(left[i]!));
    const end = Math.min(width, Math.max(from + 1, Math.round(right[i]!) - gap));
    const node = nodes[i]!;
    const pixel = node === null ? rest : pixelOf(boxColor(node, paint));
    for (let at = line * width + from, last = line * width + end; at < last; at++) pixels[at] = pixel;
  }
}

function boxColor(node: FlameNode, { palette, colors, compared, found }: Paint): Color {
  const place = node.placeIndex;
  if (found !== null && place >= 0 && found[place] === 1) return palette.found;
  const color = compared ? changeColor(node, palette) : place < 0 ? palette.rest : colors[place]!;
  return found !== null && node.depth > 0 ? mixed(palette.background, color, DIMMED) : color;
}

/** A colour as a pixel of ImageData. */
function pixelOf(color: Color): number {
  if (!IS_LITTLE_ENDIAN) return ((color << 8) | 0xff) >>> 0;
  return (0xff000000 | ((color & 0xff) << 16) | (color & 0xff00) | (color >> 16)) >>> 0;
}
