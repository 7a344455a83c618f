// The table of functions, lines or files.

import { useMemo } from 'preact/hooks';
import { formatChange, formatCount, formatPercent, formatValue, shortened } from './numbers.ts';
import type { PageState } from './page-state.ts';
import type { ShownRow } from './shown-profile.ts';
import type { ViewProps } from './view-props.ts';
import { useVirtualRows } from './virtual-rows.ts';

const ROW = 28;

export function TableView({ page, shown, state, choose }: ViewProps) {
  const rows = useMemo(() => shown.rows(state.by, state.sort), [shown, state.by, state.sort]);
  const seen = useVirtualRows(rows.length, ROW);
  const objects = rows.some((row) => row.flatObjects !== null);
  const header = (sort: PageState['sort'], text: string) => (
    <th scope="col" class="n" aria-sort={state.sort === sort ? 'descending' : 'none'}>
      <button type="button" onClick={() => choose({ sort })}>
        {text}
        {state.sort === sort ? ' ▾' : ''}
      </button>
    </th>
  );
  return (
    <section class="view" aria-label="Table">
      <div class="tools">
        <label>
          One row for each{' '}
          <select
            value={state.by}
            onChange={(event) => choose({ by: event.currentTarget.value as PageState['by'] })}
          >
            <option value="functions">function</option>
            <option value="lines">line</option>
            <option value="files">file</option>
          </select>
        </label>
        <span class="dim">{formatCount(rows.length)} rows</span>
      </div>
      <section class="scroll rows" ref={seen.ref} tabIndex={0} aria-label="Rows">
        <table aria-rowcount={rows.length + 1}>
          <thead>
            <tr aria-rowindex={1}>
              {header('flat', 'Flat')}
              <th scope="col" class="n more">
                Flat %
              </th>
              {header('cum', 'Cum')}
              <th scope="col" class="n more">
                Cum %
              </th>
              {objects ? (
                <th scope="col" class="n more">
                  Objects
                </th>
              ) : null}
              <th scope="col">{state.by === 'files' ? 'File' : 'Function'}</th>
            </tr>
          </thead>
          <tbody>
            <tr class="spacer" style={{ height: `${seen.before}px` }} />
            {rows.slice(seen.first, seen.end).map((row, i) => (
              <Row
                key={seen.first + i}
                row={row}
                index={seen.first + i}
                page={page}
                shown={shown}
                state={state}
                choose={choose}
                objects={objects}
              />
            ))}
            <tr class="spacer" style={{ height: `${seen.after}px` }} />
          </tbody>
        </table>
      </section>
    </section>
  );
}

type RowProps = Pick<ViewProps, 'page' | 'shown' | 'state' | 'choose'> & {
  row: ShownRow;
  index: number;
  objects: boolean;
};

function Row({ row, index, page, shown, state, choose, objects }: RowProps) {
  const { total, totalBefore, compared, unit } = shown;
  const whole = Math.max(Math.abs(total), Math.abs(totalBefore));
  const value = (now: number, before: number) =>
    compared ? formatChange(now - before, unit, state.unit) : formatValue(now, unit, state.unit);
  const share = (now: number, before: number) => formatPercent(now - before, whole);
  const hint = compared
    ? `before ${formatValue(row.flatBefore, unit, state.unit)}, now ${formatValue(row.flat, unit, state.unit)}; cum before ${formatValue(row.cumBefore, unit, state.unit)}, now ${formatValue(row.cum, unit, state.unit)}`
    : undefined;
  const file = page.shownPath(row.file);
  const place = row.line > 0 ? `${file}:${row.line}` : file;
  return (
    <tr aria-rowindex={index + 2} title={hint} style={{ height: `${ROW}px` }}>
      <td class={`n ${side(row.flat - row.flatBefore, compared)}`}>{value(row.flat, row.flatBefore)}</td>
      <td class="n dim more">{share(row.flat, row.flatBefore)}</td>
      <td class={`n ${side(row.cum - row.cumBefore, compared)}`}>{value(row.cum, row.cumBefore)}</td>
      <td class="n dim more">{share(row.cum, row.cumBefore)}</td>
      {objects ? (
        <td class="n more">{row.flatObjects === null ? '' : formatCount(row.flatObjects)}</td>
      ) : null}
      <td class="name">
        {row.function === '' ? null : (
          <button
            type="button"
            class="link"
            onClick={() => choose({ view: 'flame', function: row.function })}
          >
            {shortened(row.function, 160)}
          </button>
        )}
        {row.inlined === 'no' ? null : (
          <span class="tag">{row.inlined === 'always' ? 'inlined' : 'partly inlined'}</span>
        )}
        {place === '' ? null : (
          <button
            type="button"
            class="link dim"
            onClick={() => choose({ view: 'source', file: row.file, line: row.line })}
          >
            {shortened(place, 120)}
          </button>
        )}
      </td>
    </tr>
  );
}

/** The class that colours a change. */
export function side(change: number, compared: boolean): string {
  if (!compared || change === 0) return '';
  return change > 0 ? 'grown' : 'shrunk';
}
