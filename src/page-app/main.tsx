// The page: what is chosen, the bar with the choices, and the view.

import { Component, type ComponentChildren, render } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { ProfileModel } from '../profile/index.ts';
import { expressionError } from './filters.ts';
import { FlameView } from './flame-view.tsx';
import { LeaksView } from './leaks-view.tsx';
import { watch } from './live-page.ts';
import { dataOf, type LoadedPage, loadPage, pageOfFile, readProfile } from './loaded-page.ts';
import { formatChange, formatValue, shortened } from './numbers.ts';
import type { PageData } from './page-data.ts';
import { INITIAL, type PageState, readState, VIEWS, type View, writeState } from './page-state.ts';
import { ShownProfile } from './shown-profile.ts';
import { SourceView } from './source-view.tsx';
import { STYLE } from './style.ts';
import { TableView } from './table-view.tsx';
import { spanOf, TimelineView } from './timeline-view.tsx';
import type { ViewProps } from './view-props.ts';

const TITLES: Readonly<Record<View, string>> = {
  flame: 'Flame graph',
  table: 'Table',
  source: 'Source',
  timeline: 'Timeline',
  leaks: 'Leaks',
};

/** Milliseconds after the last letter until the fragment has a text. Browsers limit how often it may change. */
const QUIET = 250;

/** What the fragment says, and a function that changes it. Changes of text replace the entry in the history. */
function useFragment(): [PageState, (change: Partial<PageState>) => void] {
  const [state, setState] = useState(() => readState(location.hash));
  const current = useRef(state);
  /** The timer that writes what is being typed; 0 for none. */
  const typing = useRef(0);
  const stopTyping = (): void => {
    clearTimeout(typing.current);
    typing.current = 0;
  };
  const replace = (): void => {
    stopTyping();
    history.replaceState(null, '', `#${writeState(current.current)}`);
  };
  useEffect(() => {
    const look = (): void => {
      stopTyping();
      current.current = readState(location.hash);
      setState(current.current);
    };
    addEventListener('popstate', look);
    addEventListener('hashchange', look);
    return () => {
      removeEventListener('popstate', look);
      removeEventListener('hashchange', look);
    };
  }, []);
  const choose = (change: Partial<PageState>): void => {
    const next = { ...current.current, ...change };
    const isTyping = ['search', 'focus', 'ignore', 'hide'].some((name) => name in change);
    if (isTyping) {
      stopTyping();
      typing.current = window.setTimeout(replace, QUIET);
    } else {
      if (typing.current !== 0) replace();
      history.pushState(null, '', `#${writeState(next)}`);
    }
    current.current = next;
    setState(next);
  };
  return [state, choose];
}

/** The profile that the choices ask for. */
function useShown(
  page: LoadedPage,
  mark: ProfileModel | null,
  state: PageState,
): { shown: ShownProfile | null; problem: string } {
  const [models, setModels] = useState<{ now: ProfileModel; before: ProfileModel | null } | null>(null);
  const [problem, setProblem] = useState('');
  const { profile, span, compare } = state;
  useEffect(() => {
    let current = true;
    chosenModels(page, mark, { profile, span, compare }).then(
      (chosen) => {
        if (!current) return;
        setModels(chosen);
        setProblem('');
      },
      (error: Error) => current && setProblem(error.message),
    );
    return () => {
      current = false;
    };
  }, [page, mark, profile, span, compare]);
  const { type, focus, ignore, hide, wrappers } = state;
  const labels = state.labels.join('\n');
  const made = useMemo((): { shown: ShownProfile | null; problem: string } => {
    if (models === null) return { shown: null, problem: '' };
    try {
      const filters = { focus, ignore, hide, labels: state.labels };
      return { shown: new ShownProfile(models.now, models.before, filters, type, wrappers), problem: '' };
    } catch (error) {
      return { shown: null, problem: (error as Error).message };
    }
  }, [models, type, focus, ignore, hide, labels, wrappers]);
  return { shown: made.shown, problem: problem || made.problem };
}

async function chosenModels(
  page: LoadedPage,
  mark: ProfileModel | null,
  state: Pick<PageState, 'profile' | 'span' | 'compare'>,
) {
  const span = spanOf(state.span, page.timeline?.moments.length ?? 0);
  if (span !== null) {
    const [first, last] = span.map((index) => page.timeline!.moments[index]!);
    return { before: await first!.model(), now: await last!.model() };
  }
  const found = page.profiles.find(({ name }) => name === state.profile) ?? page.profiles[0];
  if (found === undefined) {
    // A live page waits for its first profile.
    throw new Error(page.isLive ? '' : 'This page has no profile. Drop one onto it, in the format of pprof.');
  }
  const now = await found.model();
  const base = mark ?? (found === page.profiles[0] && page.base !== null ? await page.base.model() : null);
  if (base === null || state.compare === 'new') return { now, before: null };
  return state.compare === 'base' ? { now: base, before: null } : { now, before: base };
}

