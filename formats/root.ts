/**
 * ROOT files: the trees of high-energy physics, branch by branch, as flat arrays.
 * Format: <https://root.cern/doc/master/classTFile.html>, `TTree` with `TBranch` and `TBranchElement`.
 *
 * Package: `jsroot` 7.11.2, by the ROOT team; it reads TTrees of any ROOT version and all its compressions. We use
 * `openFile`, `readObject`, `TSelector` and `treeProcess`, and what a tree says of its branches. uproot's approach, to read
 * baskets ourselves, would replace it.
 * It is loaded on the first call. The file is read through a proxy over {@linkcode ByteSource}, so that a process needs
 * `--allow-read` of the file alone, and only the baskets of the wanted branches are read.
 *
 * Four things are done to it, all for the time of a call: its prints are withheld; errors in the promises that it drops
 * are caught, checksums of zlib blocks compared; and its reading of 64-bit integers is replaced, as version 7.11.2 reads those below -2^32 wrongly
 * when bit 31 is clear (`~low` is taken as signed).
 *
 * | branch | column |
 * |---|---|
 * | `x/F`, `n/I`, `flag/O`, ... | one number per row |
 * | `x[3]/F` | shape [row, 3] |
 * | `x[n]/F`, `vector<float>`, members of a split `TClonesArray` | {@linkcode JaggedArray}; `x[n][3]/F` has values of shape [element, 3] |
 * | `p/x/F:y/F` (several leaves) | one column per leaf, `p.x` and `p.y` |
 *
 * Types: Double_t and Double32_t (float64), Float_t and Float16_t (float32), Long64_t, Int_t, Short_t, Char_t, the
 * unsigned ones, Bool_t. Not read, and listed as such: texts, objects, vectors of vectors, fixed arrays of Char_t, jagged
 * branches whose offsets were left out (NanoAOD). RNTuple is refused.
 *
 * Fixture: `fixtures/uproot-HZZ.root`, see `fixtures/README.md`.
 *
 * @module
 */
import { inflateSync } from "node:zlib";
import { NotFoundError, UnsupportedError } from "../core/errors.ts";
import { nearestName } from "../core/names.ts";
import type { Dtype, NdArray, TypedArray } from "../core/types.ts";
import { sizeOf } from "../core/types.ts";
import { createArray } from "./arrays.ts";
import {
  type Branch,
  branchesOf,
  type BranchReader,
  type Classes,
  infoOf,
  type RootBranch,
  type TreeObject,
} from "./root_branches.ts";
import { type ByteSource, isOurMessage, oneLine, openSource, withFileAsync } from "./byte_source.ts";

/** Rows of different lengths: row i has `values` from `offsets[i]` up to, not including, `offsets[i + 1]`. */
export interface JaggedArray {
  /** Shape [rows + 1]; starts at 0 and never falls. */
  readonly offsets: NdArray<"int64">;
  /** Shape [elements, ...]; the elements of all rows. */
  readonly values: NdArray;
}

/** What a branch becomes. */
export type RootColumn = NdArray | JaggedArray;

/** Whether a column has rows of different lengths. */
export function isJagged(column: RootColumn): column is JaggedArray {
  return "offsets" in column;
}

/** What a file says of one tree. */
export interface RootTreeInfo {
  /** Path within the file, without cycle, such as "events" or "ntuples/events". */
  readonly name: string;
  readonly title: string;
  readonly rows: number;
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
  /** Path of the tree within the file. @default the only one */
  readonly tree?: string;
  /** Branches to read. @default all that are supported */
  readonly branches?: readonly string[];
  /** First row. @default 0 */
  readonly from?: number;
  /** Row after the last. @default the number of rows */
  readonly to?: number;
}

// What we use of the package, whose own types are all `any`.

interface Key {
  readonly fName: string;
  readonly fClassName: string;
  readonly fCycle: number;
}

interface Directory {
  readonly fKeys: readonly Key[];
}

interface RootFile extends Directory, Classes {
  readObject(path: string): Promise<unknown>;
  readBuffer(places: number[], filename?: string): Promise<unknown>;
}

interface Buffer {
  readonly arr: DataView;
  o: number;
}

interface Selector {
  readonly tgtobj: { readonly [name: string]: unknown };
  addBranch(branch: Branch, name: string): void;
  Process(entry: number): void;
  Terminate(isComplete: boolean): void;
}

