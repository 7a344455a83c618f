import { expect, test } from 'vitest';
import { PROGRAM_OPTIONS, programOptionsHelp, readProgramOptions } from '../../src/cc/program-options.ts';

function read(variable: string) {
  const warnings: string[] = [];
  return { settings: readProgramOptions(variable, (text) => void warnings.push(text)), warnings };
}

test('without the variable, the defaults are those of AddressSanitizer and LeakSanitizer', () => {
  expect(read('').settings).toMatchObject({
    detect_leaks: true,
    exitcode: 23,
    halt_on_error: true,
    abort_on_error: false,
    log_path: 'stderr',
    leak_kinds: ['definite', 'indirect'],
    when: 'main',
  });
});

test('options are separated by colons, and a value in quotes may have colons', () => {
  const { settings, warnings } = read(`exitcode=5:log_path='c:/x y':pprof="p"  leak_kinds=all`);
  expect(warnings).toEqual([]);
  expect(settings).toMatchObject({ exitcode: 5, log_path: 'c:/x y', pprof: 'p' });
  expect(settings.leak_kinds).toHaveLength(4);
});

test.each([
  ['exitcde=5', "did you mean 'exitcode'"],
  ['toString=1', 'no option'],
  ['exitcode=many', 'whole number'],
  ['exitcode=256', '255'],
  ['detect_leaks=maybe', '0 or 1'],
  ['format=xml', 'text, json'],
  ['leak_kinds=certain', 'certain'],
  ['when=later', 'main or exit'],
  ['timeout=soon', '5s or 500ms'],
  ['nonsense', 'name=value'],
])('%s gives a warning and leaves the defaults', (variable, warning) => {
  const { settings, warnings } = read(variable);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain(warning);
  expect(settings).toEqual(read('').settings);
});

test.each([
  ['max_leaks=3', { max_leaks: 3 }],
  ['leak_check_at_exit=0', { detect_leaks: false }],
  ['print_suppressions=0:log_suffix=.txt', { print_suppressions: false, log_suffix: '.txt' }],
  ['color=never', { color: 'never' }],
  ['timeout=5s', { timeout: 5000 }],
  ['timeout=2', { timeout: 2000 }],
])('%s means what it means for LeakSanitizer', (variable, expected) => {
  expect(read(variable)).toMatchObject({ warnings: [], settings: expected });
});

test.each([
  ['fast_unwind_on_malloc=0', 'stacks are always whole'],
  ['malloc_context_size=50', 'stacks are always whole'],
  ['detect_stack_use_after_return=1', 'AddressSanitizer'],
  ['quarantine_size_mb=10', 'quarantine_size_kb'],
  ['external_symbolizer_path=/usr/bin/x', 'the module itself'],
  ['use_tls=0', 'one set of rules'],
  ['print_stats=1', 'nothing like it'],
])('%s of the sanitizers is named with the reason why it has no meaning', (variable, reason) => {
  const { settings, warnings } = read(variable);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain(reason);
  expect(settings).toEqual(read('').settings);
});

test('the help names every option', () => {
  for (const name of Object.keys(PROGRAM_OPTIONS)) expect(programOptionsHelp()).toContain(`  ${name} `);
});
