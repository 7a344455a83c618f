// Options of commands that are options in code, too. Their names, checks, choices, defaults and descriptions come from
// the table that the function in code reads (src/options). What is written here is only how a command line spells them.

import { Option } from 'commander';
import type { Reads } from '../options/option-table.ts';

/** The rule of an option that commands show. */
export interface ShownRule extends Reads<unknown> {
  readonly help: string;
  readonly words?: readonly string[];
  readonly default?: unknown;
}

/** How a command line spells an option. */
export interface Spelling {
  /** The placeholder of the value, such as `<size>`; without one the option is a switch. */
  readonly value?: string;
  /** A short form, such as `-p`. */
  readonly short?: string;
  /** Another name than the one in code, with the placeholder: `-I <directory>`. */
  readonly flags?: string;
  /** The description, where the words of the table say something else: for a switch that turns the option off. */
  readonly help?: string;
  /** The end of the description, after the words of the table. */
  readonly note?: string;
  /** The meaning of an option that is not given, where the table's default is not that of the command line. */
  readonly unset?: string;
  /** Makes a value of the text. The rule then checks the value. */
  readonly parse?: (text: string, option: string) => unknown;
  /** The texts of all occurrences make one list, which the function in code checks. */
  readonly repeatable?: true;
}

/** The names of the options in a table that commands show. */
type ShownName<Table> = {
  [Name in keyof Table]: Table[Name] extends ShownRule ? Name : never;
}[keyof Table] &
  string;

/** Makes options of commands from the rules of a table. */
export function optionsOf<Table extends object>(
  table: Table,
): (name: ShownName<Table>, spelling?: Spelling) => Option {
  return (name, spelling = {}) => optionOf(name, table[name] as ShownRule, spelling);
}

function optionOf(name: string, rule: ShownRule, spelling: Spelling): Option {
  const { help = rule.help, note = '', unset, repeatable, parse = (text: string) => text } = spelling;
  const ends = [unset === undefined ? '' : ` (default: ${unset})`, repeatable ? ' (repeatable)' : ''];
  const option = new Option(flagsOf(name, spelling), `${help}${note}${ends.join('')}`);
  if (rule.words !== undefined) option.choices(rule.words);
  if (repeatable) return option.argParser(collect);
  if (option.isBoolean() || option.negate) return option;
  if (unset === undefined && rule.default !== undefined) setDefault(option, rule.default);
  const shownName = option.long ?? option.short!;
  return option.argParser((text) => rule.read(parse(text, shownName), shownName, 'heapline'));
}

// Commander would print a list as JSON.
function setDefault(option: Option, value: unknown): void {
  option.default(value, Array.isArray(value) ? value.join(',') : undefined);
}

function flagsOf(name: string, { value, short, flags }: Spelling): string {
  if (flags !== undefined) return flags;
  const long = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  return `${short === undefined ? '' : `${short}, `}${long}${value === undefined ? '' : ` ${value}`}`;
}

/** For options that can be repeated. */
export function collect(value: string, previous: readonly string[] | undefined): string[] {
  return [...(previous ?? []), value];
}
