// The leak report: records with their stacks, contents and what hangs on them; heap faults.

import { useState } from 'preact/hooks';
import type {
  BlockContents,
  LeakJson,
  LeakJsonBranch,
  LeakJsonError,
  LeakJsonFrame,
  LeakJsonGrowth,
  LeakJsonRecord,
  LeakJsonSample,
} from '../report/index.ts';
import { formatCount, formatValue, shortened } from './numbers.ts';
import type { ViewProps } from './view-props.ts';

/** Records that are shown at first. */
const FIRST = 100;

const KINDS: Readonly<Record<string, string>> = {
  definite: 'definite leak',
  indirect: 'indirect leak',
  possible: 'possible leak',
  reachable: 'still reachable',
};

export function LeaksView(props: ViewProps) {
  const { report } = props.page;
  return (
    <section class="view leaks" aria-label="Leaks">
      {report === null ? (
        <p>This page has no leak report. It is written by heapline check --format html=FILE.</p>
      ) : (
        <Report {...props} report={report} />
      )}
    </section>
  );
}

function Report({ report, ...props }: ViewProps & { report: LeakJson }) {
  const [most, setMost] = useState(FIRST);
  const { records, errors, failedAllocations, totals, growth = null } = report;
  const known = report.known ?? [];
  const knownErrors = report.knownErrors ?? [];
  const kinds = Object.entries(totals as unknown as Record<string, { blocks: number; bytes: number }>).filter(
    ([kind, sum]) => kind in KINDS && sum.blocks > 0,
  );
  return (
    <>
      {report.damage === null ? null : <p class="warning">{report.damage}</p>}
      {report.notes.map((note) => (
        <p key={note} class="warning">
          {note}
        </p>
      ))}
      <h2>Heap faults</h2>
      {errors.length === 0 ? (
        <p>None.</p>
      ) : (
        errors.map((error, i) => <Fault key={i} {...props} error={error} open={errors.length <= 3} />)
      )}
      <h2>Leaks</h2>
      {kinds.length === 0 ? (
        <p>None.</p>
      ) : (
        <table class="totals">
          <thead>
            <tr>
              <th scope="col">Class</th>
              <th scope="col" class="n">
                Blocks
              </th>
              <th scope="col" class="n">
                Bytes
              </th>
            </tr>
          </thead>
          <tbody>
            {kinds.map(([kind, sum]) => (
              <tr key={kind}>
                <td>{KINDS[kind]}</td>
                <td class="n">{formatCount(sum.blocks)}</td>
                <td class="n">{formatCount(sum.bytes)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {records.slice(0, most).map((record, i) => (
        <Record key={i} {...props} record={record} open={i === 0} />
      ))}
      {records.length > most ? (
        <button type="button" onClick={() => setMost(most + 1000)}>
          Show more ({formatCount(records.length - most)})
        </button>
      ) : null}
      {growth === null ? null : <Growth {...props} growth={growth} />}
      {failedAllocations.length === 0 ? null : <h2>Allocations that failed</h2>}
      {failedAllocations.map((failure, i) => (
        <details key={i} class="record">
          <summary>
            {formatCount(failure.count)} × no memory for up to {formatCount(failure.largest)} bytes
          </summary>
          <Stack {...props} title="Where" frames={failure.stack} />
        </details>
      ))}
      {known.length + knownErrors.length === 0 ? null : <h2>Known from the baseline</h2>}
      {knownErrors.slice(0, most).map((error, i) => (
        <Fault key={i} {...props} error={error} open={false} />
      ))}
      {known.slice(0, most).map((record, i) => (
        <Record key={i} {...props} record={record} open={false} />
      ))}
    </>
  );
}

function Fault({ error, open, ...props }: ViewProps & { error: LeakJsonError; open: boolean }) {
  return (
    <details class="record fault" open={open}>
      <summary>
        <strong>{error.kind}</strong>{' '}
        {error.access === undefined
          ? ''
          : `${error.access.kind} of ${error.access.size} bytes, ${error.access.position} `}
        {error.mismatch === undefined
          ? ''
          : `block allocated by ${error.mismatch.allocatedBy} and freed by ${error.mismatch.freedBy} `}
        at 0x{error.address.toString(16)}
      </summary>
      <Stack {...props} title="Where it happened" frames={error.stack} />
      {error.allocated === null ? null : (
        <Stack {...props} title="The block was allocated" frames={error.allocated} />
      )}
      {error.freed === null ? null : <Stack {...props} title="The block was freed" frames={error.freed} />}
    </details>
  );
}

function Growth({ growth, ...props }: ViewProps & { growth: LeakJsonGrowth }) {
  const amount = ({ bytesPerCall, blocksPerCall }: Pick<LeakJsonGrowth, 'bytesPerCall' | 'blocksPerCall'>) =>
    `${formatCount(bytesPerCall)} bytes in ${formatCount(blocksPerCall)} blocks per call`;
  return (
    <>
      <h2>Growth</h2>
      <p>
        {growth.places.length === 0 ? 'None' : amount(growth)} in {formatCount(growth.calls)} calls.
      </p>
      {growth.places.map((place, i) => (
        <details key={i} class="record" open={i === 0}>
          <summary>
            <strong>growth</strong> {amount(place)}
            {place.place === null ? '' : `: ${shortened(place.place.function, 120)}`}
          </summary>
          <Stack {...props} title="Allocated" frames={place.stack} />
        </details>
      ))}
    </>
  );
}

function Record({ record, open, ...props }: ViewProps & { record: LeakJsonRecord; open: boolean }) {
  const { state } = props;
  const indirect = record.indirect ?? { blocks: 0, bytes: 0 };
  const place = record.place ?? record.stack[0];
  const bytes = formatValue(record.bytes + indirect.bytes, 'bytes', state.unit);
  return (
    <details class="record" open={open}>
      <summary>
        <strong>{KINDS[record.kind]}</strong> {bytes} in {formatCount(record.blocks + indirect.blocks)}{' '}
        {record.blocks + indirect.blocks === 1 ? 'block' : 'blocks'}
        {indirect.blocks > 0
          ? ` (${formatCount(record.bytes)} bytes direct, ${formatCount(indirect.bytes)} bytes indirect)`
          : ''}
        {place === undefined || place === null ? '' : `: ${shortened(place.function, 120)}`}
      </summary>
      <Stack {...props} title="Allocated" frames={record.stack} />
      {record.tree === undefined || record.tree.length === 0 ? null : (
        <>
          <h3>What hangs on it</h3>
          <Branches {...props} branches={record.tree} />
        </>
      )}
      {record.sample === null ? null : <Sample {...record.sample} />}
    </details>
  );
}

/** The first block of a record: its fields where they are known, and its first bytes. */
function Sample({ address, hex, text, contents }: LeakJsonSample) {
  return (
    <>
      <h3>
        Contents of the block at 0x{address.toString(16)}
        {contents === undefined
          ? ''
          : `: ${contents.whole ? '' : 'begins with '}${shortened(contents.type, 120)}`}
        {contents === undefined || contents.offset === 0 ? '' : ` after ${contents.offset} bytes`}
      </h3>
      {contents === undefined ? null : <Fields {...contents} />}
      <pre class="sample" tabIndex={0}>
        {hex}
        {'\n'}
        {text}
      </pre>
    </>
  );
}

function Fields({ fields, left, text }: BlockContents) {
  if (text !== null) return <p>{text}</p>;
  return (
    <table class="fields">
      <thead>
        <tr>
          <th scope="col">Field</th>
          <th scope="col">Type</th>
          <th scope="col">Value</th>
        </tr>
      </thead>
      <tbody>
        {fields.map(({ name, type, value }) => (
          <tr key={name}>
            <td>{shortened(name, 120)}</td>
            <td>{shortened(type, 120)}</td>
            <td>{value}</td>
          </tr>
        ))}
        {left > 0 ? (
          <tr>
            <td colSpan={3}>… {formatCount(left)} more</td>
          </tr>
        ) : null}
      </tbody>
    </table>
  );
}

function Branches({ branches, ...props }: ViewProps & { branches: readonly LeakJsonBranch[] }) {
  return (
    <ul class="tree">
      {branches.map((branch, i) => (
        <li key={i}>
          {formatCount(branch.bytes)} bytes in {formatCount(branch.blocks)}{' '}
          {branch.blocks === 1 ? 'block' : 'blocks'}
          {branch.type === undefined ? '' : ` of ${shortened(branch.type, 120)}`}:{' '}
          {branch.place === null ? 'unknown' : <Place {...props} frame={branch.place} />}
          {branch.tree.length === 0 ? null : <Branches {...props} branches={branch.tree} />}
        </li>
      ))}
    </ul>
  );
}

function Stack({ title, frames, ...props }: ViewProps & { title: string; frames: readonly LeakJsonFrame[] }) {
  return (
    <>
      <h3>{title}</h3>
      <ol class="stack">
        {frames.map((frame, i) => (
          <li key={i}>
            <Place {...props} frame={frame} />
          </li>
        ))}
      </ol>
    </>
  );
}

function Place({ page, frame, choose }: ViewProps & { frame: LeakJsonFrame }) {
  const name = shortened(frame.function, 200);
  if (frame.file === '') return <>{name}</>;
  return (
    <>
      {name}{' '}
      <button
        type="button"
        class="link dim"
        onClick={() => choose({ view: 'source', file: frame.file, line: frame.line })}
      >
        {shortened(page.shownPath(frame.file), 200)}
        {frame.line > 0 ? `:${frame.line}` : ''}
      </button>
      {frame.inlined ? <span class="tag">inlined</span> : null}
    </>
  );
}
