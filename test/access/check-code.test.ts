// The code of a check in V8: it has the accesses judged when the shadow of a granule that it covers is not 0, and at no
// other time.
import { expect, it } from 'vitest';
import { granulesIn, MOST_GRANULES, MOST_JOINED_GRANULES, writeCheck } from '../../src/access/check-code.ts';
import type { JudgeFunctions } from '../../src/access/judge-functions.ts';
import { CodeEdits } from '../../src/rewrite/code-edits.ts';
import * as layout from '../../src/runtime/layout.ts';
import {
  body,
  functionType,
  I32,
  module,
  name,
  SectionId,
  section,
  vector,
} from '../support/module-builder.ts';

const SHADOW = 0x8000;
const GRANULE = layout.SHADOW_GRANULE;
const ADDRESS = 0x1000;
/** Everything that the shadow of a granule may be beside 0. */
const CLOSED: readonly number[] = Object.entries(layout)
  .filter(
    ([key, value]) => key.startsWith('SHADOW_') && typeof value === 'number' && value > 0xc0 && value < 0x100,
  )
  .map(([, value]) => value as number)
  .concat([1, 2, 3, 4, 5, 6, 7]);

interface Checked {
  readonly shadow: Uint8Array;
  /** How often accesses are judged when the addresses in the locals are these. */
  judged(first: number, second: number): number;
}

/** @param windows one for each local @param inLoop whether the check is in a loop */
function checked(windows: readonly { from: number; to: number }[], inLoop: boolean): Checked {
  const edits = new CodeEdits();
  edits.begin(0);
  const judges = { of: () => ({ judge: 0, added: 0 }), ofList: () => 0 } as unknown as JudgeFunctions;
  const parts = windows.map(({ from, to }, local) => ({
    local,
    window: { from, to, alignment: GRANULE, inLoop },
    accesses: [{ offset: from, size: 1, writes: false, site: 7 }],
  }));
  writeCheck(edits, parts, { judges, range: 0, string: 0, shadow: SHADOW, shadowBytes: 0x2000 });
  const bytes = module(
    section(SectionId.Type, vector([functionType([I32, I32], [])])),
    section(SectionId.Import, vector([[...name('test'), ...name('judge'), 0, 0]])),
    section(SectionId.Function, vector([[0]])),
    section(SectionId.Memory, vector([[0, 1]])),
    section(
      SectionId.Export,
      vector([
        [...name('check'), 0, 1],
        [...name('memory'), 2, 0],
      ]),
    ),
    section(SectionId.Code, vector([body([...edits.take().inserted])])),
  );
  let judgements = 0;
  const judge = (): void => {
    judgements += 1;
  };
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { test: { judge } });
  return {
    shadow: new Uint8Array((exports.memory as WebAssembly.Memory).buffer, SHADOW, 0x2000),
    judged: (first, second) => {
      judgements = 0;
      (exports.check as (first: number, second: number) => void)(first, second);
      return judgements;
    },
  };
}

it('judges exactly what is not open, whatever closes it and however many granules it covers', () => {
  expect(CLOSED.length).toBeGreaterThan(16);
  for (const inLoop of [false, true]) {
    for (let granules = 1; granules <= MOST_GRANULES; granules += 1) {
      for (const from of [-2 * GRANULE, 0, 3 * GRANULE]) {
        const window = { from, to: from + granules * GRANULE };
        expect(granulesIn(window.from, window.to, GRANULE)).toBe(granules);
        const { shadow, judged } = checked([window], inLoop);
        const first = (ADDRESS + from) / GRANULE;
        expect(judged(ADDRESS, 0)).toBe(0);
        for (let granule = -1; granule <= granules; granule += 1) {
          for (const value of CLOSED) {
            shadow[first + granule] = value;
            expect(judged(ADDRESS, 0)).toBe(granule >= 0 && granule < granules ? 1 : 0);
          }
          shadow[first + granule] = 0;
        }
      }
    }
  }
});

it('judges all parts when the shadow of one is not 0', () => {
  const other = 0x2000;
  for (let granules = 1; granules <= MOST_JOINED_GRANULES; granules += 1) {
    const window = { from: 0, to: granules * GRANULE };
    const { shadow, judged } = checked([window, window], true);
    expect(judged(ADDRESS, other)).toBe(0);
    for (const address of [ADDRESS, other]) {
      for (let granule = -1; granule <= granules; granule += 1) {
        for (const value of CLOSED) {
          shadow[address / GRANULE + granule] = value;
          expect(judged(ADDRESS, other)).toBe(granule >= 0 && granule < granules ? 2 : 0);
        }
        shadow[address / GRANULE + granule] = 0;
      }
    }
  }
});
