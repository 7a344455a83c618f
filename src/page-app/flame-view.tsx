// The flame graph: drawing, zooming, panning and searching by mouse, touch and keyboard, and what is known of the
// selected frame.

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { FlamePainter, nodeAt, ROW } from './flame-canvas.ts';
import { colorsOf, DARK, LIGHT } from './flame-colors.ts';
import { layOut, type Range } from './flame-layout.ts';
import { FlameNode, groupingOf, pathOf } from './flame-node.ts';
import { search } from './frame-tree.ts';
import { formatChange, formatPercent, formatValue, shortened } from './numbers.ts';
import type { ViewProps } from './view-props.ts';

const LONGEST_ANIMATION = 180;
/** Pixels of the border around a graph. */
const BORDER = 1;

export function FlameView(props: ViewProps) {
  const { shown, state } = props;
  const { tree } = shown;
  const grouping = useMemo(() => groupingOf(tree, state.lines), [tree, state.lines]);
  const found = useMemo(
    () => (state.search === '' ? null : search(tree, state.search)),
    [tree, state.search],
  );
  const key = useMemo(() => keyOfFunction(grouping, state.function), [grouping, state.function]);
  const whole = useMemo(() => FlameNode.root(grouping), [grouping]);
  const callers = useMemo(() => (key < 0 ? null : FlameNode.of(grouping, key, true)), [grouping, key]);
  const callees = useMemo(() => (key < 0 ? null : FlameNode.of(grouping, key, false)), [grouping, key]);
  return (
    <section class="view flame" aria-label="Flame graph">
      <Tools {...props} found={found?.total ?? null} />
      {callers !== null && callees !== null ? (
        <>
          <h3>Callers of {shortened(state.function)}</h3>
          <Graph {...props} root={callers} upwards found={found?.found ?? null} />
          <h3>What it calls</h3>
          <Graph {...props} root={callees} upwards={false} found={found?.found ?? null} />
        </>
      ) : (
        <Graph {...props} root={whole} upwards={!state.icicle} found={found?.found ?? null} />
      )}
    </section>
  );
}

function keyOfFunction({ tree, keyOf }: ReturnType<typeof groupingOf>, name: string): number {
  if (name === '') return -1;
  const place = tree.places.findIndex((each) => each.name === name);
  return place < 0 ? -1 : keyOf[place]!;
}

function Tools({ shown, state, choose, found }: ViewProps & { found: number | null }) {
  return (
    <div class="tools">
      <label>
        Search{' '}
        <input
          type="search"
          value={state.search}
          placeholder="function or file"
          onInput={(event) => choose({ search: event.currentTarget.value })}
        />
      </label>
      <output class="found" aria-live="polite">
        {found === null
          ? ''
          : `${formatValue(found, shown.unit, state.unit)}, ${formatPercent(found, shown.total)} in what was found`}
      </output>
      <label>
        <input type="checkbox" checked={state.icicle} onChange={() => choose({ icicle: !state.icicle })} />{' '}
        root on top
      </label>
      <label>
        <input type="checkbox" checked={state.lines} onChange={() => choose({ lines: !state.lines })} /> lines
        apart
      </label>
      {state.function === '' ? null : (
        <button type="button" onClick={() => choose({ function: '' })}>
          whole graph
        </button>
      )}
    </div>
  );
}

interface GraphProps extends ViewProps {
  readonly root: FlameNode;
  readonly upwards: boolean;
  readonly found: Uint8Array | null;
}

