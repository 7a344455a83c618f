// Names of Rust, and names that only look like it.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRustMain, isRustStart, rustName } from '../../../src/symbols/rust-names.ts';
import { ownTime } from '../../support/own-time.ts';

const LEGACY = '_ZN4core3ptr42drop_in_place$LT$alloc..string..String$GT$17h0123456789abcdefE';
const V0 = '_RNvXCs1234_5shapeINtB2_2SqKj5_Kb1_EINtB2_5ShapelE4areaB2_';

describe('rustName', () => {
  it.each([
    [LEGACY, 'core::ptr::drop_in_place<alloc::string::String>'],
    ['_ZN5leaky4main17h0123456789abcdefE', 'leaky::main'],
    ['_ZN5leaky4main17h0123456789abcdefE.llvm.1234', 'leaky::main'],
    [
      '_ZN3std2rt10lang_start28_$u7b$$u7b$closure$u7d$$u7d$17h0123456789abcdefE',
      'std::rt::lang_start::{{closure}}',
    ],
    [V0, '<shape::Sq<5, true> as shape::Shape<i32>>::area'],
    ['_RNvC5leaky4main', 'leaky::main'],
    ['_ZN2v013gr$uf6$$udf$e9l$ue4$nge17he99e22942e395ffcE', 'v0::größe::länge'],
    ['_RNCNvC5leaky4mains_0', 'leaky::main::{closure#1}'],
    ['_RINvC1a1fFUKCPhEuDNtB2_1TEL_RL_eE', 'a::f::<unsafe extern "C" fn(*const u8), dyn a::T, &str>'],
    ['_RINvC1a1fFG_RL0_eEBi_E', null],
    ['_RINvC1a1fFG_RL0_eEfE', "a::f::<for<'a> fn(&'a str) -> f32>"],
    ['_RINvC1a1fFRL0_eEfE', null],
    ['_RINvC1a1fTaEAhj3_TahEzE', 'a::f::<(i8,), [u8; 3], (i8, u8), !>'],
    // C++, Swift, and damaged names.
    ['_ZN3foo3barEv', null],
    ['_ZNSt6vectorIiE9push_backEv', null],
    ['_Znwm', null],
    ['main', null],
    ['', null],
    ['_R', null],
    ['_RB_', null],
    ['_RNvB_1a', null],
    ['_R1NvC5leaky4main', null],
    ['_ZN99999leaky17h0123456789abcdefE', null],
  ])('%s is %s', (mangled, name) => {
    expect(rustName(mangled)).toBe(name);
  });

  it('gives up on names that repeat themselves without end', () => {
    // Each tuple has the one before it twice.
    let name = '_RINvC1a1fTaaE';
    for (let at = 8, i = 0; i < 40; i++) {
      const back = at <= 0 ? '_' : (at - 1).toString(36);
      at = name.length - 2;
      name += `TB${back}_B${back}_E`;
    }
    const took = ownTime(() => {
      expect(rustName(`${name}E`)).toBeNull();
      expect(rustName(`_RINvC1a1f${'S'.repeat(100_000)}aE`)).toBeNull();
    });
    expect(took).toBeLessThan(500);
  });

  it('reads whatever it is given', () => {
    const damaged = fc
      .tuple(fc.constantFrom(LEGACY, V0), fc.nat(60), fc.nat(9), fc.string({ maxLength: 6 }))
      .map(([name, at, cut, piece]) => name.slice(0, at) + piece + name.slice(at + cut));
    fc.assert(
      fc.property(damaged, (name) => {
        const read = rustName(name);
        return read === null || typeof read === 'string';
      }),
      { numRuns: 3000 },
    );
  });
});

it('knows main, and what Rust runs before it', () => {
  expect(isRustMain('_ZN5leaky4main17h0123456789abcdefE')).toBe(true);
  expect(isRustMain('_RNvCs1_5leaky4main')).toBe(true);
  expect(isRustMain('_ZN5leaky6domain4main17h0123456789abcdefE')).toBe(false);
  expect(isRustMain('main')).toBe(false);
  expect(isRustStart('_ZN3std2rt10lang_start17h0123456789abcdefE')).toBe(true);
  expect(isRustStart('_ZN5leaky10lang_start17h0123456789abcdefE')).toBe(false);
});
