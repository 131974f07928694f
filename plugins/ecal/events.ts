/**
 * Events as the experiment stores them: cells and photon truth, read from `.npz` or ROOT, checked, in one shape.
 *
 * | column | length | unit | meaning |
 * |---|---|---|---|
 * | `offsets` | events + 1 | | cells of event i are `offsets[i]` up to, not including, `offsets[i+1]` (in ROOT: the jagged branches) |
 * | `x_MC`, `y_MC` | cells | cm | cell centre |
 * | `E_MC` | cells | GeV | cell energy |
 * | `celltype` | cells | | 1 GAMS, 2 GAMS-R, 3 shashlik |
 * | `x_truth`, `y_truth` | events | cm | impact at the front of the calorimeter |
 * | `E_truth` | events | GeV | photon energy |
 *
 * Truth may be absent; other columns are ignored.
 *
 * @module
 */
import { DataError, type NdArray } from "beamline";
import {
  Defects,
  isNested,
  type JaggedArray,
  listRootTrees,
  openNpz,
  readNpz,
  readRootTree,
  type RootColumn,
} from "beamline/data";

/** Name of the tree in the experiment's ROOT files. */
export const TREE = "user202302";

/** Events of a file or of the simulation. */
export interface Events {
  /** Path or name under which defects are listed. */
  readonly file: string;
  /** What error messages call them. */
  readonly place: string;
  /** Row of each event in its file, shape [event]; not one after the other where bad events were left out. */
  readonly row: Int32Array;
  /** Shape [event + 1]. */
  readonly offsets: Float64Array;
  /** Shape [cell], cm. */
  readonly x: Float32Array;
  readonly y: Float32Array;
  /** Shape [cell], GeV. */
  readonly energy: Float32Array;
  /** Shape [cell]. */
  readonly type: Uint8Array;
  /** Shape [event]; cm, cm, GeV. */
  readonly truth?: {
    readonly x: Float32Array;
    readonly y: Float32Array;
    readonly energy: Float32Array;
  };
}

/** Columns by the names of the experiment. */
export type EventColumns = { readonly [name: string]: NdArray };

const CELL_COLUMNS = ["x_MC", "y_MC", "E_MC", "celltype"] as const;
const TRUTH_COLUMNS = ["x_truth", "y_truth", "E_truth"] as const;
type ColumnName = typeof CELL_COLUMNS[number] | typeof TRUTH_COLUMNS[number];

/** Options of {@linkcode readEvents}. */
export interface ReadEventsOptions {
  /** Whether the truth must be there. */
  readonly needsTruth: boolean;
  /** Read no more than this many. @default all */
  readonly limit?: number | undefined;
  /**
   * Takes the faults of single events, which are then left out; the caller decides what becomes of them. Without it, a
   * bad event is an error.
   */
  readonly defects?: Defects;
  /** Columns that are known to be unreadable, and not to be called missing. @default none */
  readonly damaged?: readonly string[];
}

/**
 * Reads a file; the ending says which format.
 *
 * @throws {DataError} With everything that is wrong: if the file is missing, damaged, of another format, or its columns
 * are unfit.
 */
export async function readEvents(path: string, options: ReadEventsOptions): Promise<Events> {
  const place = path.split(/[\\/]/).pop()!;
  const ending = place.split(".").pop()!.toLowerCase();
  if (ending !== "npz" && ending !== "root") {
    throw new DataError(
      `Cannot read "${place}" as photon clusters come as .npz or .root: found ".${ending}"`,
      path,
    );
  }
  const defects = options.defects ?? new Defects();
  const { columns, damaged } = ending === "npz"
    ? await readNpzColumns(path, defects)
    : await readRootColumns(path, defects, options.limit);
  const events = toEvents(path, columns, { ...options, defects, damaged });
  if (options.defects === undefined && defects.count > 0) throw defects.error();
  return { ...events, place };
}

/** Columns of a file, and the names of those that cannot be read. */
interface ReadColumns<T = NdArray> {
  readonly columns: { readonly [name: string]: T };
  readonly damaged: readonly string[];
}

async function readNpzColumns(path: string, defects: Defects): Promise<ReadColumns> {
  using file = await openNpz(path);
  const known = ["offsets", ...CELL_COLUMNS, ...TRUTH_COLUMNS].filter((name) => file.names.includes(name));
  try {
    return { columns: await readNpz(path, known), damaged: [] };
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    return await readEach(known, path, defects, (name) => file.read(name));
  }
}