function App({ data }: { data: PageData }) {
  const [page, setPage] = useState<LoadedPage>(() => loadPage(data));
  const [state, choose] = useFragment();
  const [mark, setMark] = useState<ProfileModel | null>(null);
  const [notice, setNotice] = useState('');
  const live = useLive(data, page, setPage, setNotice);
  useDroppedFiles(page, setPage, setNotice);
  const { shown, problem } = useShown(page, mark, state);
  const props = shown && { page, shown, state, choose };
  const views = VIEWS.filter((view) =>
    view === 'timeline' ? page.timeline !== null : view === 'leaks' ? page.report !== null : true,
  );
  return (
    <>
      <header>
        <h1>{shortened(page.title, 120)}</h1>
        {shown === null ? null : <Total shown={shown} state={state} />}
        {live === null ? null : (
          <p class="actions live">
            <button type="button" aria-pressed={live.paused} onClick={() => live.setPaused(!live.paused)}>
              {live.paused ? 'Go on' : 'Pause'}
            </button>
            <button type="button" onClick={() => live.model !== null && setMark(live.model)}>
              Mark
            </button>
            {mark === null ? null : (
              <button type="button" onClick={() => setMark(null)}>
                Remove the mark
              </button>
            )}
          </p>
        )}
        <nav aria-label="Views">
          {views.map((view) => (
            <a
              key={view}
              href={`#${writeState({ ...state, view })}`}
              aria-current={state.view === view ? 'page' : undefined}
              onClick={(event) => {
                event.preventDefault();
                choose({ view });
              }}
            >
              {TITLES[view]}
            </a>
          ))}
        </nav>
      </header>
      <main>
        {notice === '' ? null : (
          <p class="warning" role="alert">
            {notice}{' '}
            <button type="button" onClick={() => setNotice('')}>
              Close
            </button>
          </p>
        )}
        {problem === '' ? null : (
          <p class="warning" role="alert">
            {problem}
          </p>
        )}
        {props === null ? (
          problem === '' ? (
            <p class="dim">Reading the profile…</p>
          ) : null
        ) : (
          <>
            <Choices {...props} compared={mark !== null || page.base !== null} />
            {props.shown.showsDropped ? (
              <p class="warning">
                This profile names frames to leave out by an expression that pages cannot use, so all frames
                are shown. heapline view FILE leaves them out.
              </p>
            ) : null}
            <Guarded key={`${state.view} ${state.file}`}>
              <ChosenView {...props} />
            </Guarded>
          </>
        )}
      </main>
      <footer class="dim">
        Drop a profile of pprof's format onto this page to look at it. Nothing leaves the page.
      </footer>
    </>
  );
}

function ChosenView(props: ViewProps) {
  switch (props.state.view) {
    case 'table':
      return <TableView {...props} />;
    case 'source':
      return <SourceView {...props} />;
    case 'timeline':
      return <TimelineView {...props} />;
    case 'leaks':
      return <LeaksView {...props} />;
    default:
      return <FlameView {...props} />;
  }
}

/** Says why a view cannot be shown, and keeps the rest of the page. */
class Guarded extends Component<{ children: ComponentChildren }, { problem: string }> {
  override state = { problem: '' };

  override componentDidCatch(error: Error): void {
    this.setState({ problem: error.message });
  }

  override render() {
    return this.state.problem === '' ? (
      this.props.children
    ) : (
      <p class="warning" role="alert">
        This view cannot be shown: {this.state.problem}
      </p>
    );
  }
}

function Total({ shown, state }: { shown: ShownProfile; state: PageState }) {
  const value = formatValue(shown.total, shown.unit, state.unit);
  const { before } = shown.tree;
  return (
    <p class="total">
      {shown.sampleType.type}: <strong>{value}</strong>
      {before === null || shown.totalBefore === 0 ? null : (
        <>
          {' '}
          ({formatChange(shown.total - shown.totalBefore, shown.unit, state.unit)} since the base,{' '}
          <span class="key shrunk">less</span> <span class="key grown">more</span>)
        </>
      )}
    </p>
  );
}

