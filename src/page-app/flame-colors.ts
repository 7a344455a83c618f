// Colours of frames. In a comparison, blue has shrunk and orange has grown: readers who do not tell red from green tell
// these two apart. Text on each of them has a contrast of at least 4.5.

import type { FlameNode } from './flame-node.ts';

export interface Palette {
  readonly text: string;
  readonly background: string;
  readonly border: string;
  readonly selected: string;
  readonly found: string;
  readonly rest: string;
  /** The colour of a function by a number from 0 to 1, and whether it is JavaScript. */
  frame(number: number, script: boolean): string;
  /** The colour of a change from -1 to 1. */
  change(share: number): string;
}

export const LIGHT: Palette = {
  text: '#14171a',
  background: '#ffffff',
  border: '#ffffff',
  selected: '#0a58ca',
  found: '#e9c8ff',
  rest: '#d7dade',
  frame: (number, script) =>
    script
      ? `hsl(${190 + 30 * number} 45% 80%)`
      : `hsl(${18 + 34 * number} ${78 - 14 * number}% ${77 + 7 * number}%)`,
  change: (share) => mix([240, 241, 243], share < 0 ? [120, 170, 230] : [245, 160, 80], Math.abs(share)),
};

export const DARK: Palette = {
  text: '#f2f4f6',
  background: '#14171a',
  border: '#14171a',
  selected: '#7ab0ff',
  found: '#6b3f8f',
  rest: '#343a41',
  frame: (number, script) =>
    script
      ? `hsl(${190 + 30 * number} 35% 27%)`
      : `hsl(${10 + 34 * number} ${52 - 14 * number}% ${29 - 5 * number}%)`,
  change: (share) => mix([48, 53, 60], share < 0 ? [30, 90, 165] : [150, 75, 10], Math.abs(share)),
};

function mix(from: readonly number[], to: readonly number[], share: number): string {
  const parts = from.map((part, i) => Math.round(part + (to[i]! - part) * Math.min(1, share)));
  return `rgb(${parts.join(' ')})`;
}

/** A number from 0 to 1 that is the same for the same text. */
export function numberOf(text: string): number {
  let hash = 2166136261;
  for (let i = 0; i < Math.min(text.length, 200); i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16777619);
  return ((hash >>> 8) % 1024) / 1024;
}

const SCRIPT = /\.[cm]?[jt]sx?$/;

/** The colour of a node. */
export function colorOf(node: FlameNode, palette: Palette, compared: boolean): string {
  const place = node.place;
  if (compared) {
    const larger = Math.max(Math.abs(node.now), node.before);
    const change = larger === 0 ? 0 : (node.now - node.before) / larger;
    return palette.change(change === 0 ? 0 : Math.sign(change) * (0.25 + 0.75 * Math.abs(change)));
  }
  if (place === null) return palette.rest;
  return palette.frame(numberOf(place.name), SCRIPT.test(place.file));
}
