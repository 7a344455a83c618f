// A check at each access of a function, for functions whose stack cannot be followed (walk.ts).

import { Opcode, peekU32, skipInstruction } from '../binary/index.ts';
import { isThrow } from './leaving.ts';
import { AccessReader, codeAt, MISC_PREFIX, prefixAt, rangeAccessAt } from './memory-instructions.ts';
import { Region } from './region.ts';
import type { Planned, WalkedModule } from './walk.ts';

/** What is to be inserted into one function, in order of position. */
export function plainPlan(
  { module, siteOffset, replaced, opener }: WalkedModule,
  body: number,
): readonly Planned[] {
  const { bytes } = module;
  const { end } = module.bodies[body]!;
  const planned: Planned[] = [];
  const reader = new AccessReader(bytes);
  for (let at = module.heads.code[body]!; at < end; at = skipInstruction(bytes, at, end)) {
    const prefix = prefixAt(bytes, at);
    const code = codeAt(bytes, at, prefix);
    if (reader.read(at, prefix, code)) {
      const region = new Region();
      region.add(reader, 0, reader.immediate, at, at + siteOffset, null, 0, false);
      planned.push({ kind: 'check', group: region.groups[0]! });
    } else if (prefix === MISC_PREFIX) {
      const range = rangeAccessAt(bytes, at, code);
      if (range !== null) planned.push({ kind: 'range', position: at, reads: range.reads });
    } else if (prefix === 0 && code === Opcode.Call && replaced.has(peekU32(bytes, at + 1))) {
      planned.push({ kind: 'call', position: at });
    } else if (prefix === 0 && isThrow(code) && opener !== null) {
      planned.push({ kind: 'leave', position: at });
    }
  }
  return planned;
}