/** Reads parts one by one, so that all damaged ones are found; those that can be read are checked too. */
async function readEach<T>(
  names: readonly string[],
  path: string,
  defects: Defects,
  read: (name: string) => Promise<T>,
): Promise<ReadColumns<T>> {
  const columns: { [name: string]: T } = {};
  const damaged: string[] = [];
  for (const name of names) {
    try {
      columns[name] = await read(name);
    } catch (error) {
      defects.addError(error, path);
      damaged.push(name);
    }
  }
  return { columns, damaged };
}

async function readRootColumns(path: string, defects: Defects, limit?: number): Promise<ReadColumns> {
  const trees = await listRootTrees(path);
  const tree = trees.find(({ name }) => name === TREE) ??
    (trees.length === 1 ? trees[0] : undefined);
  if (tree === undefined) {
    const names = trees.map(({ name }) => name).join(", ") || "no trees";
    throw new DataError(
      `Cannot read "${path}" as it must have the tree "${TREE}": found ${names}`,
      path,
    );
  }
  const present = new Set(tree.branches.map(({ name }) => name));
  const branches = [...CELL_COLUMNS, ...TRUTH_COLUMNS].filter((name) => present.has(name));
  const to = Math.min(tree.rows, limit ?? tree.rows);
  const read = (branches: readonly string[]) => readRootTree(path, { tree: tree.name, branches, to });
  let found: ReadColumns<RootColumn>;
  try {
    found = { columns: (await read(branches)).columns, damaged: [] };
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    found = await readEach(branches, path, defects, async (name) => (await read([name])).columns[name]!);
  }
  return { columns: flattenTree(path, found.columns, defects), damaged: found.damaged };
}

/**
 * Jagged cell branches become `offsets` and flat columns; a truth branch with one photon per event becomes flat.
 *
 * An event whose branches have other numbers of cells, or that has not one photon, is a defect of that event: it keeps
 * the cells of the first branch.
 */
export function flattenTree(
  path: string,
  tree: { readonly [branch: string]: RootColumn },
  defects: Defects,
): EventColumns {
  const flat: { [name: string]: NdArray } = {};
  let first: { readonly name: string; readonly offsets: NdArray<"int64"> } | undefined;
  for (const [name, column] of Object.entries(tree)) {
    const isCell = (CELL_COLUMNS as readonly string[]).includes(name);
    if (!("offsets" in column)) {
      if (isCell) {
        defects.add({
          file: path,
          rule: `"${name}" must have a value per cell`,
          found: "one value per event",
        });
      } else flat[name] = column;
      continue;
    }
    if (isNested(column)) {
      defects.add({ file: path, rule: `"${name}" must have one list per event`, found: "lists of lists" });
      continue;
    }
    if (isCell) {
      first ??= { name, offsets: column.offsets };
      const rule = `"${first.name}" and "${name}" must have the same cells`;
      flat[name] = fitted(path, column, first.offsets.data, rule, defects);
    } else {
      const ones = BigInt64Array.from(column.offsets.data, (_, i) => BigInt(i));
      flat[name] = fitted(path, column, ones, `${PHOTON_RULE} in "${name}"`, defects);
    }
  }
  return first ? { offsets: first.offsets, ...flat } : flat;
}

/** Stands where an event has no value: such an event is bad already and must not break another rule by that. */
const FILLER = 1;

/** Values of a jagged column in lists of the given lengths; an event of another length is a defect. */
function fitted(
  file: string,
  { offsets: { data: own }, values }: JaggedArray,
  wanted: ArrayLike<bigint>,
  rule: string,
  defects: Defects,
): NdArray {
  const differs = own.some((end, i) => end !== wanted[i]);
  if (!differs) return values;
  const data = new Float64Array(Number(wanted[own.length - 1])).fill(FILLER);
  for (let row = 0; row + 1 < own.length; row++) {
    const [from, to] = [Number(own[row]), Number(own[row + 1])];
    const [start, end] = [Number(wanted[row]), Number(wanted[row + 1])];
    if (to - from !== end - start) {
      defects.add({
        file,
        rule,
        found: `${to - from} values for ${end - start}`,
        where: `event ${row}`,
        row,
      });
    }
    for (let i = 0; i < Math.min(to - from, end - start); i++) {
      data[start + i] = Number(values.data[from + i]);
    }
  }
  return { dtype: "float64", shape: [data.length], data };
}