interface Jsroot {
  readonly openFile: (proxy: unknown) => Promise<RootFile | false>;
  readonly FileProxy: new () => object;
  readonly TBuffer: { readonly prototype: Record<"ntoi8" | "ntou8", (this: Buffer) => number | bigint> };
  readonly TSelector: new () => Selector;
  readonly treeProcess: (tree: TreeObject, selector: Selector, args: object) => Promise<unknown>;
}

async function loadJsroot(): Promise<Jsroot> {
  const [io, tree] = [await import("jsroot/io"), await import("jsroot/tree")];
  const { openFile, FileProxy, TBuffer } = io;
  const { TSelector, treeProcess } = tree;
  return { openFile, FileProxy, TBuffer, TSelector, treeProcess } as Jsroot;
}

/** One call at a time, as the package is changed while it runs. */
let queue: Promise<unknown> = Promise.resolve();

function withJsroot<T>(path: string, read: (open: OpenRoot) => Promise<T>): Promise<T> {
  const result = queue.then(() => withFileAsync(path, () => runJsroot(path, read)));
  queue = result.catch(() => {});
  return result;
}

/** An open file, and a promise that rejects when the package drops an error. */
interface OpenRoot {
  readonly jsroot: Jsroot;
  readonly name: string;
  readonly file: RootFile;
  readonly dropped: Promise<never>;
}

async function runJsroot<T>(path: string, read: (open: OpenRoot) => Promise<T>): Promise<T> {
  const jsroot = await loadJsroot();
  const source = openSource(path);
  const restore = [withholdPrints(), repairIntegers(jsroot)];
  try {
    checkBeginning(source);
    const drop = Promise.withResolvers<never>();
    drop.promise.catch(() => {});
    const open = async () => {
      const file = await jsroot.openFile(makeProxy(jsroot, source));
      if (file === false) throw new SyntaxError("The file cannot be opened");
      watchReads(file, drop.reject);
      return await read({ jsroot, name: path, file, dropped: drop.promise });
    };
    return await Promise.race([open(), drop.promise]);
  } catch (cause) {
    throw asDamage(path, cause);
  } finally {
    for (const undo of restore) undo();
    source.close();
  }
}

/** Whatever the package throws on is taken as damage of the file; ours pass. */
function asDamage(path: string, cause: unknown): unknown {
  if (!(cause instanceof Error) || isOurMessage(cause.message) || cause instanceof Deno.errors.NotCapable) {
    return cause;
  }
  return new SyntaxError(`Cannot read "${path}" as a ROOT file must be whole: ${oneLine(cause.message)}`, {
    cause,
  });
}

function checkBeginning(source: ByteSource): void {
  const bytes = new Uint8Array(Math.min(4, source.size));
  source.readInto(0, bytes);
  if (new TextDecoder().decode(bytes) === "root") return;
  const found = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  throw new SyntaxError(
    `Cannot read "${source.name}" as a ROOT file starts with 72 6f 6f 74: found ${found || "no bytes"}`,
  );
}

const PRINTS = ["log", "warn", "error", "info"] as const;

/** Takes the global console's voice; returns what gives it back. */
function withholdPrints(): () => void {
  const { console: printer } = globalThis;
  const voices = PRINTS.map((name) => printer[name]);
  for (const name of PRINTS) printer[name] = () => {};
  return () => PRINTS.forEach((name, i) => printer[name] = voices[i]!);
}

/** Replaces the reading of 64-bit integers of `jsroot/io`: a number where it is exact, else a bigint. Returns the undoing. */
export function repairIntegers(jsroot: Pick<Jsroot, "TBuffer">): () => void {
  const { prototype } = jsroot.TBuffer;
  const { ntoi8, ntou8 } = prototype;
  const read = (get: "getBigInt64" | "getBigUint64") =>
    function (this: Buffer): number | bigint {
      const value = this.arr[get](this.o);
      this.o += 8;
      const near = Number(value);
      return Number.isSafeInteger(near) ? near : value;
    };
  prototype.ntoi8 = read("getBigInt64");
  prototype.ntou8 = read("getBigUint64");
  return () => Object.assign(prototype, { ntoi8, ntou8 });
}

