/**
 * From files or the simulation to tables: choosing what is read, splitting.
 *
 * @module
 */
import { DataError } from "beamline";
import type {
  Fold,
  HookContext,
  JsonObject,
  NewData,
  PrepareContext,
  Prepared,
  Table,
  TextTable,
} from "beamline";
import { column, foldRows } from "beamline/data";
import { CELLS, COLUMNS, ROWS, RUNS } from "./geometry.ts";
import { forEachRange, type Maps, openFiles, openMaps, type RunMaps, sectionOf } from "./map_files.ts";
import { simulatedRun, simulateSections } from "./simulation.ts";

/** What decides which maps are used. */
export interface MapsOptions {
  /** Folder of the files; simulated without. */
  readonly data?: string | undefined;
  /** Sections per run. @default 2000 simulated, all of the files */
  readonly rows?: number | undefined;
  readonly difficulty: number;
  /** Whether to leave out sections with defects. @default false */
  readonly skipBad?: boolean;
}

/** Sections per simulated run. */
export const DEFAULT_ROWS = 2000;
/** Fewest sections per run: each part of a split must have some. */
export const MIN_ROWS = 20;
/** Both runs, and the table of the sections that were left out of their files. */
export interface OpenRuns {
  readonly runs: readonly RunMaps[];
  readonly skipped: readonly TextTable[];
}

/** Opens both runs. Close them when done. */
export async function openRuns(
  options: MapsOptions,
  context: Pick<HookContext, "random" | "warn">,
): Promise<OpenRuns> {
  if (options.data !== undefined) {
    return await openFiles(options.data, options, context);
  }
  const rows = options.rows ?? DEFAULT_ROWS;
  const { random } = context;
  const runs = RUNS.map((run, label) => {
    const make = simulatedRun(label as 0 | 1, { rows, difficulty: options.difficulty, random });
    return {
      run,
      rows,
      origin: "simulation",
      read: (from: number, to: number) => Promise.resolve(simulateSections(make, from, to)),
      close() {},
    };
  });
  return { runs, skipped: [] };
}

/** Parts of a split in the order of {@linkcode splitSections}' numbers. */
export const PARTS = ["train", "validation", "test"] as const;
/** Shares of validation and test; the rest is for training. */
const SHARE = 0.15;
/** Blocks of adjacent sections per run; fewer when the run is short. */
const BLOCKS = 20;

/** Which part each section of each run belongs to, and its block. */
export interface Split {
  /** Per run: 0, 1 or 2 for each section. */
  readonly parts: readonly Uint8Array[];
  /** Blocks per run. */
  readonly blocks: number;
  /** Block of a section. */
  block(label: number, section: number): number;
}

/**
 * Divides sections into training, validation and test part, 70 : 15 : 15, or by a fold.
 *
 * `blocked`: whole blocks of adjacent sections, the same blocks of both runs, so that neither neighbours nor the time
 * in the run tell anything. `random`: single sections, as the source does.
 */
export function splitSections(
  kind: "blocked" | "random",
  rows: readonly number[],
  random: HookContext["random"],
  fold?: Fold,
): Split {
  const fewest = Math.min(...rows);
  const blocks = Math.min(BLOCKS, Math.floor(fewest / 3));
  const block = (label: number, section: number) => Math.floor(section * blocks / rows[label]!);
  const share = (count: number) => Math.max(1, Math.round(SHARE * count));
  const drawn = (count: number, order: Uint32Array) => {
    const parts = new Uint8Array(count);
    const { test, rest } = fold
      ? foldRows(order, fold)
      : { test: order.subarray(0, share(count)), rest: order.subarray(share(count)) };
    test.forEach((i) => parts[i] = 2);
    rest.subarray(0, share(count)).forEach((i) => parts[i] = 1);
    return parts;
  };
  if (kind === "random") {
    const parts = rows.map((count, label) =>
      drawn(count, random(`split/random/${RUNS[label]}`).permutation(count))
    );
    return { parts, blocks, block };
  }
  const ofBlock = drawn(blocks, random("split/blocked").permutation(blocks));
  const parts = rows.map((count, label) =>
    Uint8Array.from({ length: count }, (_, section) => ofBlock[block(label, section)]!)
  );
  return { parts, blocks, block };
}