/** What applies to all views. */
function Choices({
  page,
  shown,
  state,
  choose,
  compared,
}: {
  page: LoadedPage;
  shown: ShownProfile;
  state: PageState;
  compared: boolean;
  choose(change: Partial<PageState>): void;
}) {
  const expression = (name: 'focus' | 'ignore' | 'hide', label: string) => {
    const error = state[name] === '' ? null : expressionError(state[name]);
    return (
      <label>
        {label}{' '}
        <input
          type="text"
          value={state[name]}
          spellcheck={false}
          aria-invalid={error !== null}
          title={error ?? undefined}
          onInput={(event) => choose({ [name]: event.currentTarget.value })}
        />
      </label>
    );
  };
  const isFiltered =
    state.focus !== '' ||
    state.ignore !== '' ||
    state.hide !== '' ||
    state.labels.length > 0 ||
    state.span !== '';
  return (
    <form class="tools choices" onSubmit={(event) => event.preventDefault()} aria-label="What is shown">
      {page.profiles.length < 2 ? null : (
        <label>
          Profile{' '}
          <select
            value={state.profile || page.profiles[0]!.name}
            onChange={(event) => choose({ profile: event.currentTarget.value, type: '' })}
          >
            {page.profiles.map(({ name, label }) => (
              <option key={name} value={name}>
                {label}
              </option>
            ))}
          </select>
        </label>
      )}
      <label>
        Value{' '}
        <select
          value={shown.sampleType.type}
          onChange={(event) => choose({ type: event.currentTarget.value })}
        >
          {shown.sampleTypes.map(({ type }) => (
            <option key={type} value={type}>
              {type}
            </option>
          ))}
        </select>
      </label>
      {compared ? (
        <label>
          Compare{' '}
          <select
            value={state.compare}
            onChange={(event) => choose({ compare: event.currentTarget.value as PageState['compare'] })}
          >
            <option value="change">change</option>
            <option value="new">new</option>
            <option value="base">base</option>
          </select>
        </label>
      ) : null}
      <label>
        Unit{' '}
        <select
          value={state.unit}
          onChange={(event) => choose({ unit: event.currentTarget.value as PageState['unit'] })}
        >
          {['auto', 'B', 'kB', 'MB', 'GB'].map((unit) => (
            <option key={unit} value={unit}>
              {unit}
            </option>
          ))}
        </select>
      </label>
      {[...shown.labels].map(([key, values]) => (
        <label key={key}>
          {shortened(key, 40)}{' '}
          <select
            value={state.labels.find((label) => label.startsWith(`${key}:`)) ?? ''}
            onChange={(event) => {
              const others = state.labels.filter((label) => !label.startsWith(`${key}:`));
              const { value } = event.currentTarget;
              choose({ labels: value === '' ? others : [...others, value] });
            }}
          >
            <option value="">all</option>
            {values.slice(0, 500).map((value) => (
              <option key={value} value={`${key}:${value}`}>
                {shortened(value, 80)}
              </option>
            ))}
          </select>
        </label>
      ))}
      {expression('focus', 'Focus')}
      {expression('ignore', 'Ignore')}
      {expression('hide', 'Hide')}
      {shown.wrappers.length === 0 ? null : (
        <label title={shortened(`These allocate for their callers: ${shown.wrappers.join(', ')}`, 1000)}>
          Allocation wrappers{' '}
          <select
            value={state.wrappers}
            onChange={(event) => choose({ wrappers: event.currentTarget.value as PageState['wrappers'] })}
          >
            <option value="hidden">hidden</option>
            <option value="shown">shown</option>
          </select>
        </label>
      )}
      {isFiltered ? (
        <button
          type="button"
          onClick={() => choose({ focus: '', ignore: '', hide: '', labels: INITIAL.labels, span: '' })}
        >
          Clear
        </button>
      ) : null}
    </form>
  );
}

/** Asks a running program again and again; null for a page that is a file. */
function useLive(
  data: PageData,
  page: LoadedPage,
  setPage: (page: LoadedPage) => void,
  tell: (text: string) => void,
) {
  const [paused, setPaused] = useState(false);
  const [model, setModel] = useState<ProfileModel | null>(null);
  const isPaused = useRef(false);
  isPaused.current = paused;
  useEffect(() => {
    if (data.live === null) return undefined;
    return watch(
      data.live,
      page,
      () => isPaused.current,
      (seen) => {
        setPage(seen.page);
        setModel(seen.model);
        tell('');
      },
      (error) => tell(`The program cannot be reached: ${error.message}`),
    );
  }, []);
  return data.live === null ? null : { paused, setPaused, model };
}

/** Shows profiles that are dropped onto the page. */
function useDroppedFiles(
  page: LoadedPage,
  setPage: (page: LoadedPage) => void,
  tell: (text: string) => void,
): void {
  useEffect(() => {
    const over = (event: DragEvent): void => event.preventDefault();
    const drop = async (event: DragEvent): Promise<void> => {
      event.preventDefault();
      const file = event.dataTransfer?.files[0];
      if (file === undefined) return;
      try {
        const model = await readProfile(new Uint8Array(await file.arrayBuffer()));
        setPage(pageOfFile(page, file.name, model));
        tell('');
      } catch (error) {
        tell(`${file.name} cannot be shown: ${(error as Error).message}`);
      }
    };
    addEventListener('dragover', over);
    addEventListener('drop', drop);
    return () => {
      removeEventListener('dragover', over);
      removeEventListener('drop', drop);
    };
  }, [page]);
}

function start(): void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);
  document.adoptedStyleSheets = [sheet];
  const root = document.getElementById('heapline')!;
  try {
    const data = dataOf(document);
    render(<App data={data} />, root);
  } catch (error) {
    root.textContent = `This page cannot be shown: ${(error as Error).message}`;
  }
}

start();
