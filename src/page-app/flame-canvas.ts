// Draws a flame graph on a canvas, and finds the node at a point of it. The boxes are painted as one line of pixels for
// each row (flame-lines.ts), which the canvas stretches. So a picture takes a few calls of the canvas, and one more for
// each name.

import { cssOf } from './flame-colors.ts';
import type { Layout, Range } from './flame-layout.ts';
import { type Lines, lineOf, type Paint, paintLines } from './flame-lines.ts';
import type { FlameNode } from './flame-node.ts';

export const ROW = 20;
/** Pixels of the narrowest frame that has a name. */
const NAMED = 26;
/** Pixels between a name and the edges of its box, together. */
const MARGIN = 8;
const FONT = '12px system-ui, sans-serif';

/** What a picture shows. */
export interface Scene extends Paint {
  /** Laid out on the pixels of the screen. */
  readonly layout: Layout;
  /** First row that is shown. */
  readonly top: number;
  /** The root is at the bottom. */
  readonly upwards: boolean;
  readonly selected: FlameNode | null;
}

/** The part of a graph in which a point is looked for. */
interface Shown extends Pick<Scene, 'top' | 'upwards'> {
  readonly root: FlameNode;
  readonly range: Range;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Draws scenes on a canvas. */
export class FlamePainter {
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  /** Has a line of pixels for each row. */
  readonly #lines = document.createElement('canvas');
  readonly #linesContext: CanvasRenderingContext2D;
  #image: ImageData | null = null;
  /** Pixels of each letter that was written. */
  readonly #letters = new Map<string, number>();

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
    this.#context = canvas.getContext('2d', { alpha: false })!;
    this.#linesContext = this.#lines.getContext('2d', { alpha: false })!;
  }

  /**
   * Draws the scene at the top of the canvas. `ratio` is how many pixels the screen has for one of the page. The canvas
   * is as high as the highest scene so far: another height would cost as much as the picture.
   */
  draw(scene: Scene, { width, height }: Size, ratio: number, tallest: number): void {
    const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
    const whole = Math.round(tallest * ratio);
    if (this.#canvas.width !== wide) this.#canvas.width = wide;
    if (this.#canvas.height !== whole) this.#canvas.height = whole;
    const { top, upwards } = scene;
    const lines = this.#paint(scene, {
      width: wide,
      rows: Math.round(height / ROW),
      top,
      upwards,
      gap: ratio,
    });
    const context = this.#context;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(this.#lines, 0, 0, wide, lines.rows, 0, 0, wide, high);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = cssOf(scene.palette.background);
    for (let line = 1; line <= lines.rows; line++) context.fillRect(0, line * ROW - 1, width, 1);
    this.#write(scene, lines, ratio);
  }

  /** The boxes, in the canvas of lines. */
  #paint(scene: Scene, shape: Omit<Lines, 'pixels'>): Lines {
    const { width, rows } = shape;
    const canvas = this.#lines;
    if (this.#image === null || canvas.width !== width || canvas.height !== rows) {
      canvas.width = width;
      canvas.height = rows;
      this.#image = this.#linesContext.createImageData(width, rows);
    }
    const lines = { ...shape, pixels: new Uint32Array(this.#image.data.buffer) };
    paintLines(lines, scene.layout, scene);
    this.#linesContext.putImageData(this.#image, 0, 0);
    return lines;
  }

  /** The names of boxes that have room for one, and the frame of the selected one. */
  #write({ layout, palette, selected }: Scene, lines: Lines, ratio: number): void {
    const context = this.#context;
    context.font = FONT;
    context.textBaseline = 'middle';
    context.fillStyle = cssOf(palette.text);
    const width = lines.width / ratio;
    for (let i = 0; i < layout.count; i++) {
      const node = layout.nodes[i]!;
      if (node === null) continue;
      const left = Math.max(0, layout.left[i]! / ratio);
      const room = Math.min(width, layout.right[i]! / ratio) - left;
      if (room < NAMED && node !== selected) continue;
      const line = lineOf(layout.depth[i]!, lines);
      if (line < 0 || line >= lines.rows) continue;
      if (room >= NAMED)
        context.fillText(this.#fitting(nameOf(node), room - MARGIN), left + MARGIN / 2, line * ROW + ROW / 2);
      if (node !== selected) continue;
      context.strokeStyle = cssOf(palette.selected);
      context.lineWidth = 2;
      context.strokeRect(left + 1, line * ROW + 1, Math.max(2, room - 3), ROW - 3);
    }
  }

  /** As much of a name as so many pixels have room for, and one letter at least. */
  #fitting(name: string, room: number): string {
    const dots = this.#widthOf('…');
    let [width, length, fits] = [0, 0, 0];
    for (const letter of name) {
      if (length === 0) fits = letter.length;
      else if (width + dots <= room) fits = length;
      width += this.#widthOf(letter);
      length += letter.length;
      if (width > room) return `${name.slice(0, fits)}…`;
    }
    return name;
  }

  #widthOf(letter: string): number {
    let width = this.#letters.get(letter);
    if (width === undefined) {
      width = this.#context.measureText(letter).width;
      this.#letters.set(letter, width);
    }
    return width;
  }
}

function nameOf({ place }: FlameNode): string {
  return place === null ? 'all' : place.name;
}

/** The node at a point of the picture; null where there is none. */
export function nodeAt(
  { root, range: { from, to }, top, upwards }: Shown,
  { width, height }: Size,
  x: number,
  y: number,
): FlameNode | null {
  const row = top + Math.floor((upwards ? height - y : y) / ROW);
  const at = from + (x / width) * (to - from);
  let node: FlameNode | null = root;
  while (node !== null && node.depth < row) node = childAt(node, at);
  return node !== null && at >= node.start && at < node.start + node.width ? node : null;
}

function childAt({ children }: FlameNode, at: number): FlameNode | null {
  let low = 0;
  let high = children.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const child = children[middle]!;
    if (at < child.start) high = middle - 1;
    else if (at >= child.start + child.width) low = middle + 1;
    else return child;
  }
  return null;
}
