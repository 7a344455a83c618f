// Random programs of many functions that call each other in every possible way, from blocks, loops, branches,
// exceptions and tail positions. At every allocation the slots equal V8's own stack.

import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Harness, TEXT_RUNTIME } from '../support/slot-harness.ts';
import { Workshop } from '../support/workshop.ts';

let workshop: Workshop;
beforeAll(() => {
  workshop = new Workshop();
});
afterAll(() => workshop.remove());

const FUNCTIONS = 12;
/** How many steps a program runs before every function returns at once. */
const FUEL = 90;
// This contains no call, so that the first call of a function may stand anywhere.
const BURN = '(if (global.get $fuel) (then (global.set $fuel (i32.sub (global.get $fuel) (i32.const 1)))))';

/** True at some steps of the program. */
const condition = fc
  .integer({ min: 1, max: 7 })
  .map((mask) => `(i32.and (global.get $fuel) (i32.const ${mask}))`);
const callee = fc.nat(FUNCTIONS - 1).map((index) => `$f${index}`);
const argument = '(i32.add (local.get 0) (i32.const 1))';

const leaf: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.constant(`(drop (call $malloc ${argument}))`) },
  { weight: 2, arbitrary: fc.constant('(call $free (local.get 0))') },
  { weight: 3, arbitrary: callee.map((name) => `(local.set 0 (call ${name} ${argument}))`) },
  {
    weight: 2,
    arbitrary: callee.map(
      (name) => `(local.set 0 (call_indirect (type $f) ${argument} (i32.const ${name.slice(2)})))`,
    ),
  },
  { weight: 1, arbitrary: fc.constant(`(local.set 0 (call $call_back ${argument}))`) },
  { weight: 1, arbitrary: condition.map((when) => `(if ${when} (then (throw $e (local.get 0))))`) },
  { weight: 1, arbitrary: condition.map((when) => `(if ${when} (then (return (local.get 0))))`) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(condition, callee)
      .map(([when, name]) => `(if ${when} (then (return_call ${name} ${argument})))`),
  },
  { weight: 1, arbitrary: condition.map((when) => `(if ${when} (then (return_call $malloc ${argument})))`) },
  { weight: 1, arbitrary: condition.map((when) => `(br_if 0 ${when})`) },
  { weight: 1, arbitrary: fc.constant('(local.set 0 (call $silent (local.get 0)))') },
);

const { code } = fc.letrec<{ code: string; part: string }>((tie) => ({
  code: fc.array(tie('part'), { minLength: 1, maxLength: 4 }).map((parts) => parts.join('\n')),
  part: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    { weight: 4, arbitrary: leaf },
    { weight: 1, arbitrary: tie('code').map((inner) => `(block ${inner})`) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(tie('code'), condition)
        .map(([inner, again]) => `(loop $again (block ${inner}) ${BURN} (br_if $again ${again}))`),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(condition, tie('code'), tie('code'))
        .map(([when, yes, no]) => `(if ${when} (then ${yes}) (else ${no}))`),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(tie('code'), tie('code'), tie('code'))
        .map(
          ([inner, caught, rest]) => `(try (do ${inner}) (catch $e (drop) ${caught}) (catch_all ${rest}))`,
        ),
    },
    {
      weight: 1,
      arbitrary: tie('code').map(
        (inner) => `(try $out (do (try (do ${inner}) (delegate $out))) (catch_all))`,
      ),
    },
  ),
}));

function program(bodies: readonly string[]): string {
  const functions = bodies.map(
    (body, index) => `
      (func $f${index} (export "f${index}") (type $f) (local i64)
        ${BURN}
        (if (i32.eqz (global.get $fuel)) (then (return (local.get 0))))
        (block ${body})
        (local.get 0))`,
  );
  return `(module
    (import "env" "call_back" (func $call_back (param i32) (result i32)))
    ${TEXT_RUNTIME}
    (type $f (func (param i32) (result i32)))
    (tag $e (param i32))
    (global $fuel (mut i32) (i32.const ${FUEL}))
    (func $silent (param i32) (result i32) (i32.xor (local.get 0) (i32.const 5)))
    (table funcref (elem ${bodies.map((_, index) => `$f${index}`).join(' ')}))
    ${functions.join('\n')})`;
}

test('random programs: slots equal frames', () => {
  let sightings = 0;
  let deepest = 0;
  fc.assert(
    fc.property(fc.array(code, { minLength: FUNCTIONS, maxLength: FUNCTIONS }), (bodies) => {
      const harness = new Harness(workshop.assemble(program(bodies)), (self) => ({
        env: { call_back: (value: number) => (value % 3 === 0 ? (self.call('f1', value) as number) : value) },
      }));
      for (let index = 0; index < FUNCTIONS; index += 1) {
        try {
          harness.call(`f${index}`, index);
        } catch {
          // Nobody caught the exception; the host starts again at depth 0.
          harness.reset();
        }
      }
      sightings += harness.sightings.length;
      for (const { slots, frames } of harness.sightings) {
        deepest = Math.max(deepest, slots.length);
        expect(slots).toEqual(frames);
      }
    }),
    { numRuns: 30 },
  );
  expect(sightings).toBeGreaterThan(500);
  expect(deepest).toBeGreaterThan(10);
});
