/**
 * What the branches of a tree are: which columns they make, of which type and shape, and how their entries lie in baskets.
 * Pure; nothing is read here.
 *
 * | entry | bytes |
 * |---|---|
 * | "fixed": numbers at a place that is the same in every entry | as the leaves say |
 * | "list": elements that another leaf counts | of a member behind a pointer, 1 that says whether there are any; the elements |
 * | "vector": `vector<number>` | length and version (6), count (4), the elements |
 * | "vector" of depth 2: `vector<vector<number>>` | length and version (6), count (4), then per inner vector its count (4) and its elements |
 *
 * @module
 */
import type { Dtype } from "../../core/types.ts";
import { sizeOf } from "../../core/types.ts";
import { cppFormat, type ElementFormat, leafFormat, memberFormat } from "./elements.ts";
import type { ClassLayout, Member } from "./class_layout.ts";
import type { Branch, Leaf, Tree } from "./tree_model.ts";

/** What a tree says of one column. */
export interface RootBranch {
  readonly name: string;
  /** How it is read; "nested" ones are vectors of vectors, "unsupported" ones are listed only. */
  readonly kind: "scalar" | "array" | "jagged" | "nested" | "unsupported";
  /** Type in memory; `null` when unsupported. */
  readonly dtype: Dtype | null;
  /** Lengths per row ("array") or per element ("jagged", "nested"); `[]` for one number. */
  readonly shape: readonly number[];
  /** ROOT's words for it, such as "Muon_Px[NMuon]/F" or "vector<float>". */
  readonly type: string;
}

/** How the entries of a branch lie in its baskets. */
export type EntryLayout =
  /** @property stride Bytes of a whole entry. @property offset Bytes before the numbers. */
  | { readonly form: "fixed"; readonly stride: number; readonly offset: number }
  | { readonly form: "list"; readonly headerBytes: number; readonly counter: Leaf | undefined }
  | { readonly form: "vector"; readonly depth: number };

/** A column with how to read it. */
export interface ColumnReader extends RootBranch {
  readonly branch: Branch;
  /** Missing when unsupported. */
  readonly plan?: { readonly element: ElementFormat; readonly layout: EntryLayout };
}

/** Finds how a class is described. */
export interface LayoutFinder {
  find(className: string, version: number, checksum?: number): ClassLayout | undefined;
}

type Kind = Omit<ColumnReader, "name" | "branch">;

/** TVirtualStreamerInfo::EReadWrite: 20 more for a fixed array, 40 for one with a counter. */
const KIND_STEP = 20;
const FIXED_ARRAY = 1;
const COUNTED_ARRAY = 2;
/** Members of the objects of a split TClonesArray or collection. */
const MEMBERS_OF_MANY = [31, 41];
/** Branches that hold how many objects a split array has. */
const COUNTS = [3, 4];

/** Every column of a tree by name, in the order of the tree. */
export function columnsOf(tree: Tree, layouts: LayoutFinder): Map<string, ColumnReader> {
  const readers = new Map<string, ColumnReader>();
  for (const reader of readersOf(layouts, tree.branches)) {
    const own = withAllRows(reader, tree.entries);
    // Two of one name can only be told apart by their order; the first is kept.
    if (!readers.has(own.name)) readers.set(own.name, own);
  }
  return readers;
}

/** What is public of a reader. */
export function infoOf({ name, kind, dtype, shape, type }: ColumnReader): RootBranch {
  return { name, kind, dtype, shape, type };
}

/** How the leaf that counts others is read: one integer per row. */
export function counterReader(leaf: Leaf): ColumnReader | undefined {
  const { branch } = leaf;
  if (branch.fileName !== "") return undefined;
  const kind = branch.element !== undefined
    ? COUNTS.includes(branch.element.type)
      ? fixed(memberFormat(3, "")!, [], branch.title, 4, 0)
      : elementKind({ find: () => undefined }, branch)
    : leafKind(branch, branch.leaves.indexOf(leaf));
  const isCount = kind.kind === "scalar" && /int/.test(kind.dtype!);
  return isCount ? { ...kind, branch, name: leaf.name } : undefined;
}

