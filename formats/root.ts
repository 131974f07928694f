/**
 * ROOT files: the trees of high-energy physics, branch by branch, as flat arrays. The reader is our own, see
 * `docs/decisions/`; the parts of the format stand in `root/`, each with its table of bytes.
 *
 * Format: a file of records (`root/container.ts`), some of which are directories (`root/directories.ts`), one describes
 * the classes in the file (`root/streamer_infos.ts`), and one per tree has its branches (`root/objects.ts`,
 * `root/tree_model.ts`), which say where their entries lie in baskets (`root/baskets.ts`), whose data are compressed
 * (`root/compression.ts`). Specification: <https://root.cern/doc/v640/classTFile.html>.
 *
 * | branch | column |
 * |---|---|
 * | `x/F`, `n/I`, `flag/O`, ... | one number per row |
 * | `x[3]/F`, `x[2][3]/F` | shape [row, 3], [row, 2, 3] |
 * | `x[n]/F`, `vector<float>`, members of a split `TClonesArray` or `vector<Hit>` | {@linkcode JaggedArray}; `x[n][3]/F` has values of shape [element, 3] |
 * | `vector<vector<float>>` | {@linkcode NestedArray} |
 * | `p/x/F:y/F` (several leaves) | one column per leaf, `p.x` and `p.y` |
 *
 * | C++ | leaf | dtype |
 * |---|---|---|
 * | Double_t, Double32_t | `D`, `d` | float64 |
 * | Float_t, Float16_t | `F`, `f` | float32 |
 * | Long64_t, Long_t, ULong64_t, ULong_t | `L`, `G`, `l`, `g` | int64, uint64 |
 * | Int_t, UInt_t | `I`, `i` | int32, uint32 |
 * | Short_t, UShort_t | `S`, `s` | int16, uint16 |
 * | Char_t, UChar_t | `B`, `b` | int8, uint8 |
 * | Bool_t | `O` | bool |
 *
 * Collections besides `vector` are RVec, list, deque, set and multiset. Compressed are files with zlib, LZMA, LZ4,
 * Zstandard, or not at all. Trees that were not flushed are read with the basket in memory that they carry, NanoAOD's
 * jagged branches without offsets by their counter.
 *
 * Listed but not read: texts, objects that are not split, pointers to arrays within split objects, leaves behind a text of
 * the same branch, branches whose baskets lie in another file or that have fewer rows than the tree. An RNTuple is listed
 * and refused. Files that were not closed and would have to be recovered are refused.
 *
 * Fixtures: see `fixtures/README.md`; written by ROOT 6.40 and uproot 5.7, compared with what both read.
 *
 * @module
 */
import { NotFoundError, UnsupportedError } from "../core/errors.ts";
import { listNames } from "../core/missing_names.ts";
import { nearestName } from "../core/names.ts";
import { type ByteSource, isOurMessage, openSource, withFileAsync } from "./byte_source.ts";
import { checkIsData } from "./not_data.ts";
import { ColumnSource, type JaggedArray, type NestedArray, type RootColumn } from "./root/columns.ts";
import { type Header, type Key, readHeader, readRecord } from "./root/container.ts";
import { Cursor } from "./root/cursor.ts";
import { findTrees, type FoundTrees } from "./root/directories.ts";
import { type ColumnReader, columnsOf, infoOf, type RootBranch } from "./root/interpretation.ts";
import { ObjectReader } from "./root/objects.ts";
import { type ClassLayouts, readClassLayouts } from "./root/streamer_infos.ts";
import { buildTree, type Tree } from "./root/tree_model.ts";

export type { JaggedArray, NestedArray, RootBranch, RootColumn };

/** Whether a column has rows of different lengths, of numbers. */
export function isJagged(column: RootColumn): column is JaggedArray {
  return "offsets" in column && "data" in column.values;
}

/** Whether a column has rows of lists of different lengths. */
export function isNested(column: RootColumn): column is NestedArray {
  return "offsets" in column && "offsets" in column.values;
}