function makeProxy(jsroot: Jsroot, source: ByteSource): object {
  return Object.assign(new jsroot.FileProxy(), {
    openFile: () => Promise.resolve(true),
    getFileName: () => source.name,
    getFileSize: () => source.size,
    // Async, so that a throw rejects.
    // deno-lint-ignore require-await
    readBuffer: async (offset: number, length: number) => {
      const isInside = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 &&
        length >= 0;
      // Reading a little beyond the end is usual: the header is asked for with a round length.
      const bytes = new Uint8Array(isInside ? Math.max(0, Math.min(length, source.size - offset)) : 0);
      if (bytes.length === 0) throw new SyntaxError(`No bytes at offset ${offset}`);
      source.readInto(offset, bytes);
      checkBasket(bytes, offset);
      return new DataView(bytes.buffer);
    },
  });
}

const BLOCK_HEADER_BYTES = 9;

/**
 * Inflates the zlib blocks of a basket once more to compare their Adler-32, which the package does not: damage could
 * otherwise turn into other numbers. A record is a basket if its key says so: 18 bytes up to the cycle, two file positions
 * of 4 bytes each (8 above version 1000), then the class name. Each block has "ZL\x08" and two lengths of 3 bytes.
 */
function checkBasket(bytes: Uint8Array, offset: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 64) return;
  const [nameAt, keyBytes] = [view.getInt16(4) > 1000 ? 34 : 26, view.getUint16(14)];
  if (new TextDecoder().decode(bytes.subarray(nameAt, nameAt + 8)) !== "\x07TBasket") return;
  if (keyBytes + view.getInt32(6) === bytes.length) return; // Not compressed.
  const length = (at: number) => bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16;
  for (let at = keyBytes; at + BLOCK_HEADER_BYTES <= bytes.length;) {
    const isZlib = bytes[at] === 0x5a && bytes[at + 1] === 0x4c && bytes[at + 2] === 8;
    if (!isZlib) return;
    const start = at + BLOCK_HEADER_BYTES;
    at = start + length(at + 3);
    try {
      inflateSync(bytes.subarray(start, at), { maxOutputLength: length(start - 3) || 1 });
    } catch {
      throw new SyntaxError(`The zlib block at offset ${offset + start} is damaged`);
    }
  }
}

/**
 * `treeProcess` continues in promises that it does not return, so that an error there would end the process. All of
 * them derive from `readBuffer`; a promise class whose `then` reports failures sees every one.
 */
function watchReads(file: RootFile, report: (cause: unknown) => void): void {
  const plain = file.readBuffer.bind(file);
  class Watched<T> extends Promise<T> {
    override then<A = T, B = never>(
      fulfilled?: ((value: T) => A | PromiseLike<A>) | null,
      rejected?: ((cause: unknown) => B | PromiseLike<B>) | null,
    ): Promise<A | B> {
      const next = super.then(fulfilled, rejected);
      super.then.call(next, undefined, report);
      return next;
    }
  }
  file.readBuffer = (places, filename) => {
    const read = plain(places, filename);
    read.catch(report); // The package takes a failed read of baskets for the end of the tree.
    return Watched.resolve(read);
  };
}

const TREES = new Set(["TTree", "TNtuple", "TNtupleD"]);
const DIRECTORIES = new Set(["TDirectory", "TDirectoryFile"]);
const MAX_DIRECTORIES = 10_000;

interface Found {
  readonly trees: readonly string[];
  /** Trees of the newer kind that is not read. */
  readonly ntuples: readonly string[];
}

async function findTrees(file: RootFile): Promise<Found> {
  const [trees, ntuples] = [new Set<string>(), new Set<string>()];
  let count = 0;
  const visit = async (directory: Directory, prefix: string): Promise<void> => {
    for (const { fName, fClassName } of directory.fKeys) {
      const path = prefix + fName;
      if (TREES.has(fClassName)) trees.add(path);
      else if (fClassName.endsWith("RNTuple")) ntuples.add(path);
      else if (DIRECTORIES.has(fClassName)) {
        if (++count > MAX_DIRECTORIES) throw new SyntaxError(`More than ${MAX_DIRECTORIES} directories`);
        await visit(await file.readObject(path) as Directory, `${path}/`);
      }
    }
  };
  await visit(file, "");
  return { trees: [...trees], ntuples: [...ntuples] };
}

