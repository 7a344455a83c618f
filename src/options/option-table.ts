// Options as tables. An exported interface says what the options of a function are, with their docstrings, for editors
// and for the reference. A table beside it, `satisfies OptionTable<Interface>`, says what an interface cannot say at run
// time: the names, the values that are accepted, and the defaults. The compiler rejects a table that lacks an option of
// the interface, has one too many, or has a rule for values of another type.

import { checkOptionNames } from './option-names.ts';

/** What a rule accepts: `Value` is the type that the interface declares. */
export interface Accepts<Value> {
  /** Exists for the compiler only, which compares it with the interface. */
  readonly type?: (value: Value) => Value;
}

/** What a rule makes of a value. */
export interface Reads<Setting> {
  /**
   * Checks a value and returns the setting that it means. Throws an InvalidArgumentError for a value that is not accepted.
   * @param option the full name of the option, for messages
   * @param caller the function that the options were given to: `loadC`, for example
   */
  readonly read: (value: unknown, option: string, caller: string) => Setting;
}

/** The rule of one option. */
export interface OptionRule<Value, Setting = Value> extends Accepts<Value>, Reads<Setting> {}

/** The rule of an option that always has a value. */
export interface OptionWithDefault<Value, Setting = Value> extends OptionRule<Value, Setting> {
  /** The setting when the option is not given. */
  readonly default: Setting;
}

/** A rule for each option of an interface. */
export type OptionTable<Options extends object> = {
  readonly [Name in keyof Options]-?: Accepts<Exclude<Options[Name], undefined>>;
};

/** A table of any interface. */
export type AnyTable = Readonly<Record<string, Reads<unknown> & { readonly default?: unknown }>>;

type SettingBy<Rule> = Rule extends Reads<infer Setting> ? Setting : never;

/** What readOptions() returns: options with a default are always there, the others when they were given. */
export type SettingsOf<Table> = {
  readonly [Name in keyof Table as Table[Name] extends { readonly default: unknown }
    ? Name
    : never]: SettingBy<Table[Name]>;
} & {
  readonly [Name in keyof Table as Table[Name] extends { readonly default: unknown }
    ? never
    : Name]?: SettingBy<Table[Name]>;
};

/**
 * Rejects options whose names are not in the table, checks the values of the others and fills in the defaults.
 * @param caller the function that the options were given to: `loadC`, for example
 * @param within the option that this object is the value of, when there is one
 */
export function readOptions<Table extends AnyTable>(
  caller: string,
  options: unknown,
  table: Table,
  within?: string,
): SettingsOf<Table> {
  checkOptionNames(caller, options, Object.keys(table), within);
  const settings: Record<string, unknown> = {};
  for (const [name, rule] of Object.entries(table)) {
    const value = (options as Readonly<Record<string, unknown>>)[name];
    if (value !== undefined) {
      settings[name] = rule.read(value, within === undefined ? name : `${within}.${name}`, caller);
    } else if (rule.default !== undefined) settings[name] = rule.default;
  }
  return settings as SettingsOf<Table>;
}

/** The rule with the setting of an option that is not given. */
export function withDefault<Value, Setting, Rest extends object>(
  rule: OptionRule<Value, Setting> & Rest,
  value: NoInfer<Setting>,
): OptionWithDefault<Value, Setting> & Rest {
  return { ...rule, default: value };
}

/** The rule of an option that commands have, too, with the description that their help shows. */
export function withHelp<Rule extends object>(rule: Rule, help: string): Rule & { readonly help: string } {
  return { ...rule, help };
}
