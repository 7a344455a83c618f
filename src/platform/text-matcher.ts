// Regular expressions that users write in options. They follow RE2's syntax, as those of pprof do. A browser has no engine
// for it, so there JavaScript's own is used.

import { InvalidArgumentError } from '../errors.ts';
import { platformOrNull } from './holder.ts';
import type { LinearExpression } from './platform.ts';

/** Whether an expression matches some part of a text. */
export type TextMatcher = (text: string) => boolean;

/** An expression that takes linear time; null where there is no engine for it, or the expression is not valid. */
export function linearExpression(expression: string): LinearExpression | null {
  return platformOrNull()?.linearExpression(expression) ?? null;
}

/** The matcher of an expression; null when there is no expression. Throws an InvalidArgumentError that names the option. */
export function textMatcher(option: string, expression: string | undefined): TextMatcher | null {
  if (expression === undefined || expression === '') return null;
  const linear = linearExpression(expression);
  if (linear !== null) return (text) => linear.finds(text);
  try {
    const own = new RegExp(expression);
    return (text) => own.test(text);
  } catch (cause) {
    throw new InvalidArgumentError(option, `${option}: ${expression} is no regular expression.`, { cause });
  }
}
