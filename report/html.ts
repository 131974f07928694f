/**
 * HTML as text: elements, tables, and markup that is known to be safe apart from text that is not.
 *
 * @module
 */
import { formatNumber } from "../core/format.ts";
import type { TextTable } from "../core/types.ts";
import { escapeMarkup } from "../plot/mod.ts";

/** Markup that has been escaped or made by us; plain text cannot take its place by mistake. */
export class Markup {
  constructor(readonly text: string) {}
}

/** What can stand in an element: text is escaped, markup is not. */
export type Content = string | number | Markup | null | undefined | false | readonly Content[];

/** Attributes; those that are undefined or false are left out, `true` is written without a value. */
export type HtmlAttributes = { readonly [name: string]: string | number | boolean | undefined };

const VOID_ELEMENTS = new Set(["meta", "br", "hr", "img", "wbr"]);

/** One element. */
export function html(name: string, attributes: HtmlAttributes, ...content: readonly Content[]): Markup {
  let head = `<${name}`;
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    head += value === true ? ` ${key}` : ` ${key}="${escapeMarkup(String(value))}"`;
  }
  if (VOID_ELEMENTS.has(name)) return new Markup(`${head}>`);
  return new Markup(`${head}>${markupOf(content)}</${name}>`);
}

/** The markup of some content. */
export function markupOf(content: Content): string {
  if (content === null || content === undefined || content === false) return "";
  if (content instanceof Markup) return content.text;
  if (typeof content === "string" || typeof content === "number") return escapeMarkup(String(content));
  return content.map(markupOf).join("");
}

/** A column of a table. */
export interface HtmlColumn {
  readonly title: Content;
  /** Numbers stand at the right. */
  readonly isNumber?: boolean;
  readonly className?: string;
}

/** Options of {@linkcode htmlTable}. */
export interface HtmlTableOptions {
  /** Names the table for those who do not see it, and the region that scrolls. */
  readonly label: string;
  readonly columns: readonly HtmlColumn[];
  /** The first cell of each row is its header. */
  readonly rows: readonly (readonly Content[])[];
  /** A class per row, or undefined. */
  readonly rowClasses?: readonly (string | undefined)[];
}

/** A table in its own region that scrolls sideways on narrow screens and can be reached by keyboard. */
export function htmlTable({ label, columns, rows, rowClasses = [] }: HtmlTableOptions): Markup {
  const classOf = ({ isNumber, className }: HtmlColumn): string | undefined =>
    [isNumber ? "number" : "", className ?? ""].filter((name) => name !== "").join(" ") || undefined;
  const head = columns.map((column) => html("th", { scope: "col", class: classOf(column) }, column.title));
  const body = rows.map((row, i) =>
    html(
      "tr",
      { class: rowClasses[i] },
      columns.map((column, j) => {
        const attributes = { class: classOf(column) };
        return j === 0 ? html("th", { ...attributes, scope: "row" }, row[j]) : html("td", attributes, row[j]);
      }),
    )
  );
  const table = html("table", {}, html("thead", {}, html("tr", {}, head)), html("tbody", {}, body));
  return html("div", { class: "scroll", role: "region", "aria-label": label, tabindex: 0 }, table);
}

/** A plugin's table with its title and note. */
export function textTable({ title, columns, rows, note }: TextTable): Markup {
  const isNumber = columns.map((_, i) => {
    const cells = rows.map((row) => row[i]).filter((cell) => cell !== null && cell !== undefined);
    return cells.length > 0 && cells.every((cell) => typeof cell === "number");
  });
  const table = htmlTable({
    label: title,
    columns: columns.map((name, i) => ({ title: name, isNumber: isNumber[i]! })),
    rows: rows.map((row) =>
      row.map((cell) => typeof cell === "number" ? formatNumber(cell, 6) : cell ?? "–")
    ),
  });
  return html(
    "div",
    { class: "block" },
    html("h3", {}, title),
    table,
    note && html("p", { class: "note" }, note),
  );
}

/** Names and values side by side. */
export function definitions(entries: readonly (readonly [Content, Content])[]): Markup {
  return html(
    "dl",
    {},
    entries.map(([name, value]) => html("div", {}, html("dt", {}, name), html("dd", {}, value))),
  );
}

/** A remark that something is missing or was left out. */
export function notice(...content: readonly Content[]): Markup {
  return html("p", { class: "notice" }, ...content);
}

/** Less important content, closed until asked for; open on paper, unless it is long: then it is not printed. */
export function details(title: Content, content: Content, isLong = false): Markup {
  return html("details", { class: isLong ? "long" : undefined }, html("summary", {}, title), content);
}
