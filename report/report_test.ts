import assert from "node:assert/strict";
import { DataError, NotFoundError } from "../core/errors.ts";
import { exampleFigures } from "../plot/_examples.ts";
import { EXAMPLE_RUN, exampleRun, withRun } from "./_example_run.ts";
import { renderReport } from "./mod.ts";

const FIGURES = await exampleFigures();

/** The report of these files. */
const render = (files: { readonly [file: string]: unknown }): Promise<string> =>
  withRun(files, (path) => renderReport(path));

/** Visible text of a part of a page, white space joined. */
function textOf(markup: string): string {
  return markup.replace(/<(svg|style)\b[^]*?<\/\1>/g, "").replace(/<[^>]+>/g, " ").replace(/\s+/g, " ")
    .trim();
}

/** The text of one section. */
function sectionText(page: string, id: string): string {
  const match = new RegExp(`<section id="${id}"[^]*?</section>`).exec(page);
  assert.ok(match, `section ${id}`);
  return textOf(match[0]);
}

Deno.test("renderReport() shows every part of a finished run, in order", async () => {
  const page = await render(exampleRun(FIGURES));
  assert.match(page, /^<!doctype html>\n<html lang="en">/);
  const titles = [...page.matchAll(/<h2 [^>]*>([^<]+)<\/h2>/g)].map((match) => match[1]);
  assert.deepEqual(titles, [
    "Metrics",
    "Figures",
    "Tables",
    "Data",
    "Configuration",
    "Warnings",
    "Time",
    "Provenance",
  ]);
  const head = textOf(/<header>[^]*?<\/header>/.exec(page)![0]);
  for (
    const part of [
      EXAMPLE_RUN.plugin.title,
      "finished",
      "SIMULATED DATA",
      EXAMPLE_RUN.id,
      "2026-11-21 20:50 UTC",
      EXAMPLE_RUN.summary,
      "1 warning to read",
    ]
  ) assert.ok(head.includes(part), part);
  assert.equal([...page.matchAll(/<svg /g)].length, FIGURES.length);
  assert.doesNotMatch(textOf(page), /is missing|is damaged|was refused|Left out/);
});

Deno.test("renderReport() shows what the user calls the run, as text", async () => {
  const labels = { name: "<b>base", tags: ["thesis", "a&b"], note: "first\nsecond" };
  const page = await render({ ...exampleRun([]), "run.json": { ...EXAMPLE_RUN, ...labels } });
  const head = textOf(/<header>[^]*?<\/header>/.exec(page)![0]);
  assert.match(head, /&lt;b&gt;base · thesis · a&amp;b first second /);
  assert.match(page, /<p class="note">first\nsecond<\/p>/);
});

Deno.test("renderReport() puts baselines beside the result and marks the best honestly", async () => {
  const text = sectionText(await render(exampleRun([])), "metrics");
  // 0.0541 and 0.0482 differ by ten times their errors; 0.0573 and 0.0569 by less than one.
  assert.match(
    text,
    /core width of x lower is better 0\.0541 ± 0\.0004 0\.0671 ± 0\.0005 0\.0482 ± 0\.0004 best cm 4000 test/,
  );
  assert.match(
    text,
    /0\.0573 ± 0\.0006 equal within errors 0\.0702 ± 0\.0007 0\.0569 ± 0\.0006 equal within errors/,
  );
  assert.match(text, /better than the result in 1 of the 4 rows compared: core width of x \(profile fit\)/);
  assert.match(text, /one standard deviation \(bootstrap\)/);
});

Deno.test("renderReport() compares methods when none of them is the result", async () => {
  const { "metrics.json": all } = exampleRun([]) as { "metrics.json": Record<string, unknown> };
  const metrics = Object.fromEntries(Object.entries(all).filter(([key]) => key.includes(".core")));
  const text = sectionText(await render({ "run.json": EXAMPLE_RUN, "metrics.json": metrics }), "metrics");
  assert.match(
    text,
    /^Metrics metric centroid corrected profile fit unit rows split core sigma x .* best cm/,
  );
  assert.doesNotMatch(text, /better than the result/);
});

Deno.test("renderReport() lists settings that were given first, with source and help", async () => {
  const text = sectionText(await render(exampleRun([])), "configuration");
  assert.match(text, /2 of 6 settings were given/);
  assert.ok(
    text.indexOf("stage 2 --stage 1: one energy") < text.indexOf("events 20000 default rows to simulate"),
  );
  assert.match(text, /model\.depth 3 fast\.json/);
});

