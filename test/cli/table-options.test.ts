// An option that commands and functions in code share has one source: the description, choices and default that
// `--help` shows are those of its table.

import { Command, type Option } from 'commander';
import { describe, expect, it } from 'vitest';
import { addBuildCommands } from '../../src/cli/build.ts';
import { addCheckCommand } from '../../src/cli/check.ts';
import { addCompareCommands } from '../../src/cli/compare.ts';
import { addRunCommand } from '../../src/cli/run.ts';
import { addServeCommand } from '../../src/cli/serve.ts';
import { addShowCommands } from '../../src/cli/show.ts';
import { optionsOf } from '../../src/cli/table-options.ts';
import { Terminal } from '../../src/cli/terminal.ts';
import { COMPILE_OPTIONS } from '../../src/compile/compile-options.ts';
import { flag, numberAbove0, oneOf, textList } from '../../src/options/option-rules.ts';
import { type Reads, withDefault, withHelp } from '../../src/options/option-table.ts';
import {
  ENCODE_OPTIONS,
  FOLDED_OPTIONS,
  SPEEDSCOPE_OPTIONS,
  TOP_OPTIONS,
} from '../../src/profile/profile-options.ts';
import { TREE_OPTIONS } from '../../src/profile/tree-options.ts';
import { TEXT_OPTIONS } from '../../src/report/report-options.ts';
import { ASSERT_LEAKS_OPTIONS, PROFILE_OPTIONS } from '../../src/sandbox/heap-options.ts';
import { leakMoment, SANDBOX_OPTIONS } from '../../src/sandbox/sandbox-options.ts';
import { SERVE_PPROF_OPTIONS } from '../../src/serve/options.ts';

function commands(): readonly Command[] {
  const program = new Command('heapline');
  const terminal = new Terminal(process.stdout, process.stderr, {});
  addRunCommand(program, terminal, [], () => {});
  addCheckCommand(program, terminal, [], () => {});
  addServeCommand(program, terminal, []);
  addBuildCommands(program, terminal);
  addShowCommands(program, terminal);
  addCompareCommands(program, terminal, () => {});
  return program.commands;
}

interface Rule extends Reads<unknown> {
  readonly help?: string;
  readonly words?: readonly string[];
}

/** The functions in code that a command calls, by the tables of their options. */
const RUN = { ...COMPILE_OPTIONS, ...SANDBOX_OPTIONS, ...ENCODE_OPTIONS };
const TABLES: Readonly<Record<string, Readonly<Record<string, Rule>>>> = {
  run: { ...RUN, ...PROFILE_OPTIONS, ...TOP_OPTIONS },
  check: { ...RUN, ...TEXT_OPTIONS, ...ASSERT_LEAKS_OPTIONS, when: leakMoment },
  serve: { ...RUN, ...SERVE_PPROF_OPTIONS },
  build: { ...COMPILE_OPTIONS, ...SANDBOX_OPTIONS },
  instrument: SANDBOX_OPTIONS,
  top: TOP_OPTIONS,
  tree: TREE_OPTIONS,
  text: {},
  folded: FOLDED_OPTIONS,
  speedscope: SPEEDSCOPE_OPTIONS,
  diff: TOP_OPTIONS,
  merge: {},
};

/** Options of commands that are spelt otherwise than in code. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  I: 'include',
  D: 'define',
  cflag: 'flags',
  ldflag: 'link',
  file: 'files',
  dir: 'preopens',
  allowHost: 'allowedHosts',
  leakKinds: 'kinds',
};

/** Options that mean another thing than those of the same name in code: `--suppressions` names a file. */
const OTHERS = ['check suppressions'];

const shared = commands().flatMap((command) =>
  command.options.flatMap((option) => {
    const name = OTHER_NAMES[option.attributeName()] ?? option.attributeName();
    const rule = TABLES[command.name()]![name];
    const label = `${command.name()} ${name}`;
    // A switch that turns an option off says so in words of its own.
    return rule === undefined || option.negate || OTHERS.includes(label) ? [] : [{ label, option, rule }];
  }),
);

describe('an option that also exists in code', () => {
  it('is found in most commands', () => {
    expect(shared.length).toBeGreaterThan(40);
    expect(commands().map((command) => command.name())).toEqual(Object.keys(TABLES));
  });

  it.each(shared)('$label has the description and the choices of its table', ({ option, rule }) => {
    expect(rule.help).toBeDefined();
    expect(option.description.startsWith(rule.help!)).toBe(true);
    expect(option.argChoices).toEqual(rule.words);
  });
});

const table = {
  maxBytes: withHelp(numberAbove0(10, 'bytes'), 'most bytes'),
  level: withHelp(withDefault(oneOf('low', 'high'), 'low'), 'how much'),
  names: withHelp(withDefault(textList(), []), 'who'),
  loud: withHelp(withDefault(flag, false), 'be loud'),
};
const optionOf = optionsOf(table);

function given(option: Option, ...line: string[]): Record<string, unknown> {
  return new Command().exitOverride().addOption(option).parse(line, { from: 'user' }).opts();
}

describe('an option made from a table', () => {
  it('has the name from code, in the spelling of command lines', () => {
    expect(optionOf('maxBytes', { value: '<size>' }).flags).toBe('--max-bytes <size>');
    expect(optionOf('level', { short: '-l', value: '<level>' }).flags).toBe('-l, --level <level>');
    expect(optionOf('names', { flags: '--for <name>' }).flags).toBe('--for <name>');
  });

  it('has the default of the table, unless the command says what its absence means', () => {
    expect(given(optionOf('level', { value: '<level>' }))).toEqual({ level: 'low' });
    const unset = optionOf('level', { value: '<level>', unset: 'as before' });
    expect(given(unset)).toEqual({});
    expect(unset.description).toBe('how much (default: as before)');
    expect(given(optionOf('loud'))).toEqual({});
    expect(given(optionOf('loud'), '--loud')).toEqual({ loud: true });
  });

  it('checks its value by the rule of the table, and names itself', () => {
    const size = () => optionOf('maxBytes', { value: '<size>', parse: Number });
    expect(given(size(), '--max-bytes', '7')).toEqual({ maxBytes: 7 });
    expect(() => given(size(), '--max-bytes', '11')).toThrow(
      'The option --max-bytes must be a number of bytes above 0, at most 10, not 11.',
    );
    expect(() => given(optionOf('level', { value: '<level>' }), '--level', 'higt')).toThrow(
      "The option --level must be 'low' or 'high', not 'higt': did you mean 'high'?",
    );
  });

  it('collects its values when it can be repeated', () => {
    const names = optionOf('names', { flags: '--for <name>', repeatable: true });
    expect(names.description).toBe('who (repeatable)');
    expect(given(names, '--for', 'a', '--for', 'b')).toEqual({ for: ['a', 'b'] });
  });
});