async function openTree({ file, name }: OpenRoot, wanted: string | undefined): Promise<{
  readonly path: string;
  readonly tree: TreeObject;
}> {
  const { trees, ntuples } = await findTrees(file);
  const known = trees.join(", ") || "none";
  if (wanted === undefined && trees.length > 1) {
    throw new TypeError(`Cannot read "${name}" as it has several trees and none was named: found ${known}`);
  }
  const path = wanted?.replace(/^\/+|;\d+$/g, "") ?? trees[0];
  if (path !== undefined && trees.includes(path)) {
    // With its cycle if one was given: older cycles are kept in some files.
    return { path, tree: await file.readObject(wanted ?? path) as TreeObject };
  }
  if (ntuples.length > 0 && (path === undefined || ntuples.includes(path))) {
    throw new UnsupportedError(
      `Cannot read "${name}" as only trees of class TTree are read: found RNTuple "${path ?? ntuples[0]}"`,
      "RNTuple",
    );
  }
  if (path === undefined) throw new SyntaxError(`Cannot read "${name}" as it must have a tree: found none`);
  const nearest = nearestName(path, trees);
  throw new NotFoundError(
    `Cannot read tree "${path}" of "${name}" as it has ${known}: found no "${path}"${
      nearest === undefined ? "" : `; did you mean "${nearest}"`
    }`,
    "tree",
    path,
    nearest,
  );
}

/**
 * The trees of a ROOT file, with their branches; numbers are not read.
 *
 * @throws {DataError} If the file is missing or damaged.
 */
export function listRootTrees(path: string): Promise<readonly RootTreeInfo[]> {
  return withJsroot(path, async ({ file }) => {
    const infos: RootTreeInfo[] = [];
    for (const name of (await findTrees(file)).trees) {
      const tree = await file.readObject(name) as TreeObject;
      const branches = [...branchesOf(file, tree).values()].map(infoOf);
      infos.push({ name, title: tree.fTitle, rows: tree.fEntries, branches });
    }
    return infos;
  });
}

/**
 * Reads branches of a tree.
 *
 * @returns A column per branch; see the table above. O(elements) time, about 10^6 numbers per second.
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
  return withJsroot(path, async (open) => {
    const { path: name, tree } = await openTree(open, options.tree);
    const known = branchesOf(open.file, tree);
    const readers = select(open.name, name, known, options.branches);
    const rows = tree.fEntries;
    const { from = 0, to = rows } = options;
    if (!(Number.isInteger(from) && Number.isInteger(to) && 0 <= from && from <= to && to <= rows)) {
      throw new RangeError(
        `Cannot read rows of "${open.name}" tree "${name}" as they must lie in 0 to ${rows}: found ${from} to ${to}`,
      );
    }
    const isNamed = options.branches !== undefined;
    const columns = await readColumns(open, tree, readers, from, to, !isNamed);
    const skipped = isNamed ? [] : [...known.keys()].filter((branch) => !Object.hasOwn(columns, branch));
    return { name, rows: to - from, columns, skipped };
  });
}

function select(
  file: string,
  tree: string,
  known: ReadonlyMap<string, BranchReader>,
  names: readonly string[] | undefined,
): readonly BranchReader[] {
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

type Columns = { readonly [branch: string]: RootColumn };

/** @param mayLeaveOut Whether branches for which the package finds no way to read are left out. */
async function readColumns(
  open: OpenRoot,
  tree: TreeObject,
  readers: readonly BranchReader[],
  from: number,
  to: number,
  mayLeaveOut: boolean,
): Promise<Columns> {
  const selector = new open.jsroot.TSelector();
  const targets = addBranches(selector, readers);
  try {
    return await processRows(
      open,
      tree,
      selector,
      readers.map((reader) => [reader, targets.get(reader.branch)!]),
      from,
      to,
    );
  } catch (cause) {
    const target = /^Fail to add branch (\w+)$/.exec((cause as Error).message)?.[1];
    const left = readers.filter(({ branch }) => target === undefined || targets.get(branch) === target);
    if (target === undefined || left.length === 0) throw cause;
    if (mayLeaveOut) {
      return await readColumns(
        open,
        tree,
        readers.filter((reader) => !left.includes(reader)),
        from,
        to,
        true,
      );
    }
    const { name, type } = left[0]!;
    throw new UnsupportedError(
      `Cannot read branch "${name}" of "${open.name}" as it must hold numbers or a vector of them: found ${type} without data`,
      type,
      { cause },
    );
  }
}

