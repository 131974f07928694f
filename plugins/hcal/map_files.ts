/**
 * Files of maps: found, opened, checked, read in ranges.
 *
 * @module
 */
import { DataError } from "beamline";
import type { HookContext, TextTable } from "beamline";
import { Defects, describeArray, type NpyFile, openNpy } from "beamline/data";
import { CELLS, COLUMNS, ietaOfRow, ROWS, RUNS } from "./geometry.ts";

/** Maps as they come from a run: float64 or float32, in order of the luminosity sections. */
export type Maps = Float64Array | Float32Array;

/** The maps of one run, read in ranges. */
export interface RunMaps {
  readonly run: number;
  /** Sections that are used. */
  readonly rows: number;
  /** Position of each used section in the file, where some were left out; else they are all there. */
  readonly sections?: Int32Array;
  /** Where they come from, for messages. */
  readonly origin: string;
  /** Maps of sections `from` up to, not including, `to`, row-major [section, ieta, iphi], in hits; all are sound. */
  read(from: number, to: number): Promise<Maps>;
  close(): void;
}

/** Position in its file of the i-th section that is used. */
export function sectionOf({ sections }: RunMaps, i: number): number {
  return sections?.[i] ?? i;
}

/** Sections that are read at a time: 9 MB of float64. */
export const RANGE_ROWS = 256;

/** Calls back with the maps of a run, some hundred sections at a time. */
export async function forEachRange(
  run: RunMaps,
  use: (maps: Maps, from: number, to: number) => void,
): Promise<void> {
  for (let from = 0; from < run.rows; from += RANGE_ROWS) {
    const to = Math.min(run.rows, from + RANGE_ROWS);
    use(await run.read(from, to), from, to);
  }
}

/** How files are read. */
export interface OpenMapsOptions {
  /** The first sections of a file that are looked at. @default all */
  readonly rows?: number | undefined;
  /** Whether to leave out sections with defects. @default false */
  readonly skipBad?: boolean | undefined;
}

/** Maps of files, and the table of the sections that were left out. */
export interface OpenMaps {
  readonly runs: readonly RunMaps[];
  readonly skipped: readonly TextTable[];
}

/**
 * Opens `Run<number>_Dataset*.npy` of both runs in a folder.
 *
 * @throws {DataError} With everything that is wrong with both: a run is missing or there twice, a file is not an array of
 * maps; with `skipBad`, no section is sound. Without, reading a section with a fault throws all faults of both files.
 */
