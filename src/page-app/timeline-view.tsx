// How the heap grew and shrank. A selected span becomes a difference in the other views.

import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { HeapProfile, type ProfileModel } from '../profile/index.ts';
import type { TimelinePoint } from '../timeline/index.ts';
import { filtered, hiddenWrappers, SHOWN } from './filters.ts';
import { numberOf } from './flame-colors.ts';
import type { ShownMoment, ShownTimeline } from './loaded-page.ts';
import { formatCount, formatValue, shortened } from './numbers.ts';
import type { PageState } from './page-state.ts';
import { type Layer, upperEdges } from './timeline-layers.ts';
import type { ViewProps } from './view-props.ts';

const WIDTH = 1000;
const HEIGHT = 300;
/** Functions that have an area of their own. */
const LAYERS = 6;
/** What a function holds of the heap at some moment at least, to have one. */
const LEAST_SHARE = 0.005;
const AXES = { allocBytes: 'bytes allocated', time: 'time', calls: 'calls' } as const;

export function TimelineView(props: ViewProps) {
  const { timeline } = props.page;
  return (
    <section class="view" aria-label="Timeline">
      {timeline === null || timeline.points.length === 0 ? (
        <p>This page has no timeline. It is recorded with the option timeline, and by heapline run --html.</p>
      ) : (
        <Chart {...props} timeline={timeline} />
      )}
    </section>
  );
}

type ChartProps = ViewProps & { timeline: ShownTimeline };

function Chart({ timeline, ...props }: ChartProps) {
  const { state, choose } = props;
  const { points, peak, moments } = timeline;
  const drawing = useRef<SVGSVGElement>(null);
  const [drag, setDrag] = useState<{ from: number; to: number } | null>(null);
  const layers = useLayers(timeline, state);
  const edges = useEdges(layers, timeline, state);
  const unit = state.height === 'inUseBytes' ? 'bytes' : 'count';
  const least = points[0]![state.axis];
  const most = Math.max(points.at(-1)![state.axis], least + 1);
  const highest = Math.max(peak?.[state.height] ?? 0, ...points.map((point) => point[state.height]), 1);
  const xOf = (value: number): number => ((value - least) / (most - least)) * WIDTH;
  const yOf = (value: number): number => HEIGHT - (value / highest) * HEIGHT;
  const line = points
    .map(
      (point, i) =>
        `${i === 0 ? 'M' : 'L'}${xOf(point[state.axis]).toFixed(1)} ${yOf(point[state.height]).toFixed(1)}`,
    )
    .join('');
  const area = `${line}L${xOf(points.at(-1)![state.axis])} ${HEIGHT}L0 ${HEIGHT}Z`;
  const span = spanOf(state.span, moments.length);
  const valueAt = (event: PointerEvent): number => {
    const box = drawing.current!.getBoundingClientRect();
    return least + Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)) * (most - least);
  };
  const nearest = (value: number): number => closest(moments, state.axis, value);
  const finish = (selection: { from: number; to: number }): void => {
    setDrag(null);
    const [first, last] = [
      nearest(Math.min(selection.from, selection.to)),
      nearest(Math.max(selection.from, selection.to)),
    ];
    if (first !== last && Math.abs(selection.to - selection.from) > (most - least) / 200)
      choose({ span: `${first}-${last}` });
  };
  const marked = drag ?? (span && { from: moments[span[0]]![state.axis], to: moments[span[1]]![state.axis] });
  return (
    <>
      <div class="tools">
        <Choice
          label="Across"
          value={state.axis}
          options={Object.entries(AXES)}
          onChoose={(axis) => choose({ axis: axis as PageState['axis'] })}
        />
        <Choice
          label="Up"
          value={state.height}
          options={[
            ['inUseBytes', 'bytes in use'],
            ['inUseObjects', 'objects in use'],
          ]}
          onChoose={(height) => choose({ height: height as PageState['height'] })}
        />
        {span === null ? null : (
          <button type="button" onClick={() => choose({ span: '' })}>
            No span
          </button>
        )}
      </div>
      <figure class="chart">
        <div class="axis" aria-hidden="true">
          <span>{formatValue(highest, unit, state.unit)}</span>
        </div>
        <svg
          ref={drawing}
          viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={summary(timeline, state)}
          onPointerDown={(event) => {
            if (moments.length < 2) return;
            const from = valueAt(event);
            drawing.current!.setPointerCapture(event.pointerId);
            setDrag({ from, to: from });
          }}
          onPointerMove={(event) => drag !== null && setDrag({ from: drag.from, to: valueAt(event) })}
          onPointerUp={(event) => drag !== null && finish({ from: drag.from, to: valueAt(event) })}
          onPointerCancel={() => setDrag(null)}
        >
          <path d={area} class="area" />
          {layers.map((layer, i) => (
            <path
              key={layer.name}
              class="layer"
              d={layerPath(edges, i, points, state.axis, xOf, yOf)}
              style={{ fill: colorOfLayer(layer.name) }}
            />
          ))}
          <path d={line} class="line" />
          {marked === null ? null : (
            <rect
              class="span"
              x={xOf(Math.min(marked.from, marked.to))}
              y={0}
              width={Math.max(
                1,
                xOf(Math.max(marked.from, marked.to)) - xOf(Math.min(marked.from, marked.to)),
              )}
              height={HEIGHT}
            />
          )}
          {peak === null ? null : (
            <line class="peak" x1={xOf(peak[state.axis])} x2={xOf(peak[state.axis])} y1={0} y2={HEIGHT} />
          )}
          {moments.map((moment, i) => (
            <line
              key={i}
              class="moment"
              x1={xOf(moment[state.axis])}
              x2={xOf(moment[state.axis])}
              y1={HEIGHT - 8}
              y2={HEIGHT}
            />
          ))}
        </svg>
        <div class="axis across" aria-hidden="true">
          <span>{place(least, state)}</span>
          <span>{AXES[state.axis]}</span>
          <span>{place(most, state)}</span>
        </div>
        <figcaption>{summary(timeline, state)}</figcaption>
      </figure>
      {layers.length === 0 ? null : (
        <ul class="legend">
          {layers.map(({ name }) => (
            <li key={name}>
              <span class="swatch" style={{ background: colorOfLayer(name) }} /> {shortened(name, 80)}
            </li>
          ))}
        </ul>
      )}
      {moments.length < 2 ? null : <Span {...props} moments={moments} span={span} />}
      <Points points={points} state={state} />
    </>
  );
}