async function processRows(
  { jsroot, name, dropped }: OpenRoot,
  tree: TreeObject,
  selector: Selector,
  readers: readonly (readonly [BranchReader, target: string])[],
  from: number,
  to: number,
): Promise<Columns> {
  const collectors = readers.map(([reader]) => new Collector(reader));
  let next = from;
  let isComplete = to === from || readers.length === 0;
  selector.Process = (entry) => {
    if (entry !== next) throw new SyntaxError(`Entry ${entry} was read in the place of ${next}`);
    next++;
    collectors.forEach((collector, i) => collector.add(selector.tgtobj[readers[i]![1]]));
  };
  selector.Terminate = (result) => isComplete = result && next === to;
  if (!isComplete) {
    const process = jsroot.treeProcess(tree, selector, { firstentry: from, numentries: to - from });
    await Promise.race([process, dropped]);
  }
  if (!isComplete) {
    throw new SyntaxError(
      `Cannot read "${name}" as the branches must have rows ${from} to ${to}: reading stopped at row ${next}`,
    );
  }
  return Object.fromEntries(collectors.map((collector) => [collector.reader.name, collector.finish()]));
}

/** Adds each branch once, counters before the branches they count, and returns their targets. */
function addBranches(selector: Selector, readers: readonly BranchReader[]): ReadonlyMap<Branch, string> {
  const targets = new Map<Branch, string>();
  const sorted = [...readers].sort((a, b) => Number(a.kind === "jagged") - Number(b.kind === "jagged"));
  for (const { branch } of sorted) {
    if (targets.has(branch)) continue;
    const target = `column${targets.size}`;
    targets.set(branch, target);
    selector.addBranch(branch, target);
  }
  return targets;
}

/** Grows one column row by row. */
class Collector {
  readonly #dtype: Dtype;
  readonly #width: number;
  readonly #offsets: number[] = [0];
  #data: TypedArray;
  #length = 0;
  #rows = 0;

  constructor(readonly reader: BranchReader) {
    this.#dtype = reader.dtype!;
    this.#width = sizeOf(reader.shape);
    this.#data = createArray(this.#dtype, 1024);
  }

  add(value: unknown): void {
    const { leaf, kind, name } = this.reader;
    const own = leaf === undefined ? value : (value as { readonly [leaf: string]: unknown })[leaf];
    const before = this.#length;
    this.#push(own);
    this.#rows++;
    const isRight = kind === "jagged"
      ? (this.#length - before) % this.#width === 0
      : this.#length - before === this.#width;
    if (!isRight) {
      throw new SyntaxError(`Row ${this.#rows - 1} of branch "${name}" has ${this.#length - before} numbers`);
    }
    this.#offsets.push(this.#length / this.#width);
  }

  #push(value: unknown): void {
    if (typeof value === "object" && value !== null && "length" in value) {
      const list = value as ArrayLike<unknown>;
      for (let i = 0; i < list.length; i++) this.#push(list[i]);
      return;
    }
    if (typeof value !== "number" && typeof value !== "bigint" && typeof value !== "boolean") {
      throw new SyntaxError(`Branch "${this.reader.name}" holds ${typeof value}`);
    }
    if (this.#length === this.#data.length) this.#grow();
    if (this.#data instanceof BigInt64Array || this.#data instanceof BigUint64Array) {
      this.#data[this.#length++] = BigInt(value);
    } else this.#data[this.#length++] = Number(value);
  }

  #grow(): void {
    const larger = createArray(this.#dtype, 2 * this.#data.length) as Float64Array<ArrayBuffer>;
    larger.set(this.#data as Float64Array<ArrayBuffer>); // One element type for the checker.
    this.#data = larger;
  }

  finish(): RootColumn {
    const { shape, kind } = this.reader;
    const data = this.#data.slice(0, this.#length);
    const rows = kind === "jagged" ? this.#length / this.#width : this.#rows;
    const values: NdArray = { dtype: this.#dtype, shape: [rows, ...shape], data };
    if (kind !== "jagged") return values;
    const offsets = BigInt64Array.from(this.#offsets, BigInt);
    return { offsets: { dtype: "int64", shape: [offsets.length], data: offsets }, values };
  }
}
