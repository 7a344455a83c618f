// The default that the docstring of an option states is the one in its table. Both are read from the sources: the
// tables are `{ … } satisfies OptionTable<Interface>`, and a default stands in `withDefault(rule, value)`.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const folder = fileURLToPath(new URL('../../src/', import.meta.url));
const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) =>
    ts.createSourceFile(name, readFileSync(join(folder, name), 'utf8'), ts.ScriptTarget.ES2022, true),
  );

/** The docstrings of the properties of all interfaces, by `Interface.property`. */
const docstrings = new Map<string, string>();
/** The values of all constants that are literals, by file and name. */
const constants = new Map<string, string>();
/** The defaults in the tables, as text of the source. */
const defaults: { readonly option: string; readonly value: string; readonly file: string }[] = [];

function visit(node: ts.Node): void {
  const file = node.getSourceFile().fileName;
  if (ts.isInterfaceDeclaration(node)) {
    for (const member of node.members) {
      const text = ts
        .getJSDocCommentsAndTags(member)
        .map((each) => each.getText())
        .join('\n');
      if (member.name !== undefined) docstrings.set(`${node.name.text}.${member.name.getText()}`, text);
    }
  } else if (ts.isVariableDeclaration(node) && node.initializer !== undefined) {
    constants.set(`${file}:${node.name.getText()}`, node.initializer.getText());
  } else if (ts.isSatisfiesExpression(node) && ts.isObjectLiteralExpression(node.expression)) {
    const table = /^OptionTable<(?:Omit<)?(\w+)/.exec(node.type.getText())?.[1];
    if (table !== undefined) readTable(table, node.expression, file);
  }
  ts.forEachChild(node, visit);
}

function readTable(table: string, { properties }: ts.ObjectLiteralExpression, file: string): void {
  for (const property of properties) {
    if (!ts.isPropertyAssignment(property)) continue;
    const value = defaultIn(property.initializer);
    if (value !== null) defaults.push({ option: `${table}.${property.name.getText()}`, value, file });
  }
}

/** The default in `withDefault(rule, value)`, or in `withHelp(withDefault(rule, value), help)`. */
function defaultIn(rule: ts.Expression): string | null {
  if (!ts.isCallExpression(rule)) return null;
  const called = rule.expression.getText();
  if (called === 'withHelp') return defaultIn(rule.arguments[0]!);
  return called === 'withDefault' ? rule.arguments[1]!.getText() : null;
}

for (const source of sources) visit(source);

/** The value of a simple expression, as a docstring would say it; null for others. */
function spokenValue(text: string, file: string): string | null {
  if (/^(?:true|false|'[^']*'|[\d_]+)$/.test(text)) return text.replaceAll('_', '');
  const product = /^(\d+) \* (\d+)$/.exec(text);
  if (product !== null) return String(Number(product[1]) * Number(product[2]));
  const constant = constants.get(`${file}:${text}`);
  return constant === undefined ? null : spokenValue(constant, file);
}

/** The default that a docstring states; null when it states none in digits, quotes or as a truth value. */
function statedDefault(docstring: string): string | null {
  const text = docstring.replace(/\s*\n\s*\*\s?/g, ' ').replaceAll('`', '');
  const value = "(true|false|'[^']*'|/[\\w/]+|\\d[\\d,.]*\\d|\\d)";
  const match =
    new RegExp(`\\b[Dd]efault(?:s to|:|)\\s+(?:is\\s+)?${value}(?![\\w%])`).exec(text) ??
    new RegExp(`${value}(?:,| is)? (?:by|the|\\(the) default`).exec(text) ??
    new RegExp(`\\(default ${value}\\)`).exec(text);
  const stated = match?.[1]?.replaceAll(',', '');
  // Addresses and paths stand without quotes.
  return stated === undefined ? null : stated.replace(/^([^']*[/.].*)$/, "'$1'");
}

describe('the default of an option', () => {
  const simple = defaults.map((each) => ({ ...each, spoken: spokenValue(each.value, each.file) }));
  const known = simple.filter(({ spoken }) => spoken !== null);

  it('is found in the tables', () => {
    expect(known.length).toBeGreaterThan(20);
  });

  it.each(known)('$option is stated as it is', ({ option, spoken }) => {
    expect(docstrings.get(option)).toBeDefined();
    expect(statedDefault(docstrings.get(option)!)).toBe(spoken);
  });
});
