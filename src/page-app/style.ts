// How the page looks: light or dark as the reader's system is, readable at 400 pixels and printed.

export const STYLE = `
:root { color-scheme: light dark; --back: #ffffff; --text: #14171a; --line: #d0d4da; --dim: #5b6470; --accent: #0a58ca; --stripe: #f5f6f8; --alert: #8f4f00; --grown: #9a4b00; --shrunk: #0b5a9e; --area: #c9d8ee; }
@media (prefers-color-scheme: dark) {
  :root { --back: #14171a; --text: #e4e7eb; --line: #3a4048; --dim: #a3adb8; --accent: #7ab0ff; --stripe: #1d2126; --alert: #ffb454; --grown: #ffab5c; --shrunk: #78b7ff; --area: #2a3c57; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); font: 15px/1.45 system-ui, sans-serif; }
header, main, footer { padding: 0 1rem; max-width: 110rem; margin: 0 auto; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem 1.25rem; padding-top: .75rem; border-bottom: 1px solid var(--line); }
h1 { font-size: 1.15rem; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin: 1.25rem 0 .4rem; }
h3, h4 { font-size: .95rem; margin: .75rem 0 .25rem; overflow-wrap: anywhere; }
p { margin: .3rem 0; }
nav { display: flex; flex-wrap: wrap; gap: .25rem; width: 100%; }
nav a { padding: .4rem .8rem; color: var(--text); text-decoration: none; border-bottom: 3px solid transparent; }
nav a[aria-current] { border-bottom-color: var(--accent); font-weight: 600; }
footer { margin: 1rem auto; font-size: .85rem; }
.dim { color: var(--dim); }
.warning { color: var(--alert); overflow-wrap: anywhere; }
.tools { display: flex; flex-wrap: wrap; gap: .4rem 1rem; align-items: center; margin: .5rem 0; }
.choices input { width: 9rem; }
input, select, button { font: inherit; color: inherit; background: var(--back); border: 1px solid var(--line); border-radius: 4px; padding: .15rem .4rem; max-width: 100%; }
select { max-width: 22rem; }
input[aria-invalid=true] { border-color: var(--alert); }
button { cursor: pointer; background: var(--stripe); }
button.link { border: 0; background: none; padding: 0 .3rem 0 0; text-align: left; color: var(--accent); }
button.link.dim { color: var(--dim); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
.graph { position: relative; border: 1px solid var(--line); overflow: clip; }
.graph canvas { display: block; cursor: pointer; touch-action: pan-y; }
.graph canvas:focus-visible { outline-offset: -2px; }
.tooltip { position: absolute; z-index: 1; max-width: 320px; padding: .3rem .5rem; background: var(--back); border: 1px solid var(--line); border-radius: 4px; font-size: .85rem; pointer-events: none; overflow-wrap: anywhere; }
.hint { font-size: .85rem; }
.selected { min-height: 5rem; }
.place { overflow-wrap: anywhere; }
.tag { font-size: .75rem; border: 1px solid var(--line); border-radius: 3px; padding: 0 .25rem; margin: 0 .3rem; color: var(--dim); }
.scroll { overflow: auto; border: 1px solid var(--line); }
.rows, .code { height: max(18rem, calc(100vh - 17rem)); }
table { border-collapse: separate; border-spacing: 0; width: 100%; }
th, td { padding: .1rem .6rem; text-align: left; white-space: nowrap; }
th { color: var(--dim); font-weight: 600; }
.scroll thead th { position: sticky; top: 0; background: var(--back); border-bottom: 1px solid var(--line); }
th button { border: 0; background: none; font-weight: 600; padding: 0; color: inherit; }
.n { text-align: right; font-variant-numeric: tabular-nums; }
.grown { color: var(--grown); }
.shrunk { color: var(--shrunk); }
.totals { width: auto; }
.code { font-size: .85rem; }
.code code, pre { font: 13px/1.45 ui-monospace, monospace; white-space: pre; tab-size: 4; }
.code .holds td { background: var(--stripe); }
.code .here td { background: var(--area); }
.tok-keyword { color: var(--accent); }
.tok-string, .tok-string2, .tok-number { color: var(--grown); }
.tok-comment { color: var(--dim); font-style: italic; }
.tok-typeName, .tok-meta { color: var(--shrunk); }
.chart { margin: .5rem 0; }
.chart svg { display: block; width: 100%; height: 19rem; border: 1px solid var(--line); touch-action: pan-y; cursor: crosshair; }
.chart path, .chart line { vector-effect: non-scaling-stroke; }
.area { fill: var(--area); }
.layer { fill-opacity: .75; }
.line { fill: none; stroke: var(--text); stroke-width: 1.5; }
.peak { stroke: var(--grown); stroke-width: 2; stroke-dasharray: 5 3; }
.moment { stroke: var(--dim); }
.span { fill: var(--accent); fill-opacity: .2; }
.axis { display: flex; justify-content: space-between; font-size: .85rem; color: var(--dim); }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1rem; list-style: none; padding: 0; }
.legend li { overflow-wrap: anywhere; }
.swatch { display: inline-block; width: .8rem; height: .8rem; border-radius: 2px; vertical-align: -1px; }
.record { border: 1px solid var(--line); border-radius: 4px; padding: .3rem .6rem; margin: .4rem 0; }
.record summary { cursor: pointer; overflow-wrap: anywhere; }
.stack { margin: .2rem 0; padding-left: 2.2rem; overflow-wrap: anywhere; }
.tree { padding-left: 1.2rem; overflow-wrap: anywhere; }
.fields td { overflow-wrap: anywhere; vertical-align: top; }
.sample { overflow-x: auto; margin: .2rem 0; }
@media (max-width: 500px) {
  header, main, footer { padding-left: .5rem; padding-right: .5rem; }
  th, td { padding: .1rem .35rem; }
  .choices input { width: 6rem; }
  select { max-width: 14rem; }
  .rows .more { display: none; }
}
@media print {
  .tools, nav, .actions, footer, .hint { display: none; }
  .rows, .code { height: auto; overflow: visible; }
}
`;
