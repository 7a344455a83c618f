// RE2's regular expressions, by re2js. The package is large and few profiles need it, so it is loaded by the first
// expression.

import { createRequire } from 'node:module';
import type { RE2JS } from 're2js';
import type { LinearExpression } from '../platform/index.ts';

/** Compiles an expression; null when it does not follow RE2's syntax. */
export function linearExpression(expression: string): LinearExpression | null {
  const { RE2JS, RE2JSException } = createRequire(import.meta.url)('re2js') as typeof import('re2js');
  let matcher: RE2JS;
  try {
    matcher = RE2JS.compile(expression);
  } catch (error) {
    if (error instanceof RE2JSException) return null;
    throw error;
  }
  return {
    size: matcher.programSize(),
    matches: (text) => matcher.matches(text),
    finds: (text) => matcher.matcher(text).find(),
  };
}