/** Center and scale of a network's input, from the training part alone. */
export interface InputScale extends JsonObject {
  /** Mean of log1p(occupancy) over the filled cells of each row of ieta; 0 where none is filled. */
  readonly center: readonly number[];
  /** Root mean square of log1p(occupancy) - center over the filled cells. */
  readonly scale: number;
}

/** What models and evaluation need to know of the data. */
export interface Metadata extends JsonObject {
  /** By column of maps. */
  readonly scales: { readonly [column: string]: InputScale };
  readonly split: "blocked" | "random";
  readonly blocks: number;
  readonly difficulty: number | null;
}

/** What `prepare` needs beside where the maps come from. */
export interface PrepareOptions extends MapsOptions {
  readonly split: "blocked" | "random";
}

/** Reads or simulates both runs and divides them into tables of float32 maps. */
export async function prepareTables(
  options: PrepareOptions,
  context: PrepareContext,
): Promise<Prepared<Metadata>> {
  const { runs, skipped } = await openRuns(options, context);
  try {
    requireSections(runs);
    const split = splitSections(options.split, runs.map(({ rows }) => rows), context.random, context.fold);
    const builders = PARTS.map((_, part) => tableBuilder(countOf(split, part)));
    const total = runs.reduce((sum, { rows }) => sum + rows, 0);
    let done = 0;
    for (const [label, run] of runs.entries()) {
      await forEachRange(run, (maps, from, to) => {
        for (let section = from; section < to; section++) {
          const map = maps.subarray((section - from) * CELLS, (section - from + 1) * CELLS);
          const block = split.block(label, section);
          builders[split.parts[label]![section]!]!.add(map, label, sectionOf(run, section), block);
        }
        context.progress(done += to - from, total, options.data === undefined ? "simulating" : "reading");
      });
    }
    const tables = Object.fromEntries(PARTS.map((name, part) => [name, builders[part]!.table]));
    const simulated = options.data === undefined;
    return {
      tables,
      simulated,
      source: sourceOf(runs, options),
      metadata: {
        scales: { occupancy: inputScale(builders[0]!.maps) },
        split: options.split,
        blocks: split.blocks,
        difficulty: simulated ? options.difficulty : null,
      },
      notes: [splitNote(runs, split, options.split), ...skipped],
    };
  } finally {
    for (const run of runs) run.close();
  }
}

/**
 * Maps without labels: one file, or a folder with files of both runs.
 *
 * @param columns Names under which networks take the maps.
 */
export async function openNewMaps(
  path: string,
  columns: readonly string[],
  { skipBad }: { readonly skipBad?: boolean },
  context: Pick<HookContext, "warn">,
): Promise<NewData> {
  const open = Deno.statSync(path).isDirectory ? openFiles : openMaps;
  const { runs, skipped } = await open(path, { skipBad }, context);
  try {
    const rows = runs.reduce((sum, run) => sum + run.rows, 0);
    const builder = tableBuilder(rows);
    for (const [i, run] of runs.entries()) {
      await forEachRange(run, (maps, from, to) => {
        for (let section = from; section < to; section++) {
          const map = maps.subarray((section - from) * CELLS, (section - from + 1) * CELLS);
          builder.add(map, i, sectionOf(run, section), 0);
        }
      });
    }
    const { occupancy, label, section } = builder.table as {
      [name: string]: Table[string];
    };
    return {
      table: {
        ...Object.fromEntries(columns.map((name) => [name, occupancy!])),
        section: section!,
        ...(runs.length > 1 &&
          {
            file: {
              ...label!,
              description: "position of the file, sorted by run",
            },
          }),
      },
      simulated: false,
      source: `${rows} luminosity sections of ${
        runs.map(({ origin }) => origin.split("/").at(-1)).join(" and ")
      }${skipped.map(({ note }) => `; ${note}`).join("")}`,
      notes: skipped,
    };
  } finally {
    for (const run of runs) run.close();
  }
}

function requireSections(runs: readonly RunMaps[]): void {
  for (const { run, rows, origin } of runs) {
    if (rows >= MIN_ROWS) continue;
    throw new DataError(
      `Cannot train on run ${run} as each run must have ${MIN_ROWS} sections for the parts of a split: found ${rows} in "${origin}"`,
      origin,
    );
  }
}