/** A branch with children: its whole name, and how the names of its children may begin. */
interface Named {
  readonly name: string;
  readonly own: string;
}

function* readersOf(
  layouts: LayoutFinder,
  branches: readonly Branch[],
  parent?: Named,
): Generator<ColumnReader> {
  for (const branch of branches) {
    const own = branch.name.replace(/(\[[^\]]*\])+$/, "").replace(/\.$/, "");
    const name = parent === undefined
      ? own
      : `${parent.name}.${own.startsWith(parent.own) ? own.slice(parent.own.length) : own}`;
    if (branch.children.length > 0) yield* readersOf(layouts, branch.children, { name, own: `${own}.` });
    else yield* readersOfOne(layouts, branch, name);
  }
}

function* readersOfOne(layouts: LayoutFinder, branch: Branch, name: string): Generator<ColumnReader> {
  const { leaves, className, element } = branch;
  if (element !== undefined) yield { ...elementKind(layouts, branch), branch, name };
  else if (className !== "TBranch") yield { ...unsupported(className), branch, name };
  else if (leaves.length === 1) yield { ...leafKind(branch, 0), branch, name };
  else {
    for (const [i, leaf] of leaves.entries()) {
      yield { ...leafKind(branch, i), branch, name: `${name}.${leaf.name}` };
    }
  }
}

/** Rows that are elsewhere, or were never filled, cannot be read. */
function withAllRows(reader: ColumnReader, rows: number): ColumnReader {
  const { kind, type, branch, name } = reader;
  if (kind === "unsupported") return reader;
  if (branch.fileName !== "") {
    return { ...unsupported(`${type} in file ${JSON.stringify(branch.fileName)}`), branch, name };
  }
  if (branch.entries >= rows) return reader;
  return { ...unsupported(`${type} with ${branch.entries} of ${rows} rows`), branch, name };
}

function unsupported(type: string): Kind {
  return { kind: "unsupported", dtype: null, shape: [], type };
}

function fixed(
  element: ElementFormat,
  shape: readonly number[],
  type: string,
  stride: number,
  offset: number,
): Kind {
  const plan = { element, layout: { form: "fixed", stride, offset } } as const;
  return { kind: shape.length > 0 ? "array" : "scalar", dtype: element.dtype, shape, type, plan };
}

function list(
  element: ElementFormat,
  shape: readonly number[],
  type: string,
  counter: Leaf | undefined,
  headerBytes: number,
): Kind {
  const plan = { element, layout: { form: "list", headerBytes, counter } } as const;
  return { kind: "jagged", dtype: element.dtype, shape, type, plan };
}

const NARROW_LETTERS: { readonly [letters: string]: string } = { D32: "d", F16: "f" };

function leafKind(branch: Branch, index: number): Kind {
  const leaf = branch.leaves[index]!;
  const letters = leaf.className.slice("TLeaf".length);
  const letter = NARROW_LETTERS[letters] ?? (leaf.isUnsigned ? letters.toLowerCase() : letters);
  const type = `${leaf.title}/${letter}`;
  const element = formatOfLeaf(leaf);
  if (element === undefined) return unsupported(type);
  const shape = leaf.length > 1 ? fixedShape(leaf) : [];
  if (leaf.counter !== undefined) {
    return branch.leaves.length === 1 ? list(element, shape, type, leaf.counter, 0) : unsupported(type);
  }
  const widths = branch.leaves.map(bytesOfLeaf);
  const stride = widths.reduce((sum, width) => sum + width, 0);
  // Behind a text or a counted array, the others lie at another place in each entry.
  if (Number.isNaN(stride)) return unsupported(`${type} beside a leaf of varying length`);
  return fixed(element, shape, type, stride, widths.slice(0, index).reduce((sum, width) => sum + width, 0));
}