const PHOTON_RULE = "stages 1 to 3 need exactly one photon per event";

/** What the values of a column must be, beside finite. */
const VALUE_RULES: {
  readonly [name in ColumnName]?: {
    readonly rule: string;
    readonly unit: string;
    isBad(value: number): boolean;
  };
} = {
  E_MC: { rule: `"E_MC" must not be negative`, unit: " GeV", isBad: (value) => value < 0 },
  celltype: {
    rule: `"celltype" must be 1 (GAMS), 2 (GAMS-R) or 3 (shashlik)`,
    unit: "",
    isBad: (value) => value !== 1 && value !== 2 && value !== 3,
  },
  E_truth: { rule: `"E_truth" must be positive`, unit: " GeV", isBad: (value) => value <= 0 },
};

/**
 * Checks columns and gives them their types. Events with a fault are left out and are in `defects`.
 *
 * @param file Path or name, for messages.
 * @throws {DataError} With everything that is wrong, if a column as a whole is unfit: it is missing or of a wrong length,
 * offsets do not rise from 0 to the number of cells, there are two photons per event. Without `defects` also if an event
 * is: a number that is not finite, a negative cell energy, an unknown type of cell, a photon without energy.
 */
export function toEvents(file: string, columns: EventColumns, options: ReadEventsOptions): Events {
  const { needsTruth, limit = Infinity, defects = new Defects() } = options;
  const check: Check = { file, columns, defects };
  const hasTruth = needsTruth || TRUTH_COLUMNS.some((name) => Object.hasOwn(columns, name));
  checkNames(check, ["offsets", ...CELL_COLUMNS, ...(hasTruth ? TRUTH_COLUMNS : [])], options.damaged);
  const cells = CELL_COLUMNS.map((name) => columns[name]?.shape[0]).find((length) => length !== undefined);
  const offsets = toOffsets(check, cells);
  const total = offsets ? offsets.length - 1 : undefined;
  const count = total === undefined ? undefined : Math.min(total, limit);
  const used = count === undefined ? undefined : offsets![count]!;
  defects.checked(file, count ?? 0);
  const [x, y, energy, type] = CELL_COLUMNS.map((name) =>
    toFloats(check, name, { length: cells, used, placeOf: (i) => cellPlace(i, offsets) })
  );
  const truth = (hasTruth ? TRUTH_COLUMNS : []).map((name) =>
    toFloats(check, name, { length: total, used: count, placeOf: (i) => ({ where: `event ${i}`, row: i }) })
  );
  if (defects.isFatal || (options.defects === undefined && defects.count > 0)) throw defects.error();
  const [xTruth, yTruth, eTruth] = truth as Float32Array[];
  const events: Events = {
    file,
    place: file,
    row: Int32Array.from({ length: count! }, (_, i) => i),
    offsets: offsets!.subarray(0, count! + 1),
    x: x!,
    y: y!,
    energy: energy!,
    type: Uint8Array.from(type!),
    ...(hasTruth && { truth: { x: xTruth!, y: yTruth!, energy: eTruth! } }),
  };
  return defects.leftOut(file) > 0 ? withoutBad(events, (row) => defects.isBad(file, row)) : events;
}

/** Columns that are being checked. */
interface Check {
  readonly file: string;
  readonly columns: EventColumns;
  readonly defects: Defects;
}

/** The event of a cell, and its place in it. */
function cellPlace(cell: number, offsets: Float64Array | undefined): { where: string; row?: number } {
  if (offsets === undefined) return { where: `cell ${cell}` };
  let [low, high] = [0, offsets.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (offsets[middle]! <= cell) low = middle;
    else high = middle;
  }
  return { where: `event ${low}, cell ${cell - offsets[low]!}`, row: low };
}

