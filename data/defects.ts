/**
 * A list of what is wrong with data: every fault of every file, counted by rule, with the first places of each. Bounded,
 * however many there are.
 *
 * A reader adds what it finds and goes on. Faults of single rows (events, images, sections) can be left out; those of a
 * whole file cannot. {@linkcode Defects.settle} then either throws the whole list, or, where the user gave `--skip-bad`
 * (a field `skipBad` of the plugin's configuration), warns and returns the table for the report.
 *
 * @module
 */
import { DataError } from "../core/errors.ts";
import type { TextTable } from "../core/types.ts";

/** One thing wrong with data. */
export interface Defect {
  /** Path of the file. */
  readonly file: string;
  /** What should hold, such as `"E_MC" must not be negative`. */
  readonly rule: string;
  /** What was found. */
  readonly found: string | number;
  /** Where, such as "event 17, voxel 3". */
  readonly where?: string;
  /** The row that can be left out, from 0. Without it, the whole file is unfit. */
  readonly row?: number;
}

/** All defects of one file against one rule. */
export interface DefectGroup {
  readonly file: string;
  readonly rule: string;
  /** How many there are. */
  readonly count: number;
  /** How many rows have one; exact where rows come in order. */
  readonly rows: number;
  /** Whether some of them are not of a row, so that leaving out rows does not help. */
  readonly isWhole: boolean;
  /** The first ones, as text. */
  readonly places: readonly string[];
}

/** A file in which defects were looked for. */
export interface CheckedFile {
  readonly file: string;
  /** Rows that were looked at. */
  readonly rows: number;
  /** 1 for a row with a defect; shorter than the file where the last rows have none. */
  readonly bad: Uint8Array<ArrayBuffer>;
}

/** Plain data, as they travel between threads. */
export interface DefectsState {
  readonly groups: readonly DefectGroup[];
  readonly files: readonly CheckedFile[];
}

/** Options of {@linkcode Defects}. */
export interface DefectsOptions {
  /** What a row is called, in the plural. @default "events" */
  readonly rowName?: string;
  /** Places that are named of each rule and file. @default 5 */
  readonly places?: number;
}

/** Code of the warning that rows were left out. */
const SKIPPED = "skipped-events";
/** Rules and files that an error or a table lists; the others are counted. */
const LISTED_GROUPS = 30;

/** A group that still grows. */
interface OpenGroup {
  readonly file: string;
  readonly rule: string;
  readonly places: string[];
  count: number;
  rows: number;
  isWhole: boolean;
  lastRow: number;
}

/** A file that is still being checked. */
interface OpenFile {
  rows: number;
  bad: Uint8Array<ArrayBuffer>;
}

/**
 * Collects defects.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * const defects = new Defects();
 * defects.checked("a.npz", 4);
 * for (const [row, energy] of [3, -1, 2, -5].entries()) {
 *   if (energy >= 0) continue;
 *   defects.add({ file: "a.npz", rule: "energies must not be negative", found: energy, where: `event ${row}`, row });
 * }
 * assert.equal(defects.leftOut("a.npz"), 2);
 * assert.throws(() => defects.settle(false, { warn() {} }), /2 defects in 2 of 4 events: .*: -1 in event 1/);
 * ```
 */
export class Defects {
  readonly #rowName: string;
  readonly #places: number;
  readonly #groups = new Map<string, OpenGroup>();
  readonly #files = new Map<string, OpenFile>();
  /** The first error that was caught, to be thrown as it is when nothing else is wrong. */
  #error: DataError | undefined;

  constructor({ rowName = "events", places = 5 }: DefectsOptions = {}) {
    this.#rowName = rowName;
    this.#places = places;
  }

  /** Notes that rows of a file were looked at, sound or not. */
  checked(file: string, rows: number): void {
    this.#file(file).rows = rows;
  }

