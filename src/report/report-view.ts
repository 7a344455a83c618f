// What the text of a report shows of its stacks: the records that a user wants to see, without the frames that they do not
// want to see, and with frames outside of the project folded into one line. Reports for machines have all frames, because
// their readers have filters of their own.

import {
  emptyStack,
  type Frame,
  foldStacks,
  isBelow,
  namedFrame,
  quantity,
  rememberedByFrame,
  type Stack,
  StackTree,
} from '../frames/index.ts';
import { type TextMatcher, textMatcher } from '../platform/index.ts';

/** What is shown. Expressions have the meaning of pprof's options of the same names. */
export interface ViewOptions {
  readonly focus?: string;
  readonly ignore?: string;
  readonly hide?: string;
  readonly frames: 'project' | 'all';
  readonly root?: string;
}

/** A stack without what is folded, in progress. */
interface Folding {
  readonly stack: Stack;
  /** The innermost frames, which are outside of the project, outermost first. */
  readonly outside: readonly Frame[];
  /** Whether some frame is in the project. */
  readonly inProject: boolean;
  /** The stack without hidden frames, and with all others. */
  readonly whole: Stack;
}

/** Fewer frames are as short as the line that stands for them. */
const LEAST_FOLD = 2;

export interface ReportView {
  /** Whether the records with this stack are shown. */
  shows(stack: Stack): boolean;
  /** The stack as it is shown. */
  reduced(stack: Stack): Stack;
}

/** The view of one text. */
export function reportView({ focus, ignore, hide, frames, root }: ViewOptions): ReportView {
  const tree = new StackTree();
  const matcher = (option: string, text: string | undefined) => frameMatcher(textMatcher(option, text));
  const [isFocus, isIgnored, isHidden] = [
    matcher('focus', focus),
    matcher('ignore', ignore),
    matcher('hide', hide),
  ];
  const marks = foldStacks({ focused: false, ignored: false }, (outer, frame) => ({
    focused: outer.focused || isFocus === null || isFocus(frame),
    ignored: outer.ignored || (isIgnored?.(frame) ?? false),
  }));
  const isOutside = rememberedByFrame((frame: Frame) => !isOfProject(frame, root));
  const start: Folding = { stack: emptyStack, outside: [], inProject: false, whole: emptyStack };
  const folding = foldStacks(start, (outer, frame): Folding => {
    if (isHidden?.(frame)) return outer;
    const whole = tree.push([frame], outer.whole);
    if (isOutside(frame)) return { ...outer, outside: [...outer.outside, frame], whole };
    return { stack: tree.push([frame], folded(outer)), outside: [], inProject: true, whole };
  });
  const folded = ({ stack, outside }: Pick<Folding, 'stack' | 'outside'>): Stack => {
    if (outside.length < LEAST_FOLD) return tree.push([...outside].reverse(), stack);
    return tree.push([namedFrame(`[${quantity(outside.length, 'frame')} outside of the project]`)], stack);
  };
  // The innermost frame is where memory was allocated or accessed, so it is never folded.
  const withInnermost = ({ stack, outside }: Folding): Stack => {
    const innermost = outside.at(-1);
    if (innermost === undefined) return stack;
    return tree.push([innermost], folded({ stack, outside: outside.slice(0, -1) }));
  };
  const folds = frames === 'project' && root !== undefined;
  return {
    shows: (stack) => {
      if (isFocus === null && isIgnored === null) return true;
      const { focused, ignored } = marks(stack);
      return focused && !ignored;
    },
    reduced: (stack) => {
      if (!folds && isHidden === null) return stack;
      const found = folding(stack);
      return folds && found.inProject ? withInnermost(found) : found.whole;
    },
  };
}

function frameMatcher(matches: TextMatcher | null): ((frame: Frame) => boolean) | null {
  if (matches === null) return null;
  return rememberedByFrame(({ function: name, file }) => matches(name) || matches(file));
}

function isOfProject({ file }: Frame, root: string | undefined): boolean {
  return isBelow(file, root) && !/[/\\]node_modules[/\\]/.test(file);
}
