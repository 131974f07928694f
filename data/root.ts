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
 * unsigned ones, Bool_t. Not read, and listed as such: texts, objects, vectors of vectors, fixed arrays of Char_t, and
 * RNTuple.
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
import { type ByteSource, isOurMessage, oneLine, openSource, withFileAsync } from "./files.ts";

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

/** What a tree says of one column. */
export interface RootBranch {
  readonly name: string;
  /** How it is read; "unsupported" ones are listed only. */
  readonly kind: "scalar" | "array" | "jagged" | "unsupported";
  /** Type in memory; `null` when unsupported. */
  readonly dtype: Dtype | null;
  /** Lengths per row ("array") or per element ("jagged"); `[]` for one number. */
  readonly shape: readonly number[];
  /** ROOT's words for it, such as "Muon_Px[NMuon]/F" or "vector<float>". */
  readonly type: string;
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

interface Leaf {
  readonly _typename: string;
  readonly fName: string;
  readonly fTitle: string;
  readonly fLen: number;
  readonly fIsUnsigned: boolean;
  readonly fLeafCount: unknown;
}

interface Branch {
  readonly _typename: string;
  readonly fName: string;
  readonly fTitle: string;
  readonly fEntries: number;
  readonly fBranchCount?: unknown;
  readonly fBranchCount2?: unknown;
  readonly fClassName?: string;
  readonly fClassVersion?: number;
  readonly fCheckSum?: number;
  readonly fStreamerType?: number;
  readonly fLeaves: { readonly arr: readonly Leaf[] };
  readonly fBranches: { readonly arr: readonly Branch[] };
}

interface TreeObject {
  readonly fTitle: string;
  readonly fEntries: number;
  readonly fBranches: { readonly arr: readonly Branch[] };
}

interface Key {
  readonly fName: string;
  readonly fClassName: string;
  readonly fCycle: number;
}

interface Directory {
  readonly fKeys: readonly Key[];
}

interface RootFile extends Directory {
  readObject(path: string): Promise<unknown>;
  readBuffer(places: number[], filename?: string): Promise<unknown>;
  findStreamerInfo(className: string, version?: number, checkSum?: number): StreamerInfo | null;
}

/** The members of a class. */
interface StreamerInfo {
  readonly fElements?: { readonly arr: readonly { readonly fName: string; readonly fTypeName: string }[] };
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

/** A branch with how to read it. `leaf` is set when it has several. */
interface Reader extends RootBranch {
  readonly branch: Branch;
  readonly leaf?: string;
}

const LEAF_TYPES: { readonly [leaf: string]: readonly [signed: Dtype, unsigned: Dtype] } = {
  TLeafD: ["float64", "float64"],
  TLeafF: ["float32", "float32"],
  TLeafL: ["int64", "uint64"],
  TLeafG: ["int64", "uint64"],
  TLeafI: ["int32", "uint32"],
  TLeafS: ["int16", "uint16"],
  TLeafB: ["int8", "uint8"],
  TLeafO: ["bool", "bool"],
};

/** TVirtualStreamerInfo::EReadWrite: basic types; more by 20 for a fixed array, by 40 for an array with a counter. */
const STREAMER_TYPES: { readonly [type: number]: Dtype } = {
  1: "int8",
  2: "int16",
  3: "int32",
  4: "int64",
  5: "float32",
  6: "int32",
  8: "float64",
  9: "float64",
  11: "uint8",
  12: "uint16",
  13: "uint32",
  14: "uint64",
  16: "int64",
  17: "uint64",
  18: "bool",
  19: "float32",
};
const KIND_STEP = 20;
const FIXED_ARRAY = 1;
const COUNTED_ARRAY = 2;

/** Elements of `vector<...>` by their C++ and ROOT names. */
const VECTOR_TYPES: { readonly [name: string]: Dtype } = {
  double: "float64",
  Double_t: "float64",
  float: "float32",
  Float_t: "float32",
  Long64_t: "int64",
  long: "int64",
  "long long": "int64",
  ULong64_t: "uint64",
  "unsigned long": "uint64",
  "unsigned long long": "uint64",
  int: "int32",
  Int_t: "int32",
  "unsigned int": "uint32",
  UInt_t: "uint32",
  short: "int16",
  Short_t: "int16",
  "unsigned short": "uint16",
  UShort_t: "uint16",
  "unsigned char": "uint8",
  UChar_t: "uint8",
  bool: "bool",
  Bool_t: "bool",
};

function* readersOf(file: RootFile, branches: readonly Branch[], parent?: Named): Generator<Reader> {
  for (const branch of branches) {
    const own = branch.fName.replace(/(\[[^\]]*\])+$/, "").replace(/\.$/, "");
    const name = parent === undefined
      ? own
      : `${parent.name}.${own.startsWith(parent.own) ? own.slice(parent.own.length) : own}`;
    const children = branch.fBranches?.arr ?? [];
    if (children.length > 0) yield* readersOf(file, children, { name, own: `${own}.` });
    else yield* readersOfOne(file, branch, name);
  }
}

/** A branch with children: its whole name, and how the names of its children may begin. */
interface Named {
  readonly name: string;
  readonly own: string;
}

function* readersOfOne(file: RootFile, branch: Branch, name: string): Generator<Reader> {
  const leaves = branch.fLeaves?.arr ?? [];
  if (branch._typename === "TBranchElement") return yield { ...elementKind(file, branch), branch, name };
  if (branch._typename !== "TBranch") return yield { ...unsupported(branch._typename), branch, name };
  if (leaves.length === 1) return yield { ...leafKind(leaves[0]!), branch, name };
  for (const leaf of leaves) {
    const kind = leafKind(leaf);
    const isRead = kind.kind === "scalar" || kind.kind === "array";
    yield {
      ...(isRead ? kind : unsupported(leaf.fTitle)),
      branch,
      leaf: leaf.fName,
      name: `${name}.${leaf.fName}`,
    };
  }
}

type Kind = Omit<RootBranch, "name">;

function unsupported(type: string): Kind {
  return { kind: "unsupported", dtype: null, shape: [], type };
}

function leafKind(leaf: Leaf): Kind {
  // Files of other writers may lack the description of leaves, which the package then leaves empty.
  if (typeof leaf.fLen !== "number") return unsupported(leaf._typename);
  const letter = leaf._typename.slice("TLeaf".length);
  const type = `${leaf.fTitle}/${leaf.fIsUnsigned ? letter.toLowerCase() : letter}`;
  const dtype = LEAF_TYPES[leaf._typename]?.[leaf.fIsUnsigned ? 1 : 0];
  // The package cuts fixed arrays of characters at the first zero.
  if (dtype === undefined || dtype === "int8" && leaf.fLen > 1) return unsupported(type);
  const shape = leaf.fLen > 1 ? fixedShape(leaf) : [];
  if (leaf.fLeafCount) return { kind: "jagged", dtype, shape, type };
  return { kind: shape.length > 0 ? "array" : "scalar", dtype, shape, type };
}

/** Lengths from the title, "x[n][3][2]", where they agree with the total. */
function fixedShape({ fTitle, fLen }: Leaf): readonly number[] {
  const lengths = [...fTitle.matchAll(/\[(\d+)\]/g)].map((match) => Number(match[1]));
  return sizeOf(lengths) === fLen ? lengths : [fLen];
}

function elementKind(file: RootFile, branch: Branch): Kind {
  const { fClassName = "", fStreamerType = -1, fBranchCount, fBranchCount2, fTitle } = branch;
  const leaf = branch.fLeaves?.arr[0];
  const basic = fStreamerType > 0 ? fStreamerType % KIND_STEP : 0;
  const form = Math.floor(fStreamerType / KIND_STEP);
  if (basic === 0 || form < 0 || form > COUNTED_ARRAY) {
    const type = memberType(file, branch) ?? fClassName;
    const dtype = vectorDtype(type);
    return dtype === undefined || fBranchCount
      ? unsupported(type)
      : { kind: "jagged", dtype, shape: [], type };
  }
  const dtype = STREAMER_TYPES[basic];
  if (dtype === undefined || fBranchCount2 || leaf === undefined || form > 0 && dtype === "int8") {
    return unsupported(fTitle);
  }
  const shape = form === FIXED_ARRAY ? fixedShape(leaf) : [];
  if (form === COUNTED_ARRAY || fBranchCount) return { kind: "jagged", dtype, shape, type: fTitle };
  return { kind: form === FIXED_ARRAY ? "array" : "scalar", dtype, shape, type: fTitle };
}

/** The C++ type of a branch that is one member of a split object. */
function memberType(
  file: RootFile,
  { fName, fClassName, fClassVersion, fCheckSum, fStreamerType }: Branch,
): string | undefined {
  if (fClassName === undefined || fStreamerType === undefined || fStreamerType < 0) return undefined;
  const own = fName.replace(/\[.*$/, "").replace(/^.*\./, "");
  const members = file.findStreamerInfo(fClassName, fClassVersion, fCheckSum)?.fElements?.arr ?? [];
  return members.find((member) => member.fName === own)?.fTypeName;
}

function vectorDtype(type: string): Dtype | undefined {
  const element = /^(?:std::)?vector<([^<>,]+)>$/.exec(type.trim())?.[1]?.trim();
  return element !== undefined && Object.hasOwn(VECTOR_TYPES, element) ? VECTOR_TYPES[element] : undefined;
}

function branchesOf(file: RootFile, tree: TreeObject): Map<string, Reader> {
  const readers = new Map<string, Reader>();
  for (const reader of readersOf(file, tree.fBranches.arr)) {
    // Two of one name can only be told apart by their order; the first is kept.
    if (!readers.has(reader.name)) readers.set(reader.name, reader);
  }
  return readers;
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

function infoOf({ name, kind, dtype, shape, type }: Reader): RootBranch {
  return { name, kind, dtype, shape, type };
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
  known: ReadonlyMap<string, Reader>,
  names: readonly string[] | undefined,
): readonly Reader[] {
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
  readers: readonly Reader[],
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
  readers: readonly (readonly [Reader, target: string])[],
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
function addBranches(selector: Selector, readers: readonly Reader[]): ReadonlyMap<Branch, string> {
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

  constructor(readonly reader: Reader) {
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