/** Files of other writers may lack the description of leaves, which then have no length. */
function formatOfLeaf({ className, isUnsigned, title, length }: Leaf): ElementFormat | undefined {
  return length >= 1 ? leafFormat(className, isUnsigned, title) : undefined;
}

/** Bytes of a leaf in every entry; `NaN` if they vary. */
function bytesOfLeaf(leaf: Leaf): number {
  const element = formatOfLeaf(leaf);
  return element === undefined || leaf.counter !== undefined ? NaN : element.width * leaf.length;
}

/** Lengths from the title, "x[n][3][2]", where they agree with the total. */
function fixedShape({ title, length }: Leaf): readonly number[] {
  const lengths = [...title.matchAll(/\[(\d+)\]/g)].map((match) => Number(match[1]));
  return sizeOf(lengths) === length ? lengths : [length];
}

function elementKind(layouts: LayoutFinder, branch: Branch): Kind {
  const { streamerType, type, className, isCountedTwice } = branch.element!;
  const [leaf, ...more] = branch.leaves;
  const member = memberOf(layouts, branch);
  const form = Math.floor(streamerType / KIND_STEP);
  const isBasic = streamerType > 0 && form <= COUNTED_ARRAY && streamerType % KIND_STEP !== 0;
  const isOfMany = MEMBERS_OF_MANY.includes(type);
  if (!isBasic) {
    return isOfMany ? unsupported(member?.typeName ?? className) : vectorKind(member?.typeName ?? className);
  }
  const title = member?.title;
  const element = memberFormat(streamerType % KIND_STEP, title);
  if (
    element === undefined || isCountedTwice || leaf === undefined || more.length > 0 || !(leaf.length >= 1)
  ) {
    return unsupported(branch.title);
  }
  const shape = form === FIXED_ARRAY ? fixedShape(leaf) : [];
  if (isOfMany) {
    // Within each object, elements behind a pointer would be counted once more.
    return form === COUNTED_ARRAY
      ? unsupported(branch.title)
      : list(element, shape, branch.title, leaf.counter, 0);
  }
  if (form === COUNTED_ARRAY) return list(element, shape, branch.title, leaf.counter, 1);
  return fixed(element, shape, branch.title, element.width * sizeOf(shape), 0);
}

/** Collections whose elements lie one after the other. */
const COLLECTION =
  /^(?:std::)?(?:vector|ROOT::VecOps::RVec|ROOT::RVec|RVec|list|deque|set|multiset|unordered_set)<(.+)>$/;

/** Deeper vectors are not in use. */
const MAX_DEPTH = 8;

function vectorKind(type: string): Kind {
  let [inner, depth] = [type.trim(), 0];
  for (let match = COLLECTION.exec(inner); match !== null; match = COLLECTION.exec(inner)) {
    inner = match[1]!.replace(
      /,\s*(?:std::)?(?:allocator|less|ROOT::Detail::VecOps::RAdoptAllocator)<.*>\s*$/,
      "",
    ).trim();
    depth++;
  }
  const element = depth > 0 && depth <= MAX_DEPTH ? cppFormat(inner) : undefined;
  if (element === undefined) return unsupported(type);
  const plan = { element, layout: { form: "vector", depth } } as const;
  return { kind: depth > 1 ? "nested" : "jagged", dtype: element.dtype, shape: [], type, plan };
}

/** The member of a split object that a branch holds. */
function memberOf(layouts: LayoutFinder, { name, element }: Branch): Member | undefined {
  const { className, classVersion, checksum, id, streamerType } = element!;
  if (id < 0) return undefined;
  const members = layouts.find(className, classVersion, checksum)?.members ?? [];
  const own = name.replace(/\[.*$/, "").replace(/\.$/, "").replace(/^.*\./, "");
  return members.find((member) => member.name === own) ??
    (members[id]?.type === streamerType ? members[id] : undefined);
}
