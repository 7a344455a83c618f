// What the reader has chosen, kept in the URL's fragment, so that a link shows the same and the browser's back button
// works.

export const VIEWS = ['flame', 'table', 'source', 'timeline', 'leaks'] as const;
export type View = (typeof VIEWS)[number];

export interface PageState {
  readonly view: View;
  /** Name of the profile; '' for the first. */
  readonly profile: string;
  /** Sample type; '' for the profile's own choice. */
  readonly type: string;
  /** Expressions with pprof's meaning; '' for none. */
  readonly focus: string;
  readonly ignore: string;
  readonly hide: string;
  /** Whether functions that allocate for their callers are left out of stacks. */
  readonly wrappers: 'hidden' | 'shown';
  /** Labels that samples must have, as `key:value`. */
  readonly labels: readonly string[];
  readonly unit: 'auto' | 'B' | 'kB' | 'MB' | 'GB';
  /** What is searched for in the flame graph. */
  readonly search: string;
  /** The flame graph grows downwards. */
  readonly icicle: boolean;
  /** Function whose callers and callees are shown; '' for none. */
  readonly function: string;
  /** The flame graph tells lines of a function apart. */
  readonly lines: boolean;
  /** Rows of the table. */
  readonly by: 'functions' | 'lines' | 'files';
  readonly sort: 'flat' | 'cum';
  readonly file: string;
  readonly line: number;
  /** Horizontal axis of the timeline. */
  readonly axis: 'allocBytes' | 'time' | 'calls';
  /** Vertical axis of the timeline. */
  readonly height: 'inUseBytes' | 'inUseObjects';
  /** The moments whose difference is shown, as `first-last`; '' for none. */
  readonly span: string;
  /** With a profile to compare with: show the change, or one of both. */
  readonly compare: 'change' | 'new' | 'base';
}

export const INITIAL: PageState = {
  view: 'flame',
  profile: '',
  type: '',
  focus: '',
  ignore: '',
  hide: '',
  wrappers: 'hidden',
  labels: [],
  unit: 'auto',
  search: '',
  icicle: false,
  function: '',
  lines: false,
  by: 'functions',
  sort: 'flat',
  file: '',
  line: 0,
  axis: 'allocBytes',
  height: 'inUseBytes',
  span: '',
  compare: 'change',
};

const CHOICES: { readonly [name in keyof PageState]?: readonly string[] } = {
  view: VIEWS,
  wrappers: ['hidden', 'shown'],
  unit: ['auto', 'B', 'kB', 'MB', 'GB'],
  by: ['functions', 'lines', 'files'],
  sort: ['flat', 'cum'],
  axis: ['allocBytes', 'time', 'calls'],
  height: ['inUseBytes', 'inUseObjects'],
  compare: ['change', 'new', 'base'],
};

/** Reads a fragment. What it does not understand is as at the beginning. */
export function readState(fragment: string): PageState {
  const given = new URLSearchParams(fragment.replace(/^#/, ''));
  const state: Record<string, unknown> = { ...INITIAL };
  for (const [name, initial] of Object.entries(INITIAL)) {
    const text = given.get(name);
    if (text === null) continue;
    const choices = CHOICES[name as keyof PageState];
    if (Array.isArray(initial)) state[name] = given.getAll(name);
    else if (typeof initial === 'boolean') state[name] = text === '1';
    else if (typeof initial === 'number') state[name] = Math.max(0, Math.trunc(Number(text)) || 0);
    else if (choices === undefined || choices.includes(text)) state[name] = text;
  }
  return state as unknown as PageState;
}

/** The fragment of a state: what differs from the beginning. */
export function writeState(state: PageState): string {
  const fragment = new URLSearchParams();
  for (const [name, value] of Object.entries(state)) {
    if (Array.isArray(value)) for (const each of value as readonly string[]) fragment.append(name, each);
    else if (typeof value === 'boolean') {
      if (value) fragment.set(name, '1');
    } else if (value !== INITIAL[name as keyof PageState]) fragment.set(name, String(value));
  }
  return fragment.toString();
}