/** What a file says of one tree. */
export interface RootTreeInfo {
  /** Path within the file, without cycle, such as "events" or "ntuples/events". */
  readonly name: string;
  /** An RNTuple is listed only. */
  readonly kind: "TTree" | "RNTuple";
  readonly title: string;
  /** `NaN` for an RNTuple, which is not opened. */
  readonly rows: number;
  /** None for an RNTuple. */
  readonly branches: readonly RootBranch[];
}

/** A tree that was read. */
export interface RootTree {
  readonly name: string;
  /** Rows that were read. */
  readonly rows: number;
  readonly columns: { readonly [branch: string]: RootColumn };
  /** Branches that were passed over, as they are unsupported. */
  readonly skipped: readonly string[];
}

/** Options of {@linkcode readRootTree}. */
export interface ReadRootOptions {
  /** Path of the tree within the file; with ";" and a number, an older cycle. @default the only one */
  readonly tree?: string;
  /** Branches to read. @default all that are supported */
  readonly branches?: readonly string[];
  /** First row. @default 0 */
  readonly from?: number;
  /** Row after the last. @default the number of rows */
  readonly to?: number;
}

/**
 * The trees of a ROOT file, with their branches; numbers are not read.
 *
 * @throws {DataError} If the file is missing or damaged.
 */
export function listRootTrees(path: string): Promise<readonly RootTreeInfo[]> {
  return withRootFile(path, async (file) => {
    const infos: RootTreeInfo[] = [];
    for (const [name, [newest]] of file.found.trees) {
      const { title, entries, branches } = await readTree(file, newest!);
      const readers = columnsOf({ title, entries, branches }, file.layouts).values();
      infos.push({ name, kind: "TTree", title, rows: entries, branches: [...readers].map(infoOf) });
    }
    for (const name of file.found.ntuples) {
      infos.push({ name, kind: "RNTuple", title: "", rows: NaN, branches: [] });
    }
    return infos;
  });
}

/**
 * Reads branches of a tree. Of the file, only the baskets of these branches and rows are read.
 *
 * @returns A column per branch; see the table above. O(elements) time, about 10^8 bytes per second from zlib.
 * @throws {DataError} If the file is missing or damaged, the tree or a branch is not there, or a branch that was named is
 * unsupported.
 * @throws {RangeError} If the rows are not in the tree.
 *
 * @example Muon momenta of the first thousand events
 * ```ts ignore
 * const { columns } = await readRootTree("HZZ.root", { branches: ["Muon_Px"], to: 1000 });
 * const { offsets, values } = columns.Muon_Px as JaggedArray;
 * const first = values.data.slice(0, Number(offsets.data[1])); // those of event 0
 * ```
 */
export function readRootTree(path: string, options: ReadRootOptions = {}): Promise<RootTree> {
  return withRootFile(path, async (file) => {
    const { path: name, tree } = await openTree(file, options.tree);
    const known = columnsOf(tree, file.layouts);
    const readers = select(path, name, known, options.branches);
    const rows = tree.entries;
    const { from = 0, to = rows } = options;
    if (!(Number.isInteger(from) && Number.isInteger(to) && 0 <= from && from <= to && to <= rows)) {
      throw new RangeError(
        `Cannot read rows of "${path}" tree "${name}" as they must lie in 0 to ${rows}: found ${from} to ${to}`,
      );
    }
    const columns = Object.fromEntries(await new ColumnSource(file.source).read(readers, from, to));
    const skipped = options.branches !== undefined
      ? []
      : [...known.keys()].filter((branch) => !Object.hasOwn(columns, branch));
    const named = listNames(columns, { kind: "branch", of: `tree "${name}"` });
    return { name, rows: to - from, columns: named, skipped };
  });
}

interface OpenRoot {
  readonly source: ByteSource;
  readonly header: Header;
  readonly found: FoundTrees;
  readonly layouts: ClassLayouts;
}

/** Opens a file for the time of a call. */
function withRootFile<T>(path: string, read: (file: OpenRoot) => Promise<T>): Promise<T> {
  return withFileAsync(path, async () => {
    const source = openSource(path);
    try {
      checkIsData(source, "a ROOT file");
      const header = readHeader(source);
      const found = findTrees(source, header);
      return await read({ source, header, found, layouts: await readClassLayouts(source, header) });
    } catch (cause) {
      throw asDamage(path, cause);
    } finally {
      source.close();
    }
  });
}