Deno.test("renderReport() describes data and provenance", async () => {
  const page = await render(exampleRun([]));
  const data = sectionText(page, "data");
  assert.match(data, /^Data Simulated\. Showers of single photons/);
  assert.match(data, /train 16000 validation 2000 test 4000/);
  assert.match(data, /Columns of every split .* cells GeV 25 cell float32 cell energies/);
  assert.match(data, /Cut flow .* window 5x5 22400 22210 0\.8 %/);
  const provenance = sectionText(page, "provenance");
  assert.match(provenance, /deno task run ecal --stage 2 --data &#39;my file\.root&#39;/);
  assert.match(provenance, /engine native, 2 threads seed 7/);
  assert.match(provenance, /f9470f8.* with local changes/);
  assert.match(provenance, /my file\.root 1\.5 MB abab/);
});

Deno.test("renderReport() needs nothing from outside and runs nothing", async () => {
  const page = await render(exampleRun(FIGURES));
  assert.match(
    page,
    /Content-Security-Policy" content="default-src &#39;none&#39;; style-src &#39;unsafe-inline&#39;; img-src data:;/,
  );
  assert.doesNotMatch(page, /<script|<link|<iframe|@import|\son\w+=/i);
  assert.doesNotMatch(page.replaceAll('xmlns="http://www.w3.org/2000/svg"', ""), /https?:/);
  assert.doesNotMatch(page, /url\((?!#)/);
});

Deno.test("renderReport() gives every id once and links only to what is there", async () => {
  const page = await render(exampleRun([...FIGURES, { ...FIGURES[0]!, name: "again" }]));
  const ids = [...page.matchAll(/\sid="([^"]*)"/g)].map((match) => match[1]!);
  assert.equal(new Set(ids).size, ids.length);
  const references = [...page.matchAll(/(?:href="#|url\(#)([^")]*)/g)].map((match) => match[1]!);
  for (const id of references) assert.ok(ids.includes(id), id);
  for (const [, list = ""] of page.matchAll(/aria-labelledby="([^"]*)"/g)) {
    for (const id of list.split(" ")) assert.ok(ids.includes(id), id);
  }
});

Deno.test("renderReport() opens and closes every element", async () => {
  const page = await render(exampleRun(FIGURES));
  const open: string[] = [];
  const markup = page.replace(/<style>[^]*?<\/style>/, "");
  for (const [whole, slash, name = ""] of markup.matchAll(/<(\/?)([a-zA-Z][\w]*)[^>]*>/g)) {
    if (whole.endsWith("/>") || ["meta", "br"].includes(name)) continue;
    if (slash === "/") assert.equal(open.pop(), name);
    else open.push(name);
  }
  assert.deepEqual(open, []);
});

Deno.test("renderReport() escapes whatever a plugin wrote", async () => {
  const hostile = `</style></title><script>alert("x")</script><img src=x onerror='alert(1)'>`;
  const metric = {
    value: 1,
    error: 0.1,
    errorKind: hostile,
    unit: hostile,
    better: hostile,
    rows: 1,
    split: hostile,
    label: hostile,
  };
  const table = { name: hostile, title: hostile, columns: [hostile], rows: [[hostile]], note: hostile };
  const column = {
    dtype: hostile,
    shape: [1, 2],
    dims: ["row", hostile],
    unit: hostile,
    description: hostile,
  };
  const page = await render({
    "run.json": {
      ...EXAMPLE_RUN,
      action: hostile,
      plugin: { name: "trial", title: hostile },
      seconds: { [hostile]: 1 },
      engine: { name: hostile, threads: 1 },
      versions: { [hostile]: hostile },
      command: [hostile],
      error: { message: hostile, name: hostile, hook: hostile },
      warnings: [{ code: hostile, message: hostile }],
      summary: hostile,
      training: { [hostile]: { [hostile]: hostile } },
    },
    "config.json": {
      values: { [hostile]: hostile },
      sources: { [hostile]: hostile },
      help: { [hostile]: hostile },
    },
    "data.json": {
      simulated: true,
      source: hostile,
      cacheKey: hostile,
      tables: { [hostile]: { rows: 1, columns: { [hostile]: column } } },
      facts: { [hostile]: hostile },
      notes: [table],
    },
    "metrics.json": { [hostile]: metric, [`${hostile}.${hostile}`]: metric },
    "results.json": { tables: [table], results: { [hostile]: [hostile] } },
    "figures/index.json": [{ name: hostile, title: hostile, caption: hostile }],
    "provenance/inputs.json": [{ name: hostile, bytes: 1, sha256: hostile }],
    "provenance/git.json": { commit: hostile },
    "provenance/environment.json": { [hostile]: hostile },
    "provenance/permissions.json": { [hostile]: [hostile] },
  });
  assert.doesNotMatch(page, /<script|<img|alert\("/);
  assert.equal([...page.matchAll(/<\/style>/g)].length, 1);
  assert.match(page, /&lt;script&gt;/);
});

Deno.test("renderReport() refuses a dangerous figure and a name that leaves the folder, and shows the rest", async () => {
  const files = exampleRun(FIGURES.slice(0, 1));
  const index = files["figures/index.json"] as unknown[];
  const page = await render({
    ...files,
    "figures/index.json": [
      { name: "evil", title: "Evil", caption: "c" },
      { name: "../run", title: "Up", caption: "c" },
      { name: "gone", title: "Gone", caption: "c" },
      ...index,
    ],
    "figures/evil.svg": `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`,
  });
  const text = sectionText(page, "figures");
  assert.match(text, /Figure evil was refused: it has the event handler &quot;onload&quot;/);
  assert.match(text, /Figure \.\.\/run cannot be shown: its name is not a file stem/);
  assert.match(text, /Figure gone cannot be shown: the file is missing/);
  assert.match(text, /Energy resolution\./);
});

Deno.test("renderReport() notes what is missing and what is damaged", async () => {
  const page = await render({
    "run.json": { ...EXAMPLE_RUN, warnings: [] },
    "config.json": "{broken",
    "metrics.json": { core_sigma_x: { value: "wide" } },
    "provenance/inputs.json": [{ name: 1 }],
  });
  const text = textOf(page);
  assert.match(text, /config\.json is damaged: Cannot read &quot;config\.json&quot; as it must be JSON/);
  assert.match(
    text,
    /metrics\.json is damaged: &quot;core_sigma_x\.value&quot; must be number or null: found string/,
  );
  assert.match(
    text,
    /provenance\/inputs\.json is damaged: &quot;\[0\]\.name&quot; must be string: found number/,
  );
  assert.match(text, /data\.json is missing/);
  assert.match(text, /figures\/index\.json is missing/);
  assert.match(sectionText(page, "warnings"), /None\./);
});

Deno.test("renderReport() draws the learning curve of a failed run, up to a cut last line", async () => {
  const { "metrics.jsonl": history } = exampleRun([]);
  const page = await render({
    "run.json": {
      ...EXAMPLE_RUN,
      status: "failed",
      summary: undefined,
      simulated: null,
      engine: null,
      error: { name: "PluginError", message: "[ecal evaluate] Cannot go on", hook: "evaluate" },
    },
    "metrics.jsonl": `${history}{"step": 11`,
  });
  const head = textOf(/<header>[^]*?<\/header>/.exec(page)![0]);
  assert.match(head, /failed ecal/);
  assert.match(head, /PluginError in evaluate: \[ecal evaluate\] Cannot go on/);
  assert.doesNotMatch(head, /SIMULATED/);
  assert.match(
    sectionText(page, "figures"),
    /Learning curve\. Loss against the epoch\. The validation value is lowest at epoch 10\./,
  );
  assert.match(sectionText(page, "provenance"), /engine none used/);
});

Deno.test("renderReport() shows metrics that are lost or empty", async () => {
  const lost = {
    value: null,
    error: null,
    errorKind: "none",
    unit: "cm",
    better: "lower",
    rows: 0,
    split: "test",
  };
  const some = await render({ "run.json": EXAMPLE_RUN, "metrics.json": { width_x: lost } });
  assert.match(
    sectionText(some, "metrics"),
    /width x lower is better NaN cm 0 test No errors were estimated\./,
  );
  const none = await render({ "run.json": EXAMPLE_RUN, "metrics.json": {} });
  assert.match(sectionText(none, "metrics"), /No metrics were recorded\./);
});

Deno.test("renderReport() rejects a folder without a whole run.json", async () => {
  await assert.rejects(
    render({}),
    (error: Error) => error instanceof NotFoundError && /must hold a run\.json/.test(error.message),
  );
  await assert.rejects(
    render({ "run.json": { id: 1 } }),
    (error: Error) =>
      error instanceof DataError && /"id" must be a name .*: found number/.test(error.message),
  );
});

Deno.test("renderReport() gives the same bytes again", async () => {
  const files = exampleRun(FIGURES);
  assert.equal(await render(files), await render(files));
});

Deno.test("renderReport() gives figures wider than half a page the whole width", async () => {
  const wide = FIGURES[0]!.svg.replace(/viewBox="0 0 [\d.]+/, 'viewBox="0 0 1200');
  const page = await render(exampleRun([{ ...FIGURES[0]!, svg: wide }, FIGURES[1]!]));
  assert.equal(page.match(/<figure class="wide">/g)?.length, 1);
});
