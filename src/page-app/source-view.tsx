// Sources with what each line holds.

import { useEffect, useMemo, useState } from 'preact/hooks';
import { formatChange, formatCount, formatValue, shortened } from './numbers.ts';
import { filesOf, type LineSum, linesOf, wordsOf } from './source-lines.ts';
import { side } from './table-view.tsx';
import type { ViewProps } from './view-props.ts';
import { useVirtualRows } from './virtual-rows.ts';

const ROW = 22;
const MOST_FILES = 2000;
/** What a line holds that the profile does not name. */
const NOTHING: LineSum = { flat: 0, cum: 0, flatBefore: 0, cumBefore: 0, inlined: [] };

export function SourceView(props: ViewProps) {
  const { page, shown, state, choose } = props;
  const files = useMemo(() => filesOf(shown.tree), [shown]);
  const file = state.file !== '' ? state.file : (files[0]?.file ?? '');
  if (file === '') {
    return (
      <section class="view" aria-label="Source">
        <p>This profile names no source files.</p>
      </section>
    );
  }
  const listed = files.slice(0, MOST_FILES);
  return (
    <section class="view" aria-label="Source">
      <div class="tools">
        <label>
          File{' '}
          <select value={file} onChange={(event) => choose({ file: event.currentTarget.value, line: 0 })}>
            {listed.some((each) => each.file === file) ? null : (
              <option value={file}>{shortened(page.shownPath(file), 120)}</option>
            )}
            {listed.map((each) => (
              <option key={each.file} value={each.file}>
                {formatValue(each.cum, shown.unit, state.unit)} {shortened(page.shownPath(each.file), 120)}
              </option>
            ))}
          </select>
        </label>
        {files.length > listed.length ? (
          <span class="dim">
            the largest {formatCount(MOST_FILES)} of {formatCount(files.length)}
          </span>
        ) : null}
      </div>
      <Lines key={file} {...props} file={file} />
    </section>
  );
}

function Lines({ page, shown, state, choose, file }: ViewProps & { file: string }) {
  const [text, setText] = useState<string | null | undefined>(undefined);
  useEffect(() => {
    page
      .source(file)
      .then(setText, (error: Error) => setText(`This source cannot be read: ${error.message}`));
  }, [page, file]);
  const sums = useMemo(() => linesOf(shown.tree, file), [shown, file]);
  const lines = useMemo(() => (text === null || text === undefined ? [] : text.split(/\r?\n/)), [text]);
  const numbers = useMemo(() => {
    if (text !== null) return null;
    return [...sums]
      .filter(([line, { cum, cumBefore }]) => line > 0 && (cum !== 0 || cumBefore !== 0))
      .map(([line]) => line);
  }, [text, sums]);
  const count = numbers?.length ?? lines.length;
  const seen = useVirtualRows(count, ROW);
  useEffect(() => {
    if (count === 0) return;
    const target = state.line > 0 ? state.line : heaviest(sums);
    seen.show(numbers === null ? target - 1 : Math.max(0, numbers.indexOf(target)));
  }, [count, state.line]);
  const words = useMemo(
    () => (numbers === null ? wordsOf(lines, seen.first, seen.end, file) : []),
    [lines, seen.first, seen.end],
  );
  const last = Math.max(0, ...[...sums.keys()].slice(-1));
  const mismatch = typeof text === 'string' && last > lines.length;
  const changed = text === null ? null : page.changed(file);
  const value = (now: number, before: number): string =>
    now === 0 && before === 0
      ? ''
      : shown.compared
        ? formatChange(now - before, shown.unit, state.unit)
        : formatValue(now, shown.unit, state.unit);
  return (
    <>
      <p class="place">{shortened(file, 400)}</p>
      {text === null ? (
        <p class="warning">
          The source is not shown: {page.missing(file)}. These are the lines that hold something.
        </p>
      ) : null}
      {mismatch ? (
        <p class="warning">
          This source has {formatCount(lines.length)} lines, and the profile names line {formatCount(last)}:
          it has changed since the program was built.
        </p>
      ) : null}
      {changed !== null && !mismatch ? (
        <p class="warning">
          This source is newer than the profile: it was changed on {changed.toLocaleString()}. Its lines may
          be others than those of the program.
        </p>
      ) : null}
      {text === undefined ? <p class="dim">Reading…</p> : null}
      <section class="scroll code" ref={seen.ref} tabIndex={0} aria-label="Lines">
        <table>
          <thead>
            <tr>
              <th scope="col" class="n">
                Flat
              </th>
              <th scope="col" class="n">
                Cum
              </th>
              <th scope="col" class="n">
                Line
              </th>
              <th scope="col">Source</th>
            </tr>
          </thead>
          <tbody>
            <tr class="spacer" style={{ height: `${seen.before}px` }} />
            {Array.from({ length: seen.end - seen.first }, (_, i) => {
              const line = numbers === null ? seen.first + i + 1 : numbers[seen.first + i]!;
              const { flat, cum, flatBefore, cumBefore, inlined } = sums.get(line) ?? NOTHING;
              return (
                <tr
                  key={line}
                  class={line === state.line ? 'here' : cum === 0 ? '' : 'holds'}
                  style={{ height: `${ROW}px` }}
                >
                  <td class={`n ${side(flat - flatBefore, shown.compared)}`}>{value(flat, flatBefore)}</td>
                  <td class={`n ${side(cum - cumBefore, shown.compared)}`}>{value(cum, cumBefore)}</td>
                  <td class="n dim">
                    <button type="button" class="link dim" onClick={() => choose({ line })}>
                      {line}
                    </button>
                  </td>
                  <td class="text">
                    <code>
                      {(words[i] ?? []).map(({ text: word, kind }, k) =>
                        kind === '' ? (
                          word
                        ) : (
                          <span key={k} class={kind}>
                            {word}
                          </span>
                        ),
                      )}
                    </code>
                    {inlined.length === 0 ? null : (
                      <span class="tag" title={shortened(inlined.join(', '))}>
                        inlined
                      </span>
                    )}
                  </td>
                </tr>
              );
            })}
            <tr class="spacer" style={{ height: `${seen.after}px` }} />
          </tbody>
        </table>
      </section>
    </>
  );
}

function heaviest(sums: ReadonlyMap<number, LineSum>): number {
  let [best, most] = [1, 0];
  for (const [line, { cum }] of sums)
    if (line > 0 && Math.abs(cum) > most) [best, most] = [line, Math.abs(cum)];
  return best;
}