function Graph({ root, upwards, found, ...props }: GraphProps) {
  const { shown } = props;
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(800);
  const [range, setRange] = useState<Range>({ from: 0, to: root.width });
  const [selected, select] = useState<FlameNode | null>(null);
  const [hovered, hover] = useState<{ node: FlameNode; x: number; y: number } | null>(null);
  const dark = useDark();
  useEffect(() => {
    setRange({ from: 0, to: root.width });
    select(null);
    hover(null);
  }, [root]);
  useEffect(() => {
    const element = box.current!;
    const observer = new ResizeObserver(() => setWidth(Math.max(100, element.clientWidth)));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const ratio = window.devicePixelRatio || 1;
  const layout = useMemo(
    () => layOut(root, range, Math.round(width * ratio), ratio),
    [root, range, width, ratio],
  );
  const depth = layout.rows;
  const height = Math.min(depth, 60) * ROW;
  const [top, setTop] = useState(0);
  const most = Math.max(0, depth - Math.floor(height / ROW));
  const palette = dark ? DARK : LIGHT;
  const colors = useMemo(() => colorsOf(shown.tree.places, palette), [shown.tree, palette]);
  const seenTop = Math.min(top, most);
  const painter = useRef<FlamePainter | null>(null);
  const tallest = useRef(0);
  tallest.current = Math.max(tallest.current, height);
  useLayoutEffect(() => {
    painter.current ??= new FlamePainter(canvas.current!);
    const { compared } = shown;
    const scene = { layout, top: seenTop, upwards, selected, compared, found, palette, colors };
    painter.current.draw(scene, { width, height }, ratio, tallest.current);
  }, [layout, height, seenTop, upwards, selected, found, colors, shown]);
  const zoom = useAnimatedRange(range, setRange);
  const zoomTo = (node: FlameNode): void => zoom({ from: node.start, to: node.start + node.width });
  const at = (event: { offsetX: number; offsetY: number }) =>
    nodeAt({ root, range, top: seenTop, upwards }, { width, height }, event.offsetX, event.offsetY);
  const moves = useGestures(canvas, {
    range,
    width,
    whole: root.width,
    setRange,
    scrollRows: (rows) => setTop(Math.max(0, Math.min(most, seenTop + rows))),
    canScroll: most > 0,
    upwards,
  });
  const onKeyDown = (event: KeyboardEvent): void => {
    const next = keyTarget(event.key, selected ?? root, upwards);
    if (next !== null) {
      select(next);
      if (next.start < range.from || next.start + next.width > range.to) zoomTo(next.parent ?? next);
      const row = next.depth;
      if (row < seenTop) setTop(row);
      else if (row >= seenTop + Math.floor(height / ROW)) setTop(row - Math.floor(height / ROW) + 1);
    } else if (event.key === 'Enter' && selected !== null) zoomTo(selected);
    else if (event.key === 'Escape') {
      zoom({ from: 0, to: root.width });
      select(null);
    } else return;
    event.preventDefault();
  };
  return (
    <div>
      <div class="graph" ref={box} style={{ height: `${height + 2 * BORDER}px` }}>
        <canvas
          ref={canvas}
          tabIndex={0}
          role="application"
          aria-label="Flame graph. Arrow keys select a frame, Enter zooms to it, Escape shows all."
          style={{ width: `${width}px`, height: `${tallest.current}px` }}
          onClick={(event) => {
            if (moves.wasDragged()) return;
            const node = at(event);
            if (node === null) return;
            if (node === selected || node.depth < 1) zoomTo(node);
            select(node);
          }}
          onDblClick={(event) => {
            const node = at(event);
            if (node !== null) zoomTo(node);
          }}
          onMouseMove={(event) => {
            const node = at(event);
            hover(node && { node, x: event.offsetX, y: event.offsetY });
          }}
          onMouseLeave={() => hover(null)}
          onKeyDown={onKeyDown}
        />
        {hovered === null ? null : (
          <Hint {...props} node={hovered.node} x={hovered.x} y={hovered.y} width={width} />
        )}
      </div>
      <p class="dim hint">
        {depth > height / ROW ? 'Scroll with Shift for more rows. ' : ''}Scroll with Ctrl to zoom, drag to
        move. A click selects a frame, a second one zooms to it.
      </p>
      <Selected
        {...props}
        node={selected}
        zoomTo={zoomTo}
        reset={() => zoom({ from: 0, to: root.width })}
        isZoomed={range.from > 0 || range.to < root.width}
      />
    </div>
  );
}

function keyTarget(key: string, from: FlameNode, upwards: boolean): FlameNode | null {
  const inner = upwards ? 'ArrowUp' : 'ArrowDown';
  const outer = upwards ? 'ArrowDown' : 'ArrowUp';
  if (key === inner) return from.children[0] ?? from;
  if (key === outer) return from.parent ?? from;
  if (key !== 'ArrowLeft' && key !== 'ArrowRight') return null;
  const siblings = from.parent?.children ?? [from];
  return siblings[siblings.indexOf(from) + (key === 'ArrowRight' ? 1 : -1)] ?? from;
}

/** Moves to a range in small steps, unless the reader wants no motion. */
function useAnimatedRange(range: Range, setRange: (range: Range) => void): (to: Range) => void {
  const frame = useRef(0);
  return (to) => {
    cancelAnimationFrame(frame.current);
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) {
      setRange(to);
      return;
    }
    const began = performance.now();
    const step = (now: number): void => {
      const share = Math.min(1, (now - began) / LONGEST_ANIMATION);
      const eased = 1 - (1 - share) ** 3;
      setRange({
        from: range.from + (to.from - range.from) * eased,
        to: range.to + (to.to - range.to) * eased,
      });
      if (share < 1) frame.current = requestAnimationFrame(step);
    };
    frame.current = requestAnimationFrame(step);
  };
}

interface GestureSettings {
  readonly range: Range;
  readonly width: number;
  readonly whole: number;
  readonly canScroll: boolean;
  readonly upwards: boolean;
  setRange(range: Range): void;
  scrollRows(rows: number): void;
}

/** Wheel and drag. */
function useGestures(canvas: { current: HTMLCanvasElement | null }, settings: GestureSettings) {
  const current = useRef(settings);
  current.current = settings;
  const dragged = useRef(false);
  useEffect(() => {
    const element = canvas.current!;
    const onWheel = (event: WheelEvent): void => {
      const { range, width, whole, canScroll, upwards, setRange, scrollRows } = current.current;
      const isSideways = Math.abs(event.deltaX) > Math.abs(event.deltaY);
      if (event.ctrlKey || event.metaKey) {
        const at = range.from + (event.offsetX / width) * (range.to - range.from);
        setRange(scaled(range, at, 1.0015 ** event.deltaY, whole));
      } else if (isSideways) setRange(moved(range, (event.deltaX / width) * (range.to - range.from), whole));
      else if (event.shiftKey && canScroll) scrollRows(Math.sign(event.deltaY) * (upwards ? -2 : 2));
      else return;
      event.preventDefault();
    };
    const onDown = (down: PointerEvent): void => {
      if (down.button !== 0) return;
      dragged.current = false;
      const { range } = current.current;
      const onMove = (move: PointerEvent): void => {
        const { width, whole, setRange } = current.current;
        const pixels = down.clientX - move.clientX;
        if (Math.abs(pixels) > 3) dragged.current = true;
        if (dragged.current) setRange(moved(range, (pixels / width) * (range.to - range.from), whole));
      };
      const onUp = (): void => {
        removeEventListener('pointermove', onMove);
        removeEventListener('pointerup', onUp);
        removeEventListener('pointercancel', onUp);
      };
      addEventListener('pointermove', onMove);
      addEventListener('pointerup', onUp);
      addEventListener('pointercancel', onUp);
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    element.addEventListener('pointerdown', onDown);
    return () => {
      element.removeEventListener('wheel', onWheel);
      element.removeEventListener('pointerdown', onDown);
    };
  }, []);
  return { wasDragged: () => dragged.current };
}

function scaled({ from, to }: Range, at: number, factor: number, whole: number): Range {
  const width = Math.min(whole, Math.max(whole * 1e-9, (to - from) * factor));
  return within(at - ((at - from) / (to - from || 1)) * width, width, whole);
}

function moved({ from, to }: Range, by: number, whole: number): Range {
  return within(from + by, to - from, whole);
}

function within(from: number, width: number, whole: number): Range {
  const start = Math.max(0, Math.min(whole - width, from));
  return { from: start, to: start + width };
}

/** Whether the page is dark now. */
function useDark(): boolean {
  const [query] = useState(() => matchMedia('(prefers-color-scheme: dark)'));
  const [dark, setDark] = useState(query.matches);
  useEffect(() => {
    const look = (): void => setDark(query.matches);
    query.addEventListener('change', look);
    return () => query.removeEventListener('change', look);
  }, []);
  return dark;
}

interface NodeProps extends ViewProps {
  readonly node: FlameNode;
}

/** What a node holds, in words. */
function amount({ shown, state }: ViewProps, node: FlameNode): string {
  const value = formatValue(node.now, shown.unit, state.unit);
  if (!shown.compared) return `${value}, ${formatPercent(node.now, shown.tree.now.total[0]!)}`;
  const before = formatValue(node.before, shown.unit, state.unit);
  return `${formatChange(node.now - node.before, shown.unit, state.unit)} (before: ${before}, now: ${value})`;
}

function Hint({ node, x, y, width, ...props }: NodeProps & { x: number; y: number; width: number }) {
  const { place } = node;
  const left = Math.min(x + 12, Math.max(0, width - 330));
  return (
    <div class="tooltip" style={{ left: `${left}px`, top: `${y + 16}px` }} aria-hidden="true">
      <strong>{place === null ? 'all' : shortened(place.name)}</strong>
      <br />
      {amount(props, node)}
    </div>
  );
}

interface SelectedProps extends ViewProps {
  readonly node: FlameNode | null;
  readonly isZoomed: boolean;
  zoomTo(node: FlameNode): void;
  reset(): void;
}

function Selected({ node, zoomTo, reset, isZoomed, ...props }: SelectedProps) {
  const { shown, state, choose } = props;
  const place = node?.place ?? null;
  return (
    <div class="selected">
      <div aria-live="polite">
        {node === null ? (
          <p class="dim">No frame is selected.</p>
        ) : (
          <>
            <h3>
              {place === null ? 'all' : shortened(place.name)}{' '}
              {place?.inlined ? <span class="tag">inlined</span> : null}
            </h3>
            <p>
              {amount(props, node)}; itself {formatValue(node.self, shown.unit, state.unit)}
            </p>
            {place !== null && place.file !== '' ? (
              <p class="dim place">
                {props.page.shownPath(place.file)}
                {place.line > 0 && state.lines ? `:${place.line}` : ''}
              </p>
            ) : null}
          </>
        )}
      </div>
      <p class="actions">
        {isZoomed ? (
          <button type="button" onClick={reset}>
            Show all
          </button>
        ) : null}
        {node === null || place === null ? null : (
          <>
            <button type="button" onClick={() => zoomTo(node)}>
              Zoom
            </button>
            <button type="button" onClick={() => choose({ function: place.name })}>
              Callers and callees
            </button>
            {place.file === '' ? null : (
              <button
                type="button"
                onClick={() => choose({ view: 'source', file: place.file, line: place.line })}
              >
                Source
              </button>
            )}
            <button type="button" onClick={() => choose({ focus: exactly(place.name) })}>
              Focus
            </button>
            <button type="button" onClick={() => choose({ ignore: exactly(place.name) })}>
              Ignore
            </button>
            <button type="button" onClick={() => choose({ hide: exactly(place.name) })}>
              Hide
            </button>
          </>
        )}
      </p>
      {node === null ? null : (
        <details>
          <summary>Stack</summary>
          <ol class="stack">
            {pathOf(node)
              .slice(1)
              .reverse()
              .slice(0, 200)
              .map((each) => (
                <li key={each.depth}>{shortened(each.place?.name ?? '')}</li>
              ))}
          </ol>
        </details>
      )}
    </div>
  );
}

/** An expression that matches this name alone. */
export function exactly(name: string): string {
  return `^${name.slice(0, 400).replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')}${name.length > 400 ? '' : '$'}`;
}
