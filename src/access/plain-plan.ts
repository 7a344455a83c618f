// A check at each access of a function, for functions whose stack cannot be followed (walk.ts).

import { Opcode, peekU32, skipInstruction } from '../binary/index.ts';
import { codeAt, MISC_PREFIX, memoryAccessAt, prefixAt, rangeAccessAt } from './memory-instructions.ts';
import { Region } from './region.ts';
import type { Planned, WalkedModule } from './walk.ts';

/** What is to be inserted into one function, in order of position. */
export function plainPlan({ module, siteOffset, replaced }: WalkedModule, body: number): readonly Planned[] {
  const { bytes } = module;
  const { end } = module.bodies[body]!;
  const planned: Planned[] = [];
  for (let at = module.heads.code[body]!; at < end; at = skipInstruction(bytes, at, end)) {
    const prefix = prefixAt(bytes, at);
    const code = codeAt(bytes, at, prefix);
    const access = memoryAccessAt(bytes, at, prefix, code);
    if (access !== null) {
      const region = new Region();
      region.add({ ...access, base: 0, offset: access.immediate, position: at, site: at + siteOffset });
      planned.push({ kind: 'check', group: region.groups[0]! });
    } else if (prefix === MISC_PREFIX) {
      const range = rangeAccessAt(bytes, at, code);
      if (range !== null) planned.push({ kind: 'range', position: at, reads: range.reads });
    } else if (prefix === 0 && code === Opcode.Call && replaced.has(peekU32(bytes, at + 1))) {
      planned.push({ kind: 'call', position: at });
    }
  }
  return planned;
}
