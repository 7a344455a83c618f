// Names of C++ types as llvm-cxxfilt -t prints them, without the inline namespaces and default arguments of libc++.

import { expect, test } from 'vitest';
import { readTypeName } from '../../src/host/type-names.ts';

test.each([
  ['i', 'int'],
  ['*i', 'int'],
  ['PKc', 'char const*'],
  ['PKPKc', 'char const* const*'],
  ['Dn', 'std::nullptr_t'],
  ['St9exception', 'std::exception'],
  ['St13runtime_error', 'std::runtime_error'],
  ['RKSt9exception', 'std::exception const&'],
  ['N3app5ErrorE', 'app::Error'],
  ['N12_GLOBAL__N_16UnseenE', '(anonymous namespace)::Unseen'],
  ['Z4boomiE5Local', 'boom::Local'],
  ['N1AILb1EE1BE', 'A<true>::B'],
  ['N1a1bIJicEEE', 'a::b<int, char>'],
  ['N3app2OfINSt3__26vectorIiNS1_9allocatorIiEEEELi3EEE', 'app::Of<std::vector<int>, 3>'],
  ['NSt3__212basic_stringIcNS_11char_traitsIcEENS_9allocatorIcEEEE', 'std::string'],
  [
    'NSt3__24pairIKiNS_12basic_stringIcNS_11char_traitsIcEENS_9allocatorIcEEEEEE',
    'std::pair<int const, std::string>',
  ],
  ['PFivE', 'int (*)()'],
  ['PFvPKcE', 'void (*)(char const*)'],
  ['PA3_i', 'int (*) [3]'],
  ['M1Ai', 'int A::*'],
  ['M1AFivE', 'int (A::*)()'],
])('%s is %s', (mangled, name) => {
  expect(readTypeName(mangled)).toBe(name);
});

test.each([
  '',
  'N',
  '12short',
  'S_',
  'NSt3__2',
  'Z4boomE',
  '1AIXplLi1ELi2EEE',
  'Ut_',
  '9999999999999x',
  'I'.repeat(50_000),
])('a text that is not a type name stays as it is (%#)', (name) => {
  expect(readTypeName(name)).toBe(name);
});

test('a name that nests without end stays as it is', () => {
  const name = 'P'.repeat(1_000_000);
  expect(readTypeName(name)).toBe(name);
});
