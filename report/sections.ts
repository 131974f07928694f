/**
 * The sections of the report, from top to bottom.
 *
 * @module
 */
import { formatBytes, formatNumber, formatSeconds } from "../core/format.ts";
import type { Json, JsonObject } from "../core/types.ts";
import { learningCurveFigure } from "../plot/mod.ts";
import { headlineSection } from "./headline.ts";
import { definitions, details, html, htmlTable, Markup, notice, textTable } from "./html.ts";
import type { Content } from "./html.ts";
import type { FigureFile, Part, RunFiles } from "./read.ts";
import { sanitizeSvg } from "./sanitize.ts";

/** A part of the page with its place in the list of contents. */
export interface Section {
  readonly id: string;
  readonly title: string;
  readonly content: readonly Content[];
}

/** All sections in order; those that would be empty are left out. */
export async function allSections(files: RunFiles): Promise<Section[]> {
  const sections = [
    { id: "metrics", title: "Metrics", content: metrics(files) },
    { id: "figures", title: "Figures", content: await figures(files) },
    { id: "tables", title: "Tables", content: tables(files) },
    { id: "data", title: "Data", content: data(files) },
    { id: "weights", title: "Pretrained weights", content: pretrained(files) },
    { id: "configuration", title: "Configuration", content: configuration(files) },
    { id: "changes", title: "Changes while it was trained", content: changes(files) },
    { id: "warnings", title: "Warnings", content: warnings(files) },
    { id: "timing", title: "Time", content: timing(files) },
    { id: "provenance", title: "Provenance", content: provenance(files) },
  ];
  return sections.filter(({ content }) => content.length > 0);
}

/** What to say when a file is missing or damaged; nothing when it is whole. */
function trouble(file: string, { value, fault }: Part<unknown>): Markup[] {
  if (fault !== undefined) return [notice(html("code", {}, file), " is damaged: ", fault)];
  return value === undefined ? [notice(html("code", {}, file), " is missing.")] : [];
}

function metrics({ metrics, run }: RunFiles): Content[] {
  const found = trouble("metrics.json", metrics);
  return metrics.value === undefined ? found : [...found, ...headlineSection(metrics.value, run.headline)];
}

async function figures({ figures, history, run, data }: RunFiles): Promise<Content[]> {
  const index = figures.value ?? [];
  const drawn = index.some(({ name }) => name.startsWith("learning_curve")) ? [] : await drawLearningCurve({
    history,
    simulated: run.simulated ?? data.value?.simulated ?? false,
  });
  const shown = [...drawn, ...index].map(figure);
  const problems = trouble("figures/index.json", figures);
  if (history.fault !== undefined) problems.push(...trouble("metrics.jsonl", history));
  if (shown.length === 0) {
    return [
      ...problems,
      notice(run.repeat ? "Figures are in the report of each member." : "No figures were drawn."),
    ];
  }
  return [...problems, html("div", { class: "figures" }, shown)];
}

/** The learning curve of a run that ended before its figures were drawn. */
async function drawLearningCurve(
  { history, simulated }: { readonly history: RunFiles["history"]; readonly simulated: boolean },
): Promise<FigureFile[]> {
  const records = history.value ?? [];
  if (!records.some(({ loss }) => Number.isFinite(loss))) return [];
  const { name, title, caption, svg } = await learningCurveFigure({ history: records, simulated });
  return [{ name, title, caption, svg: { value: svg } }];
}

function figure({ name, title, caption, svg }: FigureFile, index: number): Markup {
  const text = html("figcaption", {}, html("strong", {}, `${title}. `), caption);
  if (svg.value === undefined) {
    const reason = svg.fault ?? "the file is missing";
    return html("figure", {}, notice("Figure ", html("code", {}, name), " cannot be shown: ", reason), text);
  }
  const safe = sanitizeSvg(svg.value, `figure-${index + 1}-`, title);
  if ("refusal" in safe) {
    return html(
      "figure",
      {},
      notice("Figure ", html("code", {}, name), " was refused: ", safe.refusal),
      text,
    );
  }
  const dropped = safe.dropped.length > 0 &&
    notice("Left out of this figure: ", safe.dropped.map((element) => `<${element}>`).join(", "));
  const attributes = widthOf(safe.svg) > WIDE ? { class: "wide" } : {};
  return html("figure", attributes, html("div", { class: "card" }, new Markup(safe.svg)), dropped, text);
}

