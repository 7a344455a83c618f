// Turns csrc/layout.h into src/runtime/layout.ts, so that C and TypeScript share one source of the memory layout.
// Usage: node scripts/generate-layout.mjs [--check]   (--check: exit 1 when the generated file is not current)

import { readFileSync, writeFileSync } from 'node:fs';

const header = new URL('../csrc/layout.h', import.meta.url);
const target = new URL('../src/runtime/layout.ts', import.meta.url);

const lines = [
  '// Generated from csrc/layout.h by scripts/generate-layout.mjs: do not edit. Meanings and units are explained there.',
  '',
];
for (const line of readFileSync(header, 'utf8').split('\n')) {
  const match = /^#define HL_(\w+) (0x[0-9a-f]+|\d+)$/.exec(line);
  if (match) lines.push(`export const ${match[1]} = ${match[2]};`);
}
const text = `${lines.join('\n')}\n`;

if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== text) {
    console.error('src/runtime/layout.ts is not current: run node scripts/generate-layout.mjs');
    process.exit(1);
  }
} else {
  writeFileSync(target, text);
}