export async function openFiles(
  directory: string,
  options: OpenMapsOptions,
  context: Pick<HookContext, "warn">,
): Promise<OpenMaps> {
  const defects = newDefects();
  const names = [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
  const files: MapFile[] = [];
  for (const run of RUNS) {
    try {
      files.push(
        await openMapFile(findFile(directory, names, run), run, options.rows),
      );
    } catch (error) {
      defects.addError(error, directory);
    }
  }
  return await openChecked(files, defects, options, context);
}

/**
 * Opens one file of maps.
 *
 * @throws {DataError} If it is no .npy file, truncated, or not float64 or float32 of shape [sections, 64, 72]; as
 * {@linkcode openFiles}.
 */
export async function openMaps(
  path: string,
  options: OpenMapsOptions,
  context: Pick<HookContext, "warn">,
): Promise<OpenMaps> {
  return await openChecked(
    [await openMapFile(path, 0, options.rows)],
    newDefects(),
    options,
    context,
  );
}

const newDefects = () => new Defects({ rowName: "sections" });

/** A file before its values are looked at. */
interface MapFile {
  readonly path: string;
  readonly run: number;
  readonly rows: number;
  read(from: number, to: number): Promise<Maps>;
  close(): void;
}

/** Looks at all sections where that decides what is used, or where something is wrong already; else when they are read. */
async function openChecked(
  files: readonly MapFile[],
  defects: Defects,
  { skipBad = false }: OpenMapsOptions,
  context: Pick<HookContext, "warn">,
): Promise<OpenMaps> {
  const lookAtAll = async () => {
    for (const file of files) await checkSections(file, defects);
  };
  try {
    if (skipBad || defects.isFatal) await lookAtAll();
    const skipped = defects.settle(skipBad, context);
    let looked: Promise<void> | undefined;
    const refuse = async () => {
      await (looked ??= lookAtAll());
      return defects.error();
    };
    return { runs: files.map((file) => runOf(file, defects, refuse)), skipped };
  } catch (error) {
    for (const file of files) file.close();
    throw error;
  }
}

/** The sections of a file that are used. */
function runOf(
  file: MapFile,
  defects: Defects,
  refuse: () => Promise<DataError>,
): RunMaps {
  const { path, run, rows } = file;
  const close = () => file.close();
  if (defects.leftOut(path) === 0) {
    const read = async (from: number, to: number) => {
      const maps = await file.read(from, to);
      if (!areSound(maps)) throw await refuse();
      return maps;
    };
    return { run, rows, origin: path, read, close };
  }
  const sections = Int32Array.from({ length: rows }, (_, i) => i).filter((
    row,
  ) => !defects.isBad(path, row));
  const read = (from: number, to: number) => readSections(file, sections.subarray(from, to));
  return { run, rows: sections.length, sections, origin: path, read, close };
}

/** Some sections of a file, in increasing order. */
async function readSections(
  file: MapFile,
  sections: Int32Array,
): Promise<Maps> {
  let found: Maps | undefined;
  for (let i = 0; i < sections.length;) {
    const from = sections[i]!;
    const maps = await file.read(from, Math.min(file.rows, from + RANGE_ROWS));
    found ??= new (maps.constructor as Float64ArrayConstructor)(
      sections.length * CELLS,
    );
    for (; i < sections.length && sections[i]! < from + RANGE_ROWS; i++) {
      const at = (sections[i]! - from) * CELLS;
      found.set(maps.subarray(at, at + CELLS), i * CELLS);
    }
  }
  return found ?? new Float64Array(0);
}

function findFile(
  directory: string,
  names: readonly string[],
  run: number,
): string {
  const found = names.filter((name) => name.startsWith(`Run${run}_Dataset`) && name.endsWith(".npy"));
  if (found.length === 1) return `${directory.replace(/\/$/, "")}/${found[0]}`;
  const others = names.filter((name) => name.endsWith(".npy")).join(", ") ||
    "no .npy file";
  throw new DataError(
    `Cannot read "${directory}" as it must hold exactly one file Run${run}_Dataset*.npy: found ${
      found.length === 0 ? others : found.join(" and ")
    }; "deno task data fetch hcal" says how to get the files`,
    directory,
  );
}

async function openMapFile(
  path: string,
  run: number,
  limit = Infinity,
): Promise<MapFile> {
  const file = await openArray(path);
  const { dtype, shape } = file;
  const [sections = 0, ...grid] = shape;
  const isMaps = (dtype === "float64" || dtype === "float32") &&
    shape.length === 3 && grid[0] === ROWS &&
    grid[1] === COLUMNS;
  if (!isMaps || sections < 1) {
    file.close();
    throw new DataError(
      `Cannot read "${path}" as it must be float64 or float32 of shape [sections,${ROWS},${COLUMNS}]: found ${
        describeArray(dtype, shape)
      }`,
      path,
    );
  }
  return {
    path,
    run,
    rows: Math.min(sections, limit),
    read: async (from, to) => (await file.readRows(from, to)).data as Maps,
    close: () => file.close(),
  };
}

async function openArray(path: string): Promise<NpyFile> {
  try {
    return await openNpy(path);
  } catch (cause) {
    if (!(cause instanceof DataError) || !isMarkup(path)) throw cause;
    throw new DataError(
      `Cannot read "${path}" as it must be a NumPy file: found a web page, as CERNBox's share links give; ` +
        `open the link in a browser and save the file itself`,
      path,
      { cause },
    );
  }
}

/** Whether a file begins as HTML or XML does. */
function isMarkup(path: string): boolean {
  const start = new Uint8Array(64);
  const file = Deno.openSync(path, { read: true });
  try {
    const count = file.readSync(start) ?? 0;
    return new TextDecoder().decode(start.subarray(0, count)).trimStart()
      .startsWith("<");
  } finally {
    file.close();
  }
}

/** The largest number that a float32 holds; tables hold maps as float32. */
const LARGEST = (2 - 2 ** -23) * 2 ** 127;

function isSound(value: number): boolean {
  return value >= 0 && value <= LARGEST;
}

function areSound(maps: Maps): boolean {
  for (let i = 0; i < maps.length; i++) if (!isSound(maps[i]!)) return false;
  return true;
}

/** Goes through a file and notes every value that cannot be an occupancy. */
async function checkSections(
  { path, rows, read }: MapFile,
  defects: Defects,
): Promise<void> {
  defects.checked(path, rows);
  for (let from = 0; from < rows; from += RANGE_ROWS) {
    const maps = await read(from, Math.min(rows, from + RANGE_ROWS));
    for (let i = 0; i < maps.length; i++) {
      const value = maps[i]!;
      if (isSound(value)) continue;
      const [row, cell] = [from + Math.floor(i / CELLS), i % CELLS];
      const ieta = ietaOfRow(Math.floor(cell / COLUMNS));
      defects.add({
        file: path,
        rule: Number.isFinite(value) && value < 0
          ? "occupancies must not be negative"
          : "every occupancy must be a finite number",
        found: value,
        where: `section ${row}, ieta ${ieta}, iphi ${cell % COLUMNS}`,
        row,
      });
    }
  }
}
