// Numbers as the page writes them.

import { formatQuantity } from '../profile/index.ts';
import type { PageState } from './page-state.ts';

const FACTORS = { B: 1, kB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30 } as const;

/** A value in the unit that the reader has chosen; `auto` writes it as pprof does. */
export function formatValue(value: number, unit: string, chosen: PageState['unit']): string {
  if (unit !== 'bytes') return unit === 'count' ? formatCount(value) : formatQuantity(value, unit);
  if (chosen === 'auto') return formatQuantity(value, unit);
  const scaled = value / FACTORS[chosen];
  const digits = chosen === 'B' ? 0 : 2;
  return `${scaled.toLocaleString('en-US', { maximumFractionDigits: digits, minimumFractionDigits: digits })} ${chosen}`;
}

export function formatCount(value: number): string {
  return value.toLocaleString('en-US');
}

/** A change with its sign. */
export function formatChange(value: number, unit: string, chosen: PageState['unit']): string {
  if (value === 0) return '0';
  return `${value > 0 ? '+' : '−'}${formatValue(Math.abs(value), unit, chosen)}`;
}

export function formatPercent(value: number, total: number): string {
  if (total === 0) return '–';
  const share = Math.abs(value / total) * 100;
  return `${share >= 99.95 ? '100' : share.toFixed(share < 10 ? 2 : 1)} %`;
}

/** Names may be a megabyte long. */
export function shortened(name: string, most = 300): string {
  return name.length <= most ? name : `${name.slice(0, most - 20)}…${name.slice(-18)}`;
}
