/**
 * The style sheet of the report: light and dark, narrow and wide, screen and paper.
 *
 * @module
 */
import { darkFigureStyle } from "../plot/mod.ts";

const DARK_COLORS = `
  color-scheme: dark;
  --ink: #e3e6ea; --soft: #a3adb8; --paper: #0f1114; --card: #16191d; --line: #30363d; --accent: #6cb6ff;
  --tint: #1c2733; --good: #57d9a3; --warn: #f0b429; --warn-tint: #2c2413; --bad: #ff8a80; --bad-tint: #2e1716;`;

/** The CSS, without anything that refers outside. */
export function reportStyle(): string {
  return `
:root {
  color-scheme: light;
  --ink: #1f2328; --soft: #57606a; --paper: #f6f7f9; --card: #ffffff; --line: #d8dee4; --accent: #0757a8;
  --tint: #eaf2fb; --good: #0a6b47; --warn: #7a5200; --warn-tint: #fff6df; --bad: #a61b12; --bad-tint: #fdeceb;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
* { box-sizing: border-box; }
body { margin: 0; color: var(--ink); background: var(--paper); }
.skip { position: absolute; left: -999rem; }
.skip:focus { left: 1rem; top: .5rem; padding: .3rem .6rem; background: var(--card); z-index: 1; }
header, main, footer { max-width: 74rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 1.75rem; }
h1 { margin: 0 0 .4rem; font-size: 1.75rem; line-height: 1.2; text-wrap: balance; }
h2 { margin: 0 0 .75rem; font-size: 1.25rem; }
h3 { margin: 0 0 .4rem; font-size: 1rem; }
p { margin: 0 0 .75rem; max-width: 48rem; }
a { color: var(--accent); }
a:focus-visible, summary:focus-visible, .scroll:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
code { font: .875em/1.4 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
code.line { display: block; }
.badges { display: flex; flex-wrap: wrap; gap: .5rem; margin: 0 0 .6rem; padding: 0; list-style: none; }
.badges li { padding: .1rem .6rem; border: 1px solid currentColor; border-radius: 1rem; font-size: .8125rem; font-weight: 600; }
.badges .finished { color: var(--good); }
.badges .running { color: var(--accent); }
.badges .failed { color: var(--bad); }
.badges .interrupted, .badges .simulated { color: var(--warn); }
.facts { margin: 0 0 .75rem; color: var(--soft); font-size: .9375rem; }
.facts strong { color: var(--ink); }
.note { margin: 0 0 .75rem; white-space: pre-line; }
.summary { font-size: 1.0625rem; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.1rem; margin: 0 0 1.25rem; padding: 0; list-style: none; font-size: .9375rem; }
section { margin: 0 0 1.25rem; padding: 1.1rem 1.25rem; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; }
.scroll { max-width: 100%; margin: 0 0 .75rem; overflow-x: auto; }
.block { margin-top: 1.1rem; }
table { border-collapse: collapse; font-size: .9375rem; }
th, td { padding: .35rem .8rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
thead th { color: var(--soft); font-weight: 600; font-size: .875rem; vertical-align: bottom; }
tbody th { min-width: 11rem; font-weight: 500; }
th:first-child, td:first-child { padding-left: .25rem; }
tbody tr:last-child > * { border-bottom: 0; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
thead .number { white-space: normal; }
td small, th small { display: block; color: var(--soft); font-size: .75rem; font-weight: 400; line-height: 1.3; }
small.mark { color: var(--good); font-weight: 600; }
small.mark.equal { color: var(--soft); }
.digest code { font-size: .75rem; overflow-wrap: normal; }
tr.changed > * { background: var(--tint); }
tr.total > * { font-weight: 600; }
dl { display: grid; grid-template-columns: minmax(9rem, max-content) 1fr; gap: .2rem 1.25rem; margin: 0 0 .75rem; font-size: .9375rem; }
dl > div { display: contents; }
dt { color: var(--soft); }
dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
.note { color: var(--soft); font-size: .875rem; max-width: 60rem; }
.notice { padding: .4rem .75rem; border-left: 3px solid var(--warn); background: var(--warn-tint); font-size: .9375rem; overflow-wrap: anywhere; }
.error { padding: .6rem .9rem; border-left: 3px solid var(--bad); background: var(--bad-tint); overflow-wrap: anywhere; max-width: none; }
.warnings { margin: 0; padding-left: 1.1rem; }
details { margin: .75rem 0; }
summary { cursor: pointer; color: var(--accent); margin-bottom: .4rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 29rem), 1fr)); gap: 1.5rem 1.75rem; }
figure { margin: 0; min-width: 0; }
figure.wide { grid-column: 1 / -1; }
figcaption { margin-top: .35rem; color: var(--soft); font-size: .9rem; max-width: 40rem; }
figcaption strong { color: var(--ink); }
/* Figures stay inside their card whatever they hold; those not drawn by Beamline keep a white card in dark colors. */
.card { contain: paint; overflow: hidden; background: #ffffff; color: #1f2328; border-radius: .25rem; }
.card > svg { display: block; max-width: 100%; height: auto; margin: 0 auto; }
footer { padding-bottom: 2rem; color: var(--soft); font-size: .875rem; }
@media (max-width: 40rem) {
  header, main, footer { padding-left: .75rem; padding-right: .75rem; }
  section { padding: .8rem; }
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: .4rem; }
}
@media screen and (prefers-color-scheme: dark) {
:root {${DARK_COLORS}
}
.card:has(> .beamline-figure) { background: transparent; }
${darkFigureStyle()}
}
@media print {
  :root { font-size: 10pt; --paper: #ffffff; }
  @page { margin: 15mm; }
  nav, .skip { display: none; }
  header, main, footer { max-width: none; padding: 0; }
  section { border: 0; padding: 0; margin-bottom: 1.2rem; break-inside: auto; }
  h2, h3 { break-after: avoid; }
  .scroll { overflow: visible; }
  table { font-size: 8pt; }
  th, td { padding: .2rem .35rem; }
  .number { white-space: normal; }
  .digest code { overflow-wrap: anywhere; }
  tr, figure { break-inside: avoid; }
  .figures { grid-template-columns: 1fr 1fr; gap: 1rem; }
  .badges li, tr.changed > *, .notice, .error { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  details.long { display: none; }
  details::details-content { content-visibility: visible; block-size: auto; }
  summary { color: var(--ink); list-style: none; }
}
`;
}
