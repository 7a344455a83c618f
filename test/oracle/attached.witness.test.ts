// Contexts in a package that its own JavaScript runs, against V8's own stack: embind calls C, C calls back, at once and
// in timers. The package is linked as its author links it, and attached to like any other.

import { createRequire } from 'node:module';
import { setTimeout } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { AttachedGuest } from '../../src/attach/attached-guest.ts';
import { intercept } from '../../src/attach/interception.ts';
import { graft } from '../../src/graft/index.ts';
import {
  Boundary,
  loadPasses,
  loadSymbols,
  prepareModuleNow,
  Session,
  sessionOptions,
} from '../../src/sandbox/index.ts';
import { BuiltPackages } from '../attach/built-packages.ts';
import { linkingWith } from '../support/runtime-objects.ts';
import { Witness } from '../support/stack-witness.ts';

const require = createRequire(import.meta.url);
const packages = new BuiltPackages();
afterAll(() => packages.remove());

interface Bindings {
  _now(rounds: number): void;
  _later(rounds: number): void;
}

/** Takes over the package's module like attach(), with the witness between the runtime and the session. */
async function openWith(create: () => PromiseLike<Bindings>): Promise<{
  module: Bindings;
  witness: Witness;
  session: Session;
}> {
  let witness!: Witness;
  let session!: Session;
  await Promise.all([loadPasses(), loadSymbols({ sourceMap: false, rust: false })]);
  const prepareNow = (bytes: Uint8Array) => {
    const prepared = prepareModuleNow(bytes, undefined, {}, graft);
    const subject = {
      module: prepared,
      symbols: prepared.symbols({}),
      name: 'bindings.wasm',
      path: 'bindings.wasm',
      toolchain: null,
      warnings: [],
      comments: [],
      functions: prepared.functions(null),
    };
    return {
      module: new WebAssembly.Module(new Uint8Array([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00])),
      instantiate: (imports: object) => {
        const settings = sessionOptions({}, true);
        const boundary = new Boundary(subject, settings);
        witness = new Witness(prepared.instrumented, prepared.bytes, (inner) =>
          boundary.gate.hostStack(inner),
        );
        Object.assign(boundary.runtime, witness.runtime);
        const guest = new AttachedGuest(prepared, imports as never, boundary);
        session = new Session(subject, settings, boundary, guest, guest.kept.addresses);
        witness.instantiated(guest.exports);
        return guest.instanceForGlue();
      },
    };
  };
  const release = intercept({
    wants: (bytes) => bytes.length > 1000,
    prepare: async (bytes) => prepareNow(bytes),
    prepareNow,
  });
  try {
    return { module: await create(), witness, session };
  } finally {
    release();
  }
}

test('contexts of calls to and from an attached package with embind are V8’s own stack', async () => {
  const file = await linkingWith('hooks', () =>
    packages.build({
      source: '../../oracle/programs/bindings.cpp',
      ending: '.cjs',
      flags: [
        '-O1',
        '-lembind',
        '-sMODULARIZE',
        '-sSINGLE_FILE',
        '-sALLOW_MEMORY_GROWTH',
        '-sEXPORTED_FUNCTIONS=_now,_later',
        '--no-entry',
      ],
    }),
  );
  const { module, witness, session } = await openWith(require(file));
  module._now(20);
  const before = witness.allocations;
  module._later(20);
  await setTimeout(200);
  console.log(`attached: ${witness.allocations} allocations compared, ${witness.nested} of them nested`);
  expect(witness.differences.slice(0, 3)).toEqual([]);
  expect(before).toBeGreaterThan(1000);
  expect(witness.nested).toBeGreaterThan(500);
  expect(witness.allocations).toBeGreaterThan(2 * before - 100);
  expect(session.ledger.quiescent).toBe(true);
});