function Choice({
  label,
  value,
  options,
  onChoose,
}: {
  label: string;
  value: string;
  options: readonly (readonly string[])[];
  onChoose(value: string): void;
}) {
  return (
    <label>
      {label}{' '}
      <select value={value} onChange={(event) => onChoose(event.currentTarget.value)}>
        {options.map(([name, text]) => (
          <option key={name} value={name}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Chooses a span by keyboard. */
function Span({
  state,
  choose,
  moments,
  span,
}: ViewProps & { moments: readonly ShownMoment[]; span: readonly [number, number] | null }) {
  const select = (label: string, chosen: number, change: (index: number) => void) => (
    <label>
      {label}{' '}
      <select value={String(chosen)} onChange={(event) => change(Number(event.currentTarget.value))}>
        {chosen < 0 ? <option value="-1">–</option> : null}
        {moments.map((moment, i) => (
          <option key={i} value={String(i)}>
            {place(moment[state.axis], state)}
          </option>
        ))}
      </select>
    </label>
  );
  const last = moments.length - 1;
  const [from, to] = span ?? [-1, -1];
  return (
    <p class="tools">
      Difference
      {select('from', from, (index) => choose({ span: `${index}-${to > index ? to : last}` }))}
      {select('to', to, (index) => choose({ span: `${from >= 0 && from < index ? from : 0}-${index}` }))}
      {span === null ? (
        <span class="dim">or drag over the picture; the other views then show what changed.</span>
      ) : (
        <button type="button" onClick={() => choose({ view: 'flame' })}>
          Show it as a flame graph
        </button>
      )}
    </p>
  );
}

/** The points as a table, for those who cannot see the picture. */
function Points({ points, state }: { points: readonly TimelinePoint[]; state: PageState }) {
  const step = Math.max(1, Math.floor(points.length / 50));
  const chosen = points.filter((_, i) => i % step === 0 || i === points.length - 1);
  return (
    <details>
      <summary>As a table</summary>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col" class="n">
                Time
              </th>
              <th scope="col" class="n">
                Allocated
              </th>
              <th scope="col" class="n">
                In use
              </th>
              <th scope="col" class="n">
                Objects
              </th>
              <th scope="col" class="n">
                Calls
              </th>
            </tr>
          </thead>
          <tbody>
            {chosen.map((point, i) => (
              <tr key={i}>
                <td class="n">{duration(point.time)}</td>
                <td class="n">{formatValue(point.allocBytes, 'bytes', state.unit)}</td>
                <td class="n">{formatValue(point.inUseBytes, 'bytes', state.unit)}</td>
                <td class="n">{formatCount(point.inUseObjects)}</td>
                <td class="n">{formatCount(point.calls)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

function summary({ points, peak }: ShownTimeline, state: PageState): string {
  const last = points.at(-1)!;
  const unit = state.height === 'inUseBytes' ? 'bytes' : 'count';
  const now = `${formatValue(last[state.height], unit, state.unit)} ${unit === 'bytes' ? '' : 'objects '}in use at the end`;
  if (peak === null) return now;
  return `Peak: ${formatValue(peak.inUseBytes, 'bytes', state.unit)} in ${formatCount(peak.inUseObjects)} objects at ${place(peak[state.axis], state)}; ${now}.`;
}

function place(value: number, { axis, unit }: PageState): string {
  if (axis === 'time') return duration(value);
  return axis === 'calls' ? `call ${formatCount(value)}` : `${formatValue(value, 'bytes', unit)} allocated`;
}

function duration(milliseconds: number): string {
  return milliseconds < 1000 ? `${milliseconds.toFixed(1)} ms` : `${(milliseconds / 1000).toFixed(2)} s`;
}

/** The moments of a span, if there are such. */
export function spanOf(span: string, moments: number): readonly [number, number] | null {
  const match = /^(\d+)-(\d+)$/.exec(span);
  if (match === null) return null;
  const [from, to] = [Number(match[1]), Number(match[2])];
  return from < to && to < moments ? [from, to] : null;
}

function closest(moments: readonly ShownMoment[], axis: PageState['axis'], value: number): number {
  let best = 0;
  moments.forEach((moment, i) => {
    if (Math.abs(moment[axis] - value) < Math.abs(moments[best]![axis] - value)) best = i;
  });
  return best;
}

/** The functions that held most, over all moments, and the rest. */
function useLayers({ moments }: ShownTimeline, state: PageState): readonly Layer[] {
  const [layers, setLayers] = useState<readonly Layer[]>([]);
  useEffect(() => {
    let current = true;
    void layersOf(moments, state).then((made) => current && setLayers(made));
    return () => {
      current = false;
    };
  }, [moments, state.height, state.focus, state.ignore, state.hide, state.labels, state.wrappers]);
  return useMemo(() => layers.filter(({ shares }) => shares.length === moments.length), [layers, moments]);
}

function useEdges(
  layers: readonly Layer[],
  { points, moments }: ShownTimeline,
  { height }: PageState,
): readonly (readonly number[])[] {
  return useMemo(() => {
    const clocks = moments.map(({ allocBytes }) => allocBytes);
    const sized = points.map((point) => ({ clock: point.allocBytes, size: point[height] }));
    return upperEdges(layers, clocks, sized);
  }, [layers, points, moments, height]);
}

async function layersOf(moments: readonly ShownMoment[], state: PageState): Promise<Layer[]> {
  const sampleType = state.height === 'inUseBytes' ? 'inuse_space' : 'inuse_objects';
  const heldAt: Map<string, number>[] = [];
  const most = new Map<string, number>();
  const models: ProfileModel[] = [];
  for (const moment of moments) models.push(await moment.model());
  const hidden = hiddenWrappers(models, state.wrappers);
  for (const model of models) {
    const profile = new HeapProfile(filtered(model, state, hidden));
    if (!profile.sampleTypes.some(({ type }) => type === sampleType)) return [];
    const whole = Math.max(new HeapProfile(model).total(sampleType), 1);
    const held = new Map<string, number>();
    for (const row of profile.topRows({ sampleType, granularity: 'functions', wrappers: SHOWN })) {
      const share = row.flat / whole;
      held.set(row.function, share);
      most.set(row.function, Math.max(most.get(row.function) ?? 0, share));
    }
    heldAt.push(held);
  }
  return [...most]
    .filter(([, share]) => share >= LEAST_SHARE)
    .sort((a, b) => b[1] - a[1])
    .slice(0, LAYERS)
    .map(([name]) => ({ name, shares: heldAt.map((held) => held.get(name) ?? 0) }));
}

/** The area of a layer. @param edges upper edges of all layers */
function layerPath(
  edges: readonly (readonly number[])[],
  index: number,
  points: readonly TimelinePoint[],
  axis: PageState['axis'],
  xOf: (value: number) => number,
  yOf: (value: number) => number,
): string {
  const at = (edge: readonly number[] | undefined, point: number): string =>
    `${xOf(points[point]![axis]).toFixed(1)} ${yOf(edge?.[point] ?? 0).toFixed(1)}`;
  const forth = points.map((_, i) => at(edges[index], i));
  const back = points.map((_, i) => at(edges[index - 1], i)).reverse();
  return `M${[...forth, ...back].join('L')}Z`;
}

function colorOfLayer(name: string): string {
  return `hsl(${Math.round(numberOf(name) * 360)} 55% 58%)`;
}