/** Offsets that rise from 0 to the number of cells; undefined where they do not. */
function toOffsets({ file, columns, defects }: Check, cells?: number): Float64Array | undefined {
  const column = columns.offsets;
  if (!column) return;
  if (column.shape.length !== 1 || column.shape[0]! < 2) {
    const found = `${column.dtype}[${column.shape.join(",")}]`;
    return void defects.add({ file, rule: `"offsets" must have one number more than events`, found });
  }
  const offsets = Float64Array.from(column.data as ArrayLike<number | bigint>, Number);
  let isFit = true;
  const unfit = (rule: string, found: string | number, where?: string) => {
    isFit = false;
    defects.add({ file, rule, found, ...(where !== undefined && { where }) });
  };
  if (offsets[0] !== 0) unfit(`"offsets" must begin with 0`, offsets[0]!);
  for (let i = 1; i < offsets.length; i++) {
    if (!(offsets[i]! >= offsets[i - 1]!)) {
      unfit(`"offsets" must not fall`, `${offsets[i]} after ${offsets[i - 1]}`, `event ${i - 1}`);
    }
  }
  const last = offsets.at(-1)!;
  if (cells !== undefined && last !== cells) {
    unfit(`"offsets" must end with the ${cells} cells`, last);
  }
  return isFit ? offsets : undefined;
}

/** How a column is read. */
interface FloatOptions {
  /** Numbers it must have; undefined where that is not known. */
  readonly length: number | undefined;
  /** How many of them are used; all where that is not known. */
  readonly used: number | undefined;
  /** Where a number is. */
  placeOf(i: number): { readonly where: string; readonly row?: number };
}

/** The first `used` of `length` numbers of a column as float32; each that breaks a rule is a defect. */
function toFloats(
  { file, columns, defects }: Check,
  name: ColumnName,
  options: FloatOptions,
): Float32Array | undefined {
  const column = columns[name];
  if (!column) return;
  const { shape, dtype, data } = column;
  const { length = shape[0] } = options;
  if (shape.length !== 1 || shape[0] !== length) {
    const isTruth = (TRUTH_COLUMNS as readonly string[]).includes(name);
    const rule = isTruth ? PHOTON_RULE : `"${name}" must have shape [${length}]`;
    return void defects.add({ file, rule, found: `"${name}" is ${dtype}[${shape.join(",")}]` });
  }
  const values = new Float32Array(options.used ?? length!);
  const own = VALUE_RULES[name];
  for (let i = 0; i < values.length; i++) {
    const value = Number(data[i]!);
    values[i] = value;
    const isFinite = Number.isFinite(values[i]);
    if (isFinite && !own?.isBad(values[i]!)) continue;
    const rule = isFinite ? own!.rule : `"${name}" must hold finite numbers`;
    const found = isFinite ? `${value}${own!.unit}` : `${value}`;
    defects.add({ file, rule, found, ...options.placeOf(i) });
  }
  return values;
}

/** Whether all columns are there. */
function checkNames(
  { file, columns, defects }: Check,
  names: readonly string[],
  damaged: readonly string[] = [],
): void {
  const missing = names.filter((name) => !Object.hasOwn(columns, name) && !damaged.includes(name));
  if (missing.length === 0) return;
  const found = Object.keys(columns).join(", ") || "none of the columns of photon clusters";
  defects.add({ file, rule: `${missing.map((name) => `"${name}"`).join(", ")} must be there`, found });
}

/** Events without those of some rows. */
function withoutBad({ offsets, truth, ...events }: Events, isBad: (row: number) => boolean): Events {
  const kept = events.row.filter((row) => !isBad(row));
  const ends = new Float64Array(kept.length + 1);
  kept.forEach((row, i) => ends[i + 1] = ends[i]! + offsets[row + 1]! - offsets[row]!);
  const cells = new Int32Array(ends.at(-1)!);
  kept.forEach((row, i) => {
    for (let c = ends[i]!; c < ends[i + 1]!; c++) cells[c] = offsets[row]! + c - ends[i]!;
  });
  const pick = (values: Float32Array, rows: Int32Array) => Float32Array.from(rows, (row) => values[row]!);
  return {
    file: events.file,
    place: events.place,
    row: kept,
    offsets: ends,
    x: pick(events.x, cells),
    y: pick(events.y, cells),
    energy: pick(events.energy, cells),
    type: Uint8Array.from(cells, (cell) => events.type[cell]!),
    ...(truth && {
      truth: { x: pick(truth.x, kept), y: pick(truth.y, kept), energy: pick(truth.energy, kept) },
    }),
  };
}