function countOf(split: Split, part: number): number {
  return split.parts.reduce((sum, parts) => sum + parts.reduce((n, p) => n + Number(p === part), 0), 0);
}

/** Fills the columns of a table row by row, without a copy of the maps beside it. */
function tableBuilder(rows: number): {
  readonly maps: Float32Array<ArrayBuffer>;
  readonly table: Table;
  add(map: Maps, label: number, section: number, block: number): void;
} {
  const maps = new Float32Array(rows * CELLS);
  const [labels, sections, blocks] = [new Int32Array(rows), new Int32Array(rows), new Int32Array(rows)];
  let row = 0;
  return {
    maps,
    table: {
      occupancy: mapColumn(maps),
      label: column(labels, { unit: "1", description: `0 is run ${RUNS[0]}, 1 is run ${RUNS[1]}` }),
      section: column(sections, { unit: "1", description: "position of the luminosity section in its run" }),
      block: column(blocks, { unit: "1", description: "block of adjacent sections" }),
    },
    add(map, label, section, block) {
      maps.set(map, row * CELLS);
      labels[row] = label;
      sections[row] = section;
      blocks[row++] = block;
    },
  };
}

/** A column of maps. */
export function mapColumn(maps: Float32Array<ArrayBuffer>): Table[string] {
  return column(maps, {
    unit: "hits",
    shape: [maps.length / CELLS, ROWS, COLUMNS],
    dims: ["row", "ieta", "iphi"],
    description: "mean number of hits of a cell in a luminosity section",
  });
}

/**
 * Center and scale of log1p(occupancy), from the given maps alone. The center is one number per row of ieta, so that a
 * cell without hits, dead or not read out, can stand at the center.
 */
export function inputScale(maps: Float32Array): { center: number[]; scale: number } {
  const [sums, squares, counts] = [new Float64Array(ROWS), new Float64Array(ROWS), new Float64Array(ROWS)];
  for (let i = 0; i < maps.length; i++) {
    if (!(maps[i]! > 0)) continue;
    const row = Math.floor(i % CELLS / COLUMNS);
    const value = Math.log1p(maps[i]!);
    sums[row]! += value;
    squares[row]! += value * value;
    counts[row]!++;
  }
  let [spread, total] = [0, 0];
  const center = Array.from(sums, (sum, row) => {
    if (counts[row] === 0) return 0;
    const mean = sum / counts[row]!;
    spread += squares[row]! - mean * sum;
    total += counts[row]!;
    return mean;
  });
  const scale = Math.sqrt(Math.max(0, spread) / Math.max(1, total));
  return { center, scale: scale > 0 ? scale : 1 };
}

function sourceOf(runs: readonly RunMaps[], { data, difficulty }: MapsOptions): string {
  const counts = runs.map(({ run, rows }) => `${rows} luminosity sections of run ${run}`).join(" and ");
  return data === undefined
    ? `${counts}, simulated at difficulty ${difficulty}`
    : `${counts}, read from ${runs.map(({ origin }) => origin.split("/").at(-1)).join(" and ")}`;
}

const REASONS = {
  blocked:
    "Whole blocks of adjacent luminosity sections, the same blocks of both runs, go to one part: neighbouring sections " +
    "are alike, so that a random division would test on near copies of training rows.",
  random:
    "Single sections are drawn at random, as the published solutions do: neighbours of test sections are in " +
    "the training part, so that the result can be too good; --split blocked is the honest one.",
};

function splitNote(runs: readonly RunMaps[], split: Split, kind: "blocked" | "random"): TextTable {
  const count = (label: number, part: number) =>
    split.parts[label]!.reduce((n, p) => n + Number(p === part), 0);
  return {
    name: "split",
    title: `Split: ${kind}`,
    columns: ["part", ...runs.map(({ run }) => `run ${run}`)],
    rows: PARTS.map((name, part) => [name, ...runs.map((_, label) => count(label, part))]),
    note: kind === "blocked" ? `${REASONS.blocked} ${split.blocks} blocks per run.` : REASONS.random,
  };
}