/** The parts of the reader know the rule that was broken; the file is added here. */
function asDamage(path: string, cause: unknown): unknown {
  if (!(cause instanceof SyntaxError) || isOurMessage(cause.message)) return cause;
  return new SyntaxError(`Cannot read "${path}" as ${cause.message}`, { cause });
}

async function readTree({ source, layouts }: OpenRoot, { seek, byteCount, className }: Key): Promise<Tree> {
  const { key, data } = await readRecord(source, seek, byteCount, className);
  const cursor = new Cursor(data, `the tree at byte ${seek}`);
  return buildTree(new ObjectReader(cursor, key.keyBytes, layouts).read(className));
}

async function openTree(
  file: OpenRoot,
  wanted: string | undefined,
): Promise<{ readonly path: string; readonly tree: Tree }> {
  const { source: { name }, found: { trees, ntuples } } = file;
  const known = [...trees.keys()].join(", ") || "none";
  if (wanted === undefined && trees.size > 1) {
    throw new TypeError(`Cannot read "${name}" as it has several trees and none was named: found ${known}`);
  }
  const path = wanted?.replace(/^\/+|;\d+$/g, "") ?? trees.keys().next().value;
  const cycles = path === undefined ? undefined : trees.get(path);
  if (path !== undefined && cycles !== undefined) {
    return { path, tree: await readTree(file, selectCycle(name, path, cycles, wanted)) };
  }
  if (ntuples.size > 0 && (path === undefined || ntuples.has(path))) {
    throw new UnsupportedError(
      `Cannot read "${name}" as only trees of class TTree are read: found RNTuple "${
        path ?? [...ntuples][0]
      }"`,
      "RNTuple",
    );
  }
  if (path === undefined) throw new SyntaxError(`Cannot read "${name}" as it must have a tree: found none`);
  const nearest = nearestName(path, [...trees.keys()]);
  throw new NotFoundError(
    `Cannot read tree "${path}" of "${name}" as it has ${known}: found no "${path}"${
      nearest === undefined ? "" : `; did you mean "${nearest}"`
    }`,
    "tree",
    path,
    nearest,
  );
}

/** The newest cycle, or the one that was asked for: older ones are kept in some files. */
function selectCycle(file: string, path: string, cycles: readonly Key[], wanted = ""): Key {
  const cycle = /;(\d+)$/.exec(wanted)?.[1];
  if (cycle === undefined) return cycles[0]!;
  const found = cycles.find((key) => key.cycle === Number(cycle));
  if (found !== undefined) return found;
  const known = cycles.map((key) => `${path};${key.cycle}`);
  throw new NotFoundError(
    `Cannot read tree "${path};${cycle}" of "${file}" as it has ${
      known.join(", ")
    }: found no "${path};${cycle}"`,
    "tree",
    `${path};${cycle}`,
    known[0],
  );
}

function select(
  file: string,
  tree: string,
  known: ReadonlyMap<string, ColumnReader>,
  names: readonly string[] | undefined,
): readonly ColumnReader[] {
  if (names === undefined) return [...known.values()].filter(({ kind }) => kind !== "unsupported");
  return [...new Set(names)].map((name) => {
    const reader = known.get(name);
    if (reader === undefined) {
      const nearest = nearestName(name, known.keys());
      throw new NotFoundError(
        `Cannot read branch "${name}" of "${file}" tree "${tree}" as it has ${
          [...known.keys()].join(", ")
        }: found no "${name}"${nearest === undefined ? "" : `; did you mean "${nearest}"`}`,
        "branch",
        name,
        nearest,
      );
    }
    if (reader.kind !== "unsupported") return reader;
    throw new UnsupportedError(
      `Cannot read branch "${name}" of "${file}" as it must hold numbers or a vector of them: found ${reader.type}`,
      reader.type,
    );
  });
}
