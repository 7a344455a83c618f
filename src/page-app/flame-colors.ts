// Colours of frames. In a comparison, blue has shrunk and orange has grown: readers who do not tell red from green tell
// these two apart. Text on each of them has a contrast of at least 4.5.

import type { FlameNode } from './flame-node.ts';
import type { FramePlace } from './frame-tree.ts';

/** A colour as 0xRRGGBB. */
export type Color = number;

export interface Palette {
  readonly text: Color;
  readonly background: Color;
  readonly selected: Color;
  readonly found: Color;
  readonly rest: Color;
  /** The colour of a function by a number from 0 to 1, and whether it is JavaScript. */
  frame(number: number, script: boolean): Color;
  /** The colour of a change from -1 to 1. */
  change(share: number): Color;
}

export const LIGHT: Palette = {
  text: 0x14171a,
  background: 0xffffff,
  selected: 0x0a58ca,
  found: 0xe9c8ff,
  rest: 0xd7dade,
  frame: (number, script) =>
    script ? hsl(190 + 30 * number, 45, 80) : hsl(18 + 34 * number, 78 - 14 * number, 77 + 7 * number),
  change: (share) => mixed(0xf0f1f3, share < 0 ? 0x78aae6 : 0xf5a050, Math.abs(share)),
};

export const DARK: Palette = {
  text: 0xf2f4f6,
  background: 0x14171a,
  selected: 0x7ab0ff,
  found: 0x6b3f8f,
  rest: 0x343a41,
  frame: (number, script) =>
    script ? hsl(190 + 30 * number, 35, 27) : hsl(10 + 34 * number, 52 - 14 * number, 29 - 5 * number),
  change: (share) => mixed(0x30353c, share < 0 ? 0x1e5aa5 : 0x964b0a, Math.abs(share)),
};

/** A colour as CSS writes it. */
export function cssOf(color: Color): string {
  return `#${color.toString(16).padStart(6, '0')}`;
}

/** A colour between two: the second one at 1. */
export function mixed(from: Color, to: Color, share: number): Color {
  const part = (shift: number): number => {
    const first = (from >> shift) & 255;
    return Math.round(first + (((to >> shift) & 255) - first) * Math.min(1, share)) << shift;
  };
  return part(16) | part(8) | part(0);
}

/** CSS Color 4, section 7: hue in degrees, saturation and lightness in percent. */
function hsl(hue: number, saturation: number, lightness: number): Color {
  const light = lightness / 100;
  const amplitude = (saturation / 100) * Math.min(light, 1 - light);
  const part = (n: number): number => {
    const k = (n + hue / 30) % 12;
    return Math.round(255 * (light - amplitude * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return (part(0) << 16) | (part(8) << 8) | part(4);
}

/** A number from 0 to 1 that is the same for the same text. */
export function numberOf(text: string): number {
  let hash = 2166136261;
  for (let i = 0; i < Math.min(text.length, 200); i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16777619);
  return ((hash >>> 8) % 1024) / 1024;
}

const SCRIPT = /\.[cm]?[jt]sx?$/;

/** The colour of each place: that of its function. */
export function colorsOf(places: readonly FramePlace[], palette: Palette): Uint32Array {
  return Uint32Array.from(places, ({ name, file }) => palette.frame(numberOf(name), SCRIPT.test(file)));
}

/** The colour of a node in a comparison. */
export function changeColor({ now, before }: FlameNode, palette: Palette): Color {
  const larger = Math.max(Math.abs(now), before);
  const change = larger === 0 ? 0 : (now - before) / larger;
  return palette.change(change === 0 ? 0 : Math.sign(change) * (0.25 + 0.75 * Math.abs(change)));
}
