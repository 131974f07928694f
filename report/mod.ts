/**
 * One run directory in, one HTML document out: nothing to fetch, no script, readable in light and dark, on paper, on a
 * narrow screen and by keyboard. Whatever a plugin wrote is escaped or, for figures, rewritten from a list of what is
 * allowed; a policy in the page forbids everything but its own style sheet and images inside it.
 *
 * @module
 */
import { html, Markup, markupOf, notice } from "./html.ts";
import type { Content } from "./html.ts";
import { readRunFiles } from "./read.ts";
import type { RunFiles } from "./read.ts";
import { allSections } from "./sections.ts";
import type { Section } from "./sections.ts";
import { reportStyle } from "./style.ts";

/** Nothing may be loaded, sent or run; styles and images only from inside the page. */
const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/** Options of {@linkcode renderReport}. */
export interface ReportOptions {
  /** Language of the page, for screen readers and hyphenation. @default "en" */
  readonly language?: string;
  /** How far the run is, where more is known than `run.json` says. @default its status */
  readonly status?: string;
}

/**
 * The report of a run.
 *
 * Missing and damaged files are noted in the page; only `run.json` is needed. The same directory gives the same bytes.
 *
 * @param directory A run directory, finished or not.
 * @returns A whole HTML document.
 * @throws {NotFoundError} If there is no `run.json`.
 * @throws {DataError} If `run.json` is damaged.
 */
export async function renderReport(
  directory: string,
  { language = "en", status }: ReportOptions = {},
): Promise<string> {
  const files = await readRunFiles(directory);
  const sections = await allSections(files);
  const { run } = files;
  const head = html(
    "head",
    {},
    html("meta", { charset: "utf-8" }),
    html("meta", { "http-equiv": "Content-Security-Policy", content: POLICY }),
    html("meta", { name: "viewport", content: "width=device-width, initial-scale=1" }),
    html("meta", { name: "referrer", content: "no-referrer" }),
    html("title", {}, `${run.plugin.title} – ${run.id}`),
    html("style", {}, new Markup(reportStyle())),
  );
  const body = html(
    "body",
    {},
    html("a", { class: "skip", href: "#content" }, "Skip to the content"),
    header(files, sections, status ?? files.run.status),
    html("main", { id: "content" }, sections.map(section)),
    html("footer", {}, footer(files)),
  );
  return `<!doctype html>\n<html lang="${markupOf(language)}">\n${head.text}\n${body.text}\n</html>\n`;
}

function header(files: RunFiles, sections: readonly Section[], status: string): Markup {
  const { run } = files;
  const links = sections.map(({ id, title }) => html("li", {}, html("a", { href: `#${id}` }, title)));
  return html(
    "header",
    {},
    html("h1", {}, run.plugin.title),
    html("ul", { class: "badges", "aria-label": "State" }, badges(files, status)),
    html("p", { class: "facts" }, facts(files)),
    labels(files),
    run.error && errorBox(run.error),
    run.summary !== undefined && run.summary !== "" && html("p", { class: "summary" }, run.summary),
    (run.warnings ?? []).length > 0 && warningLink(run.warnings!.length),
    html("nav", { "aria-label": "Contents" }, html("ul", {}, links)),
  );
}

const STATUS_CLASSES = new Set(["running", "finished", "failed", "interrupted"]);

function badges({ run, data }: RunFiles, state: string): Markup[] {
  const simulated = run.simulated ?? data.value?.simulated ?? null;
  const status = html("li", { class: STATUS_CLASSES.has(state) ? state : "failed" }, state);
  return simulated === true ? [status, html("li", { class: "simulated" }, "SIMULATED DATA")] : [status];
}

function facts({ run }: RunFiles): Content {
  const what = run.action === "run" ? run.plugin.name : `${run.plugin.name}, action ${run.action}`;
  return [
    what,
    " · run ",
    html("code", {}, run.id),
    " · ",
    html("time", { datetime: run.created }, dateText(run.created)),
  ];
}

/** What the user calls the run; nothing where it has no labels. */
function labels({ run: { name, tags = [], note } }: RunFiles): Content {
  const parts = [
    ...(name === undefined ? [] : [html("strong", {}, name)]),
    ...tags.map((tag) => html("span", { class: "tag" }, tag)),
  ];
  return [
    parts.length > 0 &&
    html("p", { class: "facts" }, parts.flatMap((part, i) => i === 0 ? [part] : [" · ", part])),
    note !== undefined && html("p", { class: "note" }, note),
  ];
}

/** "2026-11-21 20:45 UTC"; other texts as they are. */
function dateText(iso: string): string {
  const match = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(:\d\d(\.\d+)?)?Z$/.exec(iso);
  return match ? `${match[1]} ${match[2]} UTC` : iso;
}

function errorBox(error: NonNullable<RunFiles["run"]["error"]>): Markup {
  const where = typeof error.hook === "string" ? ` in ${error.hook}` : "";
  return html(
    "p",
    { class: "error", role: "note" },
    html("strong", {}, `${error.name ?? "Error"}${where}: `),
    error.message,
  );
}

function warningLink(count: number): Markup {
  return notice(
    html("a", { href: "#warnings" }, count === 1 ? "1 warning" : `${count} warnings`),
    " to read.",
  );
}

function section({ id, title, content }: Section): Markup {
  return html(
    "section",
    { id, "aria-labelledby": `${id}-title` },
    html("h2", { id: `${id}-title` }, title),
    ...content,
  );
}

function footer({ run }: RunFiles): Content {
  const version = run.versions?.["beamline"];
  return `Made by Beamline${version === undefined ? "" : ` ${version}`} from the files of the run directory.`;
}
