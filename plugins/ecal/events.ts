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
import { isNested, listRootTrees, openNpz, readNpz, readRootTree, type RootColumn } from "beamline/data";

/** Name of the tree in the experiment's ROOT files. */
export const TREE = "user202302";

/** Events of a file or of the simulation. */
export interface Events {
  /** What error messages call them. */
  readonly place: string;
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

/** Options of {@linkcode readEvents}. */
export interface ReadEventsOptions {
  /** Whether the truth must be there. */
  readonly needsTruth: boolean;
  /** Read no more than this many. @default all */
  readonly limit?: number | undefined;
}

/**
 * Reads a file; the ending says which format.
 *
 * @throws {DataError} If the file is missing, damaged, of another format, or its columns are unfit.
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
  const columns = ending === "npz" ? await readNpzColumns(path) : await readRootColumns(path, options.limit);
  try {
    return toEvents(place, columns, options);
  } catch (error) {
    if (error instanceof DataError && error.file === undefined) {
      throw new DataError(error.message, path, { cause: error });
    }
    throw error;
  }
}

async function readNpzColumns(path: string): Promise<EventColumns> {
  using file = await openNpz(path);
  const known = ["offsets", ...CELL_COLUMNS, ...TRUTH_COLUMNS].filter((name) => file.names.includes(name));
  return await readNpz(path, known);
}

async function readRootColumns(path: string, limit?: number): Promise<EventColumns> {
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
  const { columns } = await readRootTree(path, { tree: tree.name, branches, to });
  return flattenTree(path, columns);
}

/** Jagged cell branches become `offsets` and flat columns; a truth branch with one photon per event becomes flat. */
export function flattenTree(path: string, tree: { readonly [branch: string]: RootColumn }): EventColumns {
  const flat: { [name: string]: NdArray } = {};
  let first:
    | { readonly name: string; readonly offsets: NdArray<"int64"> }
    | undefined;
  for (const [name, column] of Object.entries(tree)) {
    const isCell = (CELL_COLUMNS as readonly string[]).includes(name);
    if (!("offsets" in column)) {
      if (isCell) {
        throw unfit(
          path,
          `"${name}" must have a value per cell`,
          "one value per event",
        );
      }
      flat[name] = column;
      continue;
    }
    if (isNested(column)) throw unfit(path, `"${name}" must have one list per event`, "lists of lists");
    flat[name] = column.values;
    if (isCell) {
      first ??= { name, offsets: column.offsets };
      const differs = column.offsets.data.findIndex((end, i) => end !== first!.offsets.data[i]);
      if (differs >= 0) {
        throw unfit(
          path,
          `"${first.name}" and "${name}" must have the same cells`,
          `other numbers in event ${differs - 1}`,
        );
      }
    } else {
      const event = column.offsets.data.findIndex((end, i) => end !== BigInt(i));
      if (event >= 0) {
        throw unfit(
          path,
          PHOTON_RULE,
          `"${name}" has another number in event ${event - 1}`,
        );
      }
    }
  }
  return first ? { offsets: first.offsets, ...flat } : flat;
}

const PHOTON_RULE = "stages 1 to 3 need exactly one photon per event";

/**
 * Checks columns and gives them their types.
 *
 * @throws {DataError} That names place, rule and what was found: a missing column, a wrong length, offsets that do not
 * rise from 0 to the number of cells, two photons per event, a number that is not finite, a negative cell energy.
 */
export function toEvents(place: string, columns: EventColumns, options: ReadEventsOptions): Events {
  const offsets = toOffsets(place, columns);
  const count = Math.min(offsets.length - 1, options.limit ?? Infinity);
  const cells = columns.x_MC ? columns.x_MC.shape[0]! : 0;
  if (offsets[offsets.length - 1] !== cells) {
    throw unfit(
      place,
      `"offsets" must end with the ${cells} cells`,
      offsets[offsets.length - 1]!,
    );
  }
  const used = offsets[count]!;
  const [x, y, energy] = (["x_MC", "y_MC", "E_MC"] as const).map((name) =>
    toFloats(place, name, columns, cells, used)
  ) as [Float32Array, Float32Array, Float32Array];
  const negative = energy.findIndex((value) => value < 0);
  if (negative >= 0) {
    throw unfit(
      place,
      `"E_MC" must not be negative`,
      `${energy[negative]} GeV in cell ${negative}`,
    );
  }
  const type = Uint8Array.from(toFloats(place, "celltype", columns, cells, used));
  const missing = TRUTH_COLUMNS.filter((name) => !Object.hasOwn(columns, name));
  const events: Events = { place, offsets: offsets.subarray(0, count + 1), x, y, energy, type };
  if (missing.length === TRUTH_COLUMNS.length && !options.needsTruth) {
    return events;
  }
  const [xTruth, yTruth, eTruth] = TRUTH_COLUMNS.map((name) =>
    toFloats(place, name, columns, offsets.length - 1, count, PHOTON_RULE)
  ) as [Float32Array, Float32Array, Float32Array];
  const lowest = eTruth.findIndex((value) => value <= 0);
  if (lowest >= 0) {
    throw unfit(
      place,
      `"E_truth" must be positive`,
      `${eTruth[lowest]} GeV in event ${lowest}`,
    );
  }
  return { ...events, truth: { x: xTruth, y: yTruth, energy: eTruth } };
}

function toOffsets(place: string, columns: EventColumns): Float64Array {
  const column = need(place, "offsets", columns);
  if (column.shape.length !== 1 || column.shape[0]! < 2) {
    throw unfit(
      place,
      `"offsets" must have one number more than events`,
      `${column.dtype}[${column.shape.join(",")}]`,
    );
  }
  const offsets = Float64Array.from(column.data as ArrayLike<number | bigint>, Number);
  if (offsets[0] !== 0) {
    throw unfit(place, `"offsets" must begin with 0`, offsets[0]!);
  }
  const falls = offsets.findIndex((end, i) => i > 0 && !(end >= offsets[i - 1]!));
  if (falls >= 0) {
    throw unfit(
      place,
      `"offsets" must not fall`,
      `${offsets[falls]} after ${offsets[falls - 1]} at event ${falls - 1}`,
    );
  }
  return offsets;
}

/** The first `used` of `length` numbers of a column. */
function toFloats(
  place: string,
  name: string,
  columns: EventColumns,
  length: number,
  used: number,
  rule = `"${name}" must have shape [${length}]`,
): Float32Array {
  const { shape, dtype, data } = need(place, name, columns);
  if (shape.length !== 1 || shape[0] !== length) {
    throw unfit(place, rule, `"${name}" is ${dtype}[${shape.join(",")}]`);
  }
  const values = Float32Array.from(data.subarray(0, used) as ArrayLike<number | bigint>, Number);
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw unfit(
      place,
      `"${name}" must hold finite numbers`,
      `${values[bad]} at index ${bad}`,
    );
  }
  return values;
}

function need(place: string, name: string, columns: EventColumns): NdArray {
  if (Object.hasOwn(columns, name)) return columns[name]!;
  throw unfit(
    place,
    `"${name}" must be there`,
    Object.keys(columns).join(", ") || "none of the columns of photon clusters",
  );
}

function unfit(place: string, rule: string, found: string | number): DataError {
  return new DataError(`Cannot use "${place}" as ${rule}: found ${found}`);
}
