// Draws a flame graph on a canvas, and finds the node at a point of it. A picture has as many frames as fit into its
// pixels, whatever the size of the profile.

import { colorOf, type Palette } from './flame-colors.ts';
import type { FlameNode } from './flame-node.ts';

export const ROW = 20;
/** Pixels of the narrowest frame that is drawn on its own. */
const NARROWEST = 1;
/** Pixels of the narrowest frame that has a name. */
const NAMED = 26;
/** Pixels of a letter, at most. */
const LETTER = 6.6;

/** What a picture shows. */
export interface Scene {
  readonly root: FlameNode;
  /** The part that is shown, in the unit of the nodes' widths. */
  readonly from: number;
  readonly to: number;
  /** First row that is shown. */
  readonly top: number;
  readonly compared: boolean;
  /** The root is at the bottom. */
  readonly upwards: boolean;
  readonly selected: FlameNode | null;
  /** Places that were searched for; null when nothing is. */
  readonly found: Uint8Array | null;
  readonly palette: Palette;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Number of rows of the nodes that are wide enough to be seen. */
export function visibleDepth(scene: Pick<Scene, 'root' | 'from' | 'to'>, width: number): number {
  let deepest = 0;
  eachVisible(scene, width, (node) => {
    deepest = Math.max(deepest, node.depth);
    return true;
  });
  return deepest + 1;
}

/** Calls `visit` for each node that is wide enough, and `rest` for the others of a parent together. */
function eachVisible(
  { root, from, to }: Pick<Scene, 'root' | 'from' | 'to'>,
  width: number,
  visit: (node: FlameNode, x: number, wide: number) => boolean,
  rest: (depth: number, x: number, wide: number) => void = () => {},
): void {
  const scale = width / (to - from || 1);
  const pending = [root];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    const x = (node.start - from) * scale;
    if (!visit(node, x, node.width * scale)) continue;
    for (const child of node.children) {
      const left = (child.start - from) * scale;
      const wide = child.width * scale;
      if (left > width) break;
      if (wide < NARROWEST) {
        const end = (node.start + node.width - from) * scale;
        if (left + wide >= 0 && child.width > 0)
          rest(child.depth, left, restWidth(node, child, scale, end - left));
        break;
      }
      if (left + wide >= 0) pending.push(child);
    }
  }
}

/** The width of a child and all that come after it, which are narrower. */
function restWidth(node: FlameNode, first: FlameNode, scale: number, most: number): number {
  const last = node.children.at(-1)!;
  return Math.min(most, (last.start + last.width - first.start) * scale);
}

/** Draws the scene. */
export function draw(canvas: HTMLCanvasElement, scene: Scene, { width, height }: Size): void {
  const ratio = window.devicePixelRatio || 1;
  const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== wide) canvas.width = wide;
  if (canvas.height !== high) canvas.height = high;
  const context = canvas.getContext('2d', { alpha: false })!;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  const { palette, selected, found } = scene;
  context.fillStyle = palette.background;
  context.fillRect(0, 0, width, height);
  context.font = '12px system-ui, sans-serif';
  context.textBaseline = 'middle';
  const yOf = (depth: number): number =>
    scene.upwards ? height - (depth - scene.top + 1) * ROW : (depth - scene.top) * ROW;
  const isSeen = (y: number): boolean => y > -ROW && y < height;
  const rowsBelow = scene.top + height / ROW + 1;
  eachVisible(
    scene,
    width,
    (node, x, w) => {
      const y = yOf(node.depth);
      if (isSeen(y)) {
        const left = Math.max(0, x);
        const shown = Math.min(width, x + w) - left;
        const { place } = node;
        const isFound = found !== null && place !== null && isIn(found, node);
        context.fillStyle = isFound ? palette.found : colorOf(node, palette, scene.compared);
        context.globalAlpha = found !== null && !isFound && node.depth > 0 ? 0.45 : 1;
        context.fillRect(left, y, Math.max(1, shown - 1), ROW - 1);
        context.globalAlpha = 1;
        if (shown >= NAMED) {
          const name = place === null ? 'all' : place.name;
          const letters = Math.floor((shown - 8) / LETTER);
          context.fillStyle = palette.text;
          context.fillText(
            name.length > letters ? `${name.slice(0, Math.max(1, letters - 1))}…` : name,
            left + 4,
            y + ROW / 2,
          );
        }
        if (node === selected) {
          context.strokeStyle = palette.selected;
          context.lineWidth = 2;
          context.strokeRect(left + 1, y + 1, Math.max(2, shown - 3), ROW - 3);
        }
      }
      return node.depth < rowsBelow;
    },
    (depth, x, w) => {
      const y = yOf(depth);
      if (!isSeen(y)) return;
      context.fillStyle = palette.rest;
      context.fillRect(Math.max(0, x), y, Math.max(0.5, Math.min(width, x + w) - Math.max(0, x)), ROW - 1);
    },
  );
}

function isIn(found: Uint8Array, node: FlameNode): boolean {
  return found[node.placeIndex] === 1;
}

/** The node at a point of the picture; null where there is none. */
export function nodeAt(scene: Scene, { width, height }: Size, x: number, y: number): FlameNode | null {
  const row = scene.top + Math.floor((scene.upwards ? height - y : y) / ROW);
  const at = scene.from + (x / width) * (scene.to - scene.from);
  let node: FlameNode | null = scene.root;
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