  /** Adds a defect. Takes memory for the first places of each rule and for one byte per row of the file. */
  add({ file, rule, found, where, row }: Defect): void {
    const group = this.#group(file, rule);
    group.count++;
    if (row === undefined) group.isWhole = true;
    else {
      if (row !== group.lastRow) group.rows++;
      group.lastRow = row;
      this.#mark(file, row);
    }
    if (group.places.length >= this.#places) return;
    const place = where === undefined ? "" : ` in ${where}`;
    group.places.push(`${found}${place}`);
  }

  /** Adds that a part of a file cannot be read; errors that are not about data are thrown on. */
  addError(error: unknown, file: string): void {
    if (!(error instanceof DataError)) throw error;
    this.#error ??= error;
    this.add({ file: error.file ?? file, rule: error.message, found: "" });
  }

  /** Adds what another list holds, such as that of another thread. */
  merge({ groups, files }: DefectsState): void {
    for (const { file, rule, count, rows, isWhole, places } of groups) {
      const group = this.#group(file, rule);
      group.count += count;
      group.rows += rows;
      group.isWhole ||= isWhole;
      group.places.push(...places.slice(0, this.#places - group.places.length));
    }
    for (const { file, rows, bad } of files) {
      this.checked(file, rows);
      bad.forEach((isBad, row) => isBad && this.#mark(file, row));
    }
  }

  /** Everything found so far. */
  get state(): DefectsState {
    return {
      groups: [...this.#groups.values()].map(({ lastRow: _, ...group }) => ({ ...group })),
      files: [...this.#files].map(([file, { rows, bad }]) => ({ file, rows, bad })),
    };
  }

  /** How many defects there are. */
  get count(): number {
    return [...this.#groups.values()].reduce((sum, { count }) => sum + count, 0);
  }

  /** Whether a file as a whole is unfit, so that no row of it can be used. */
  get isFatal(): boolean {
    return [...this.#groups.values()].some(({ isWhole }) => isWhole);
  }

  /** Whether a row has a defect. */
  isBad(file: string, row: number): boolean {
    return this.#files.get(file)?.bad[row] === 1;
  }

  /** How many rows of a file, or of all files, have a defect. */
  leftOut(file?: string): number {
    const files = file === undefined ? [...this.#files.values()] : [this.#files.get(file)];
    return files.reduce((sum, one) => sum + (one?.bad.reduce((n, isBad) => n + isBad, 0) ?? 0), 0);
  }

  /**
   * The whole list in one line: each rule with its count and first places.
   *
   * Of a single defect it is `Cannot use "f" as <rule>: found <found> in <where>`.
   */
  error(): DataError {
    const groups = [...this.#groups.values()];
    const files = [...new Set(groups.map(({ file }) => file))];
    if (this.count === 1 && this.#error !== undefined) return this.#error;
    const what = this.count === 1 ? this.#single(groups[0]!) : this.#several(groups, files);
    const remedy = this.#remedy();
    return new DataError(
      `Cannot use ${what}${remedy}`,
      files.length === 1 ? files[0] : undefined,
      this.#error && { cause: this.#error },
    );
  }

  /** The list as a table of the report, with what was left out in its note. */
  table(): TextTable {
    const groups = [...this.#groups.values()];
    return {
      name: "skipped",
      title: `Left out: ${this.#rowName} with defects`,
      columns: ["file", "rule", "defects", this.#rowName, "first places"],
      rows: groups.slice(0, LISTED_GROUPS).map((group) => [
        nameOf(group.file),
        group.rule,
        group.count,
        group.rows,
        placesOf(group),
      ]),
      note: `${this.#summary()}. Means and counts are of the others.${
        groups.length > LISTED_GROUPS ? ` ${groups.length - LISTED_GROUPS} more rules are not listed.` : ""
      }`,
    };
  }

  /**
   * Ends a check: nothing where there is no defect, else the list as an error or as a warning and a table.
   *
   * @param skip Whether to go on without the bad rows.
   * @param context Takes the warning `skipped-events`; that of a hook.
   * @returns The table of what is left out, if anything is.
   * @throws {DataError} The whole list, if bad rows are not to be skipped, a file as a whole is unfit, or no row of one is
   * left.
   */
  settle(skip: boolean, context: { warn(code: string, message: string): void }): TextTable[] {
    if (this.#groups.size === 0) return [];
    if (!skip || this.isFatal || this.#emptied().length > 0) throw this.error();
    context.warn(SKIPPED, `${this.#summary()}, as they have defects (--skip-bad)`);
    return [this.table()];
  }

  /** Files of which no row is left. */
  #emptied(): string[] {
    return [...this.#files].filter(([file, { rows }]) => rows > 0 && this.leftOut(file) >= rows)
      .map(([file]) => file);
  }

  #remedy(): string {
    if (this.isFatal) return "";
    const emptied = this.#emptied();
    if (emptied.length === 0) return `; --skip-bad goes on without the bad ${this.#rowName}`;
    return `; none of the ${this.#rowName} of ${emptied.map((file) => `"${file}"`).join(" and ")} is sound`;
  }

  #group(file: string, rule: string): OpenGroup {
    const key = `${file}\n${rule}`;
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = { file, rule, places: [], count: 0, rows: 0, isWhole: false, lastRow: -1 };
      this.#groups.set(key, group);
    }
    return group;
  }

  #file(file: string): OpenFile {
    let found = this.#files.get(file);
    if (found === undefined) {
      found = { rows: 0, bad: new Uint8Array(0) };
      this.#files.set(file, found);
    }
    return found;
  }

  #mark(file: string, row: number): void {
    const found = this.#file(file);
    if (row >= found.bad.length) {
      const larger = new Uint8Array(Math.max(row + 1, found.rows, 2 * found.bad.length));
      larger.set(found.bad);
      found.bad = larger;
    }
    found.bad[row] = 1;
  }

  #single({ file, rule, places }: OpenGroup): string {
    return `"${file}" as ${rule}: found ${places[0]}`;
  }

  #several(groups: readonly OpenGroup[], files: readonly string[]): string {
    const one = files.length === 1;
    const what = one
      ? `"${files[0]}" as its data must be sound`
      : `${files.length} files as their data must be sound`;
    const rows = this.leftOut();
    const total = files.reduce((sum, file) => sum + this.#file(file).rows, 0);
    const spread = rows === 0 ? "" : ` in ${rows} of ${total} ${this.#rowName}`;
    const listed = groups.slice(0, LISTED_GROUPS).map((group, i) =>
      `(${i + 1}) ${one || group.places[0] === "" ? "" : `"${group.file}", `}${group.rule}${timesOf(group)}`
    );
    const others = groups.length - listed.length;
    if (others > 0) listed.push(`and ${others} more rules`);
    return `${what}: found ${this.count} defects${spread}: ${listed.join("; ")}`;
  }

  /** "left out 2 of 300 events of a.npz and 1 of 40 events of b.npz". */
  #summary(): string {
    const parts = [...this.#files].flatMap(([file, { rows }]) => {
      const bad = this.leftOut(file);
      return bad === 0 ? [] : [`${bad} of ${rows} ${this.#rowName} of ${nameOf(file)}`];
    });
    return `left out ${parts.join(" and ")}`;
  }
}

/** ", 14 times: NaN in event 3, cell 0 | NaN in event 5, cell 1 ... and 12 more"; nothing for an error that says it all. */
function timesOf(group: OpenGroup): string {
  if (group.places[0] === "") return "";
  return `${group.count === 1 ? "" : `, ${group.count} times`}: ${placesOf(group)}`;
}

function placesOf({ places, count }: Pick<DefectGroup, "places" | "count">): string {
  const shown = places.join(" | ");
  return count > places.length ? `${shown} ... and ${count - places.length} more` : shown;
}

function nameOf(file: string): string {
  return file.split(/[\\/]/).at(-1)!;
}
