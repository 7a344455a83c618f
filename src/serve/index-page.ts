// The page at /debug/pprof/: the profiles with counts, links and descriptions, and the sandboxes with totals. The
// page is plain HTML: it has no scripts and loads nothing from elsewhere. It is light or dark as the reader's system
// is.

import { escapeHtml } from '../algorithms/escape-html.ts';
import { formatQuantity } from '../profile/index.ts';

/** One row of the table of profiles. */
export interface ProfileEntry {
  readonly name: string;
  readonly description: string;
  /** Number of samples; null where there is nothing to count. */
  readonly count: number | null;
}

/** One row of the table of heaps. */
export interface HeapEntry {
  /** Label of the thread. */
  readonly thread: string;
  readonly instance: string;
  readonly toolchain: string;
  readonly inUseObjects: number;
  readonly inUseBytes: number;
  readonly allocObjects: number | null;
  readonly allocBytes: number | null;
  readonly peakBytes: number | null;
  readonly contexts: number;
  readonly memoryBytes: number | null;
  /** Why the heap could not be read; null when it could. */
  readonly problem: string | null;
}

export interface IndexPage {
  /** Path of the page, such as `/debug/pprof/`. */
  readonly path: string;
  /** The URL that a reader passes to `go tool pprof`, such as `http://localhost:6060/debug/pprof/heap`. */
  readonly heapUrl: string;
  readonly profiles: readonly ProfileEntry[];
  readonly heaps: readonly HeapEntry[];
  /** One line for each thread whose heaps are missing. */
  readonly missing: readonly string[];
  readonly version: string;
}

const STYLE = `
:root { color-scheme: light dark; --line: #d0d4da; --dim: #5b6470; --accent: #0a58ca; --stripe: #f5f6f8; --alert: #a15c00; }
@media (prefers-color-scheme: dark) {
  :root { --line: #3a4048; --dim: #9aa4b0; --accent: #7ab0ff; --stripe: #1d2126; --alert: #ffb454; }
  body { background: #14171a; color: #e4e7eb; }
}
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin: 0 0 .25rem; }
h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
p { margin: .25rem 0; }
.dim { color: var(--dim); }
.warning { color: var(--alert); }
a { color: var(--accent); }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid var(--line); padding: .35rem .6rem; text-align: left; vertical-align: top; }
th { color: var(--dim); font-weight: 600; }
tbody tr:nth-child(even) { background: var(--stripe); }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
code { background: var(--stripe); border: 1px solid var(--line); border-radius: 4px; padding: .1rem .3rem; }
.scroll { overflow-x: auto; }
`;

/** The whole page. */
export function indexPage({ path, heapUrl, profiles, heaps, missing, version }: IndexPage): string {
  const rows = profiles.map(
    ({ name, count, description }) =>
      `<tr><td class="n">${count ?? '–'}</td>` +
      `<td><a href="${escapeHtml(encodeURIComponent(name))}?debug=1">${escapeHtml(name)}</a></td>` +
      `<td>${name === 'profile' || name === 'cmdline' ? '' : `<a href="${escapeHtml(encodeURIComponent(name))}">pb.gz</a>`}</td>` +
      `<td>${escapeHtml(description)}</td></tr>`,
  );
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(path)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escapeHtml(path)}</h1>
<p class="dim">Heaps of C in WebAssembly, and of the JavaScript around them. Heapline ${escapeHtml(version)}.</p>
<p><code>go tool pprof ${escapeHtml(heapUrl)}</code></p>
<p><a href="ui/">Look at the heap as it changes</a>: flame graph, table, timeline.</p>

<h2>Types of profiles available</h2>
<div class="scroll"><table>
<thead><tr><th class="n">Count</th><th>Profile</th><th></th><th>Description</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table></div>

<h2>Heaps</h2>
${missing.map((line) => `<p class="warning">${escapeHtml(line)}</p>\n`).join('')}${heaps.length === 0 ? '<p class="dim">No sandbox is open.</p>' : heapTable(heaps)}
</body>
</html>
`;
}

function heapTable(heaps: readonly HeapEntry[]): string {
  const bytes = (value: number | null): string => (value === null ? '–' : formatQuantity(value, 'bytes'));
  const count = (value: number | null): string => (value === null ? '–' : value.toLocaleString('en-US'));
  // A program without workers does not need this column.
  const threads = heaps.some(({ thread }) => thread !== 'main');
  const cell = (content: string): string => `<td>${escapeHtml(content)}</td>`;
  const rows = heaps.map((heap) =>
    heap.problem !== null
      ? `<tr>${threads ? cell(heap.thread) : ''}${cell(heap.instance)}<td colspan="8">${escapeHtml(heap.problem)}</td></tr>`
      : `<tr>${threads ? cell(heap.thread) : ''}${cell(heap.instance)}${cell(heap.toolchain)}` +
        [
          bytes(heap.inUseBytes),
          count(heap.inUseObjects),
          bytes(heap.peakBytes),
          bytes(heap.allocBytes),
          count(heap.allocObjects),
          count(heap.contexts),
          bytes(heap.memoryBytes),
        ]
          .map((figure) => `<td class="n">${escapeHtml(figure)}</td>`)
          .join('') +
        '</tr>',
  );
  const total = (
    key: 'inUseBytes' | 'inUseObjects' | 'allocBytes' | 'allocObjects' | 'contexts' | 'memoryBytes',
  ) => heaps.reduce((sum, heap) => sum + (heap[key] ?? 0), 0);
  return `<div class="scroll"><table>
<thead><tr>${threads ? '<th>Thread</th>' : ''}<th>Instance</th><th>Compiled by</th><th class="n">In use</th><th class="n">Objects</th><th class="n">Peak</th><th class="n">Allocated</th><th class="n">Objects</th><th class="n">Contexts</th><th class="n">Memory</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
<tfoot><tr>${threads ? '<th></th>' : ''}<th>Total</th><th></th><th class="n">${bytes(total('inUseBytes'))}</th><th class="n">${count(total('inUseObjects'))}</th><th></th><th class="n">${bytes(total('allocBytes'))}</th><th class="n">${count(total('allocObjects'))}</th><th class="n">${count(total('contexts'))}</th><th class="n">${bytes(total('memoryBytes'))}</th></tr></tfoot>
</table></div>`;
}