/** Figures wider than this, in pixels, take the whole width of the page. */
const WIDE = 760;

function widthOf(svg: string): number {
  return Number(/viewBox="[-\d.]+ [-\d.]+ ([\d.]+)/.exec(svg.slice(0, 2000))?.[1] ?? 0);
}

function tables({ results }: RunFiles): Content[] {
  const { tables = [], results: values = {} } = results.value ?? {};
  const other = Object.keys(values).length === 0
    ? []
    : [details("Further results", valueTable("Further results", values))];
  return [
    ...(results.fault === undefined ? [] : trouble("results.json", results)),
    ...tables.map(textTable),
    ...other,
  ];
}

function data({ data }: RunFiles): Content[] {
  const { value } = data;
  if (value === undefined) return trouble("data.json", data);
  const splits = Object.entries(value.tables);
  const rows = htmlTable({
    label: "Rows per split",
    columns: [{ title: "split" }, { title: "rows", isNumber: true }],
    rows: splits.map(([split, table]) => [split, table.rows]),
  });
  return [
    html(
      "p",
      {},
      html("strong", {}, value.simulated ? "Simulated. " : "Measured, not simulated. "),
      value.source,
    ),
    rows,
    ...columnTables(value),
    ...(value.notes ?? []).map(textTable),
    Object.keys(value.facts ?? {}).length > 0 &&
    details("Metadata passed to the models", valueTable("Metadata", value.facts!)),
    value.cacheKey !== undefined &&
    html("p", { class: "note" }, "Prepared columns: ", html("code", {}, `cache/${value.cacheKey}`)),
  ].filter((part) => part !== false);
}

/** One table of columns when all splits have the same, else one per split. */
function columnTables({ tables }: NonNullable<RunFiles["data"]["value"]>): Markup[] {
  const splits = Object.entries(tables);
  const same = new Set(splits.map(([, { columns }]) => JSON.stringify(Object.entries(columns).map(perRow))));
  const table = (title: string, columns: (typeof tables)[string]["columns"]): Markup => {
    const body = htmlTable({
      label: title,
      columns: [{ title: "column" }, { title: "unit" }, { title: "shape per row" }, { title: "type" }, {
        title: "description",
      }],
      rows: Object.entries(columns).map(([name, column]) => [
        html("code", {}, name),
        column.unit === "1" ? "–" : column.unit,
        shapeText(column.shape.slice(1), column.dims?.slice(1) ?? []),
        column.dtype,
        column.description ?? "",
      ]),
    });
    return html("div", { class: "block" }, html("h3", {}, title), body);
  };
  if (same.size === 1) return [table("Columns of every split", splits[0]![1].columns)];
  return splits.map(([split, { columns }]) => table(`Columns of ${split}`, columns));
}

function perRow(
  [name, column]: [string, { shape: readonly number[]; dtype: string; unit: string }],
): unknown[] {
  return [name, column.dtype, column.unit, column.shape.slice(1)];
}

/** "25 cell", "5 × 5" for dimensions without names, "–" for one number per row. */
function shapeText(shape: readonly number[], dims: readonly string[]): string {
  if (shape.length === 0) return "–";
  return shape.map((length, i) =>
    dims[i] && !/^axis\d+$/.test(dims[i]) ? `${length} ${dims[i]}` : String(length)
  ).join(" × ");
}

function configuration({ config }: RunFiles): Content[] {
  const { value } = config;
  if (value === undefined) return trouble("config.json", config);
  const { sources = {}, help = {} } = value;
  const all = flatten(value.values).map(([path, setting]) => {
    const source = sources[path] ?? "default";
    return { path, setting, source, isChanged: source !== "default" };
  });
  if (all.length === 0) return [html("p", {}, "This experiment has no settings.")];
  const ordered = [...all.filter(({ isChanged }) => isChanged), ...all.filter(({ isChanged }) => !isChanged)];
  const changed = ordered.filter(({ isChanged }) => isChanged).length;
  return [
    html(
      "p",
      {},
      changed === 0
        ? "All settings have their defaults."
        : `${changed} of ${all.length} settings were given and stand first; the others have their defaults.`,
    ),
    htmlTable({
      label: "Configuration",
      columns: [{ title: "setting" }, { title: "value" }, { title: "source" }, { title: "meaning" }],
      rows: ordered.map(({ path, setting, source }) => [
        html("code", {}, path),
        html("code", {}, jsonText(setting)),
        source,
        help[path] ?? "",
      ]),
      rowClasses: ordered.map(({ isChanged }) => isChanged ? "changed" : undefined),
    }),
  ];
}

/** What was changed when the run was resumed, and at which step. */
function changes({ run }: RunFiles): Content[] {
  const rows = (run.resumed ?? []).flatMap(({ at, steps, changed = {}, patience, schedule }) => {
    const where = Object.entries(steps).map(([model, step]) => `${model}: ${step}`).join(", ") || "the first";
    const when = [at.slice(0, 16).replace("T", " "), where];
    const all = Object.entries(changed).map(([path, { from, to }]) => [
      ...when,
      html("code", {}, path),
      from === undefined ? "–" : jsonText(from),
      jsonText(to),
    ]);
    const anew = (what: string): Content[] => [...when, what, "", "counted anew from here"];
    return [
      ...all,
      ...(schedule ? [anew("schedule of the learning rate")] : []),
      ...(patience ? [anew("epochs without a better loss")] : []),
    ];
  });
  if (rows.length === 0) return [];
  return [htmlTable({
    label: "Changes while it was trained",
    columns: ["resumed (UTC)", "after steps", "what", "from", "to"].map((title) => ({ title })),
    rows,
  })];
}

function warnings({ run }: RunFiles): Content[] {
  const found = run.warnings ?? [];
  if (found.length === 0) return [html("p", {}, "None.")];
  return [
    html(
      "ul",
      { class: "warnings" },
      found.map(({ code, message }) => html("li", {}, html("code", {}, code), " ", message)),
    ),
  ];
}

function timing({ run }: RunFiles): Content[] {
  const phases = Object.entries(run.seconds ?? {}).filter(([, seconds]) =>
    seconds >= 0 && seconds < Infinity
  );
  const total = phases.reduce((sum, [, seconds]) => sum + seconds, 0);
  const content: Content[] = [];
  if (phases.length > 0) {
    content.push(htmlTable({
      label: "Wall-clock time by phase",
      columns: [{ title: "phase" }, { title: "time", isNumber: true }, { title: "share", isNumber: true }],
      rows: [
        ...phases.map(([phase, seconds]) => [
          phase,
          formatSeconds(seconds),
          shareText(seconds / (total || 1)),
        ]),
        ["total", formatSeconds(total), ""],
      ],
      rowClasses: [...phases.map(() => undefined), "total"],
    }));
  }
  for (const [model, summary] of Object.entries(run.training ?? {})) {
    content.push(
      html("div", { class: "block" }, html("h3", {}, `Training of ${model}`), valueTable(model, summary)),
    );
  }
  return content;
}

function shareText(share: number): string {
  return share > 0 && share < 0.005 ? "< 1 %" : `${Math.round(100 * share)} %`;
}

/** What the run began with, and which weights were not there. */
function pretrained({ run: { init } }: RunFiles): Content[] {
  if (init?.models === undefined) return [];
  const rows = Object.entries(init.models).flatMap(([model, { taken, missing, otherShape, unused }]) => {
    const shapes = otherShape.map(({ name, expected, found }) => `${name}: [${found}], not [${expected}]`);
    const kinds: readonly (readonly [string, readonly string[]])[] = [
      ["taken", taken],
      ["missing, as build made them", missing],
      ["of another shape, as build made them", shapes],
      ["in the source, not used", unused],
    ];
    return kinds.filter(([, names]) => names.length > 0)
      .map(([what, names]): Content[] => [model, what, String(names.length), nameList(names)]);
  });
  return [
    html("p", {}, `Begun with the weights of ${init.kind} `, html("code", {}, init.name), "."),
    htmlTable({
      label: "Pretrained weights",
      columns: [{ title: "model" }, { title: "weights" }, { title: "count", isNumber: true }, {
        title: "names",
      }],
      rows,
    }),
  ];
}

/** Names after each other; long lists are folded. */
function nameList(names: readonly string[]): Content {
  const list = html("code", {}, names.join(", "));
  return names.length > 8 ? details(`${names.length} names`, list) : list;
}

function provenance(files: RunFiles): Content[] {
  const { run, git, inputs, permissions, environment, modules } = files;
  const command = run.command === undefined || run.command.length === 0 ? null : commandText(run.command);
  const facts: [Content, Content][] = [
    ["run", html("code", {}, run.id)],
    ["command", command === null ? "not recorded" : html("code", {}, command)],
    ["engine", run.engine ? `${run.engine.name}, ${run.engine.threads} threads` : "none used"],
    ["seed", run.seed ?? "not recorded"],
    ["configuration hash", html("code", {}, run.configHash ?? "not recorded")],
    ["code", gitText(git)],
  ];
  const versions = Object.entries(run.versions ?? {});
  return [
    definitions(facts),
    versions.length > 0 && html(
      "div",
      { class: "block" },
      html("h3", {}, "Versions"),
      definitions(versions.map(([name, version]) => [name, html("code", {}, version)])),
    ),
    html("div", { class: "block" }, html("h3", {}, "Input files"), inputTable(inputs)),
    html("div", { class: "block" }, html("h3", {}, "Permissions of the plugin"), permissionList(permissions)),
    ...foldedFile("Environment", "provenance/environment.json", environment),
    ...foldedFile("Modules", "provenance/modules.json", modules),
  ].filter((part) => part !== false);
}

function gitText({ value, fault }: Part<JsonObject>): Content {
  if (fault !== undefined) return [html("code", {}, "provenance/git.json"), " is damaged: ", fault];
  if (value === undefined || typeof value["commit"] !== "string") return "not under version control";
  const state = value["dirty"] === true
    ? ", with local changes (provenance/diff.patch)"
    : ", no local changes";
  return [html("code", {}, value["commit"]), state];
}

function inputTable(inputs: RunFiles["inputs"]): Content {
  const { value } = inputs;
  if (value === undefined) return trouble("provenance/inputs.json", inputs);
  if (value.length === 0) return html("p", {}, "None were read.");
  return htmlTable({
    label: "Input files",
    columns: [{ title: "file" }, { title: "size", isNumber: true }, {
      title: "SHA-256",
      className: "digest",
    }],
    rows: value.map(({ name, bytes, sha256 }) => [
      html("code", {}, name),
      bytes >= 0 ? formatBytes(bytes) : "–",
      html("code", {}, sha256),
    ]),
  });
}

function permissionList(permissions: Part<Json>): Content {
  const { value } = permissions;
  if (value === undefined) return trouble("provenance/permissions.json", permissions);
  if (value === null || typeof value !== "object") return html("code", {}, jsonText(value));
  return definitions(
    Object.entries(value).map(([name, granted]) => {
      const flags: readonly Json[] = Array.isArray(granted) ? granted : [granted as Json];
      const shown = flags.length === 0
        ? "none"
        : flags.map((flag) => html("code", { class: "line" }, jsonText(flag)));
      return [name, shown];
    }),
  );
}

function foldedFile(title: string, file: string, part: Part<JsonObject>): Markup[] {
  if (part.value === undefined) return part.fault === undefined ? [] : trouble(file, part);
  const entries = flatten(part.value);
  return [details(`${title} (${entries.length})`, valueTable(title, part.value), true)];
}

/** A table of dotted names and values. */
function valueTable(label: string, values: JsonObject): Markup {
  return htmlTable({
    label,
    columns: [{ title: "name" }, { title: "value" }],
    rows: flatten(values).map((
      [path, value],
    ) => [html("code", {}, path), html("code", {}, shownValue(value))]),
  });
}

function shownValue(value: Json): string {
  return typeof value === "number" ? formatNumber(value, 6) : jsonText(value);
}

/** Leaves of an object by dotted path; arrays are leaves. */
function flatten(object: JsonObject, prefix = ""): [string, Json][] {
  return Object.entries(object).flatMap(([key, value]): [string, Json][] => {
    const path = prefix === "" ? key : `${prefix}.${key}`;
    const isInner = value !== null && typeof value === "object" && !Array.isArray(value);
    return isInner && Object.keys(value).length > 0 ? flatten(value as JsonObject, path) : [[path, value]];
  });
}

/** Longest JSON shown of one value. */
const MAX_TEXT = 500;

/** Strings without quotes, others as JSON, cut where very long. */
function jsonText(value: Json): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}

/** The command as typed in a POSIX shell. */
export function commandText(command: readonly string[]): string {
  const quoted = command.map((word) =>
    /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
  );
  return command[0] === "deno" ? quoted.join(" ") : `deno task ${quoted.join(" ")}`;
}
