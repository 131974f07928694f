/**
 * What the branches of a ROOT tree are: which columns they make, of which type and shape. Pure; nothing is read here.
 *
 * @module
 */
import type { Dtype } from "../core/types.ts";
import { sizeOf } from "../core/types.ts";

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

// The objects of a tree as `jsroot` gives them, whose own types are all `any`.

/** A TLeaf. */
export interface Leaf {
  readonly _typename: string;
  readonly fName: string;
  readonly fTitle: string;
  readonly fLen: number;
  readonly fIsUnsigned: boolean;
  readonly fLeafCount: unknown;
}

/** A TBranch or TBranchElement. */
export interface Branch {
  readonly _typename: string;
  readonly fName: string;
  readonly fTitle: string;
  readonly fEntries: number;
  readonly fBranchCount?: unknown;
  readonly fBranchCount2?: unknown;
  readonly fIOFeatures?: { readonly fIOBits: number };
  readonly fClassName?: string;
  readonly fClassVersion?: number;
  readonly fCheckSum?: number;
  readonly fStreamerType?: number;
  readonly fLeaves: { readonly arr: readonly Leaf[] };
  readonly fBranches: { readonly arr: readonly Branch[] };
}

/** A TTree. */
export interface TreeObject {
  readonly fTitle: string;
  readonly fEntries: number;
  readonly fBranches: { readonly arr: readonly Branch[] };
}

/** The members of a class. */
export interface StreamerInfo {
  readonly fElements?: { readonly arr: readonly { readonly fName: string; readonly fTypeName: string }[] };
}

/** The classes that a file describes. */
export interface Classes {
  findStreamerInfo(className: string, version?: number, checkSum?: number): StreamerInfo | null;
}

/** A branch with how to read it. `leaf` is set when it has several. */
export interface BranchReader extends RootBranch {
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

/** ROOT::EIOFeatures: offsets are left out of the baskets, to be made from the counter, which the package does not do. */
const GENERATED_OFFSETS = 1;

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

function* readersOf(classes: Classes, branches: readonly Branch[], parent?: Named): Generator<BranchReader> {
  for (const branch of branches) {
    const own = branch.fName.replace(/(\[[^\]]*\])+$/, "").replace(/\.$/, "");
    const name = parent === undefined
      ? own
      : `${parent.name}.${own.startsWith(parent.own) ? own.slice(parent.own.length) : own}`;
    const children = branch.fBranches?.arr ?? [];
    if (children.length > 0) yield* readersOf(classes, children, { name, own: `${own}.` });
    else yield* readersOfOne(classes, branch, name);
  }
}

/** A branch with children: its whole name, and how the names of its children may begin. */
interface Named {
  readonly name: string;
  readonly own: string;
}

function* readersOfOne(classes: Classes, branch: Branch, name: string): Generator<BranchReader> {
  const leaves = branch.fLeaves?.arr ?? [];
  if (branch._typename === "TBranchElement") return yield { ...elementKind(classes, branch), branch, name };
  if (branch._typename !== "TBranch") return yield { ...unsupported(branch._typename), branch, name };
  if (leaves.length === 1) {
    const kind = leafKind(leaves[0]!);
    const isGenerated = kind.kind === "jagged" &&
      ((branch.fIOFeatures?.fIOBits ?? 0) & GENERATED_OFFSETS) !== 0;
    return yield { ...(isGenerated ? unsupported(`${kind.type} without offsets`) : kind), branch, name };
  }
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

function elementKind(classes: Classes, branch: Branch): Kind {
  const { fClassName = "", fStreamerType = -1, fBranchCount, fBranchCount2, fTitle } = branch;
  const leaf = branch.fLeaves?.arr[0];
  const basic = fStreamerType > 0 ? fStreamerType % KIND_STEP : 0;
  const form = Math.floor(fStreamerType / KIND_STEP);
  if (basic === 0 || form < 0 || form > COUNTED_ARRAY) {
    const type = memberType(classes, branch) ?? fClassName;
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
  classes: Classes,
  { fName, fClassName, fClassVersion, fCheckSum, fStreamerType }: Branch,
): string | undefined {
  if (fClassName === undefined || fStreamerType === undefined || fStreamerType < 0) return undefined;
  const own = fName.replace(/\[.*$/, "").replace(/^.*\./, "");
  const members = classes.findStreamerInfo(fClassName, fClassVersion, fCheckSum)?.fElements?.arr ?? [];
  return members.find((member) => member.fName === own)?.fTypeName;
}

function vectorDtype(type: string): Dtype | undefined {
  const element = /^(?:std::)?vector<([^<>,]+)>$/.exec(type.trim())?.[1]?.trim();
  return element !== undefined && Object.hasOwn(VECTOR_TYPES, element) ? VECTOR_TYPES[element] : undefined;
}

/** Every column of a tree by name, in the order of the tree. */
export function branchesOf(classes: Classes, tree: TreeObject): Map<string, BranchReader> {
  const readers = new Map<string, BranchReader>();
  for (const reader of readersOf(classes, tree.fBranches.arr)) {
    // Two of one name can only be told apart by their order; the first is kept.
    if (!readers.has(reader.name)) readers.set(reader.name, reader);
  }
  return readers;
}

/** What is public of a reader. */
export function infoOf({ name, kind, dtype, shape, type }: BranchReader): RootBranch {
  return { name, kind, dtype, shape, type };
}
