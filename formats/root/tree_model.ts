/**
 * A tree with its branches, leaves and the places of its baskets, checked and linked.
 *
 * @module
 */
import { damage } from "./cursor.ts";
import type { EmbeddedBasket, ReadObject } from "./objects.ts";

/** One variable of a branch. */
export interface Leaf {
  readonly className: string;
  readonly name: string;
  readonly title: string;
  /** Numbers per entry, or per element that is counted. */
  readonly length: number;
  readonly isUnsigned: boolean;
  /** The leaf that counts the elements of each entry. */
  counter: Leaf | undefined;
  /** The branch that it belongs to. */
  readonly branch: Branch;
}

/** What a TBranchElement says of the member that it holds. */
export interface ElementInfo {
  /** The class whose member it is, or the class of the whole branch. */
  readonly className: string;
  readonly classVersion: number;
  readonly checksum: number;
  /** Index of the member in its class; below 0 for a whole object. */
  readonly id: number;
  /** 3 and 4 hold the count of a split array of objects, 31 and 41 one member of each of these objects. */
  readonly type: number;
  /** TVirtualStreamerInfo::EReadWrite of the member. */
  readonly streamerType: number;
  /** Whether its elements are counted a second time, within each object. */
  readonly isCountedTwice: boolean;
}

/** Where the entries from `first` up to, not including, `end` lie. */
export interface BasketPlace {
  readonly first: number;
  readonly end: number;
  /** A record of the file, or data within the tree. */
  readonly at: { readonly seek: number; readonly bytes: number } | EmbeddedBasket;
}

/** A branch. */
export interface Branch {
  readonly className: string;
  readonly name: string;
  readonly title: string;
  readonly entries: number;
  /** The file in which its baskets lie; empty for the same. */
  readonly fileName: string;
  readonly leaves: Leaf[];
  readonly children: Branch[];
  /** Made when asked for, as those of branches that are not read may be wrong. */
  readonly baskets: () => readonly BasketPlace[];
  readonly element: ElementInfo | undefined;
}

/** A tree. */
export interface Tree {
  readonly title: string;
  readonly entries: number;
  readonly branches: readonly Branch[];
}

/** Links what {@linkcode ReadObject} has of a tree. @throws {SyntaxError} If a count is wrong. */
export function buildTree(object: ReadObject): Tree {
  const entries = numberOf(object, "fEntries");
  if (!Number.isSafeInteger(entries) || entries < 0) {
    throw damage("a tree must count its entries", entries);
  }
  const builder = new Builder();
  const branches = builder.branches(object);
  builder.linkCounters();
  return { title: textOf(object, "fTitle"), entries, branches };
}

class Builder {
  readonly #leaves = new Map<ReadObject, Leaf>();
  readonly #seen = new Set<ReadObject>();

  /** Each branch once, wherever else it is referred to. */
  branches(parent: ReadObject): Branch[] {
    const found: Branch[] = [];
    for (const object of itemsOf(parent, "fBranches")) {
      if (this.#seen.has(object) || !object.className.startsWith("TBranch")) continue;
      this.#seen.add(object);
      found.push(this.#branch(object));
    }
    return found;
  }

  #branch(object: ReadObject): Branch {
    let places: readonly BasketPlace[] | undefined;
    const branch: Branch = {
      className: object.className,
      name: textOf(object, "fName"),
      title: textOf(object, "fTitle"),
      entries: numberOf(object, "fEntries"),
      fileName: textOf(object, "fFileName"),
      leaves: [],
      children: this.branches(object),
      baskets: () => places ??= placesOf(object),
      element: object.className === "TBranchElement" ? elementOf(object) : undefined,
    };
    for (const leaf of itemsOf(object, "fLeaves")) branch.leaves.push(this.#leaf(leaf, branch));
    return branch;
  }

  #leaf(object: ReadObject, branch: Branch): Leaf {
    const leaf: Leaf = {
      className: object.className,
      name: textOf(object, "fName"),
      title: textOf(object, "fTitle"),
      length: numberOf(object, "fLen"),
      isUnsigned: numberOf(object, "fIsUnsigned") !== 0,
      counter: undefined,
      branch,
    };
    this.#leaves.set(object, leaf);
    return leaf;
  }

  /** The counter is the very leaf that is referred to, whatever the branches are called. */
  linkCounters(): void {
    for (const [object, leaf] of this.#leaves) {
      const counter = object.fields.get("fLeafCount");
      if (typeof counter === "object" && counter !== null && "fields" in counter) {
        leaf.counter = this.#leaves.get(counter) ??
          // Counters of branches that were left out still say that there is one.
          {
            className: "",
            name: "",
            title: "",
            length: 1,
            isUnsigned: false,
            counter: undefined,
            branch: leaf.branch,
          };
      }
    }
  }
}

function elementOf(object: ReadObject): ElementInfo {
  return {
    className: textOf(object, "fClassName"),
    classVersion: numberOf(object, "fClassVersion"),
    checksum: numberOf(object, "fCheckSum"),
    id: numberOf(object, "fID"),
    type: numberOf(object, "fType"),
    streamerType: numberOf(object, "fStreamerType"),
    isCountedTwice: (object.fields.get("fBranchCount2") ?? null) !== null,
  };
}

/** Baskets on disk, then the one that was being filled when the tree was written. */
function placesOf(object: ReadObject): readonly BasketPlace[] {
  const [written, entries] = [numberOf(object, "fWriteBasket"), numberOf(object, "fEntries")];
  const [bytes, starts, seeks] = (["fBasketBytes", "fBasketEntry", "fBasketSeek"] as const).map((name) =>
    numbersOf(object, name)
  ) as [readonly number[], readonly number[], readonly number[]];
  const embedded = object.fields.get("fBaskets");
  const inside = isObject(embedded) ? embedded.items ?? [] : [];
  if (!(written >= 0 && written <= Math.min(bytes.length, starts.length, seeks.length))) {
    throw damage("its baskets must be listed", `${bytes.length} of ${written}`);
  }
  const places: BasketPlace[] = [];
  for (let i = 0; i <= written; i++) {
    const basket = inside[i]?.basket;
    const isOnDisk = i < written && seeks[i] !== 0;
    if (!isOnDisk && basket === undefined) {
      if (i < written) throw damage("its baskets must have places", `none for basket ${i}`);
      continue;
    }
    const first = starts[i] ?? places.at(-1)?.end ?? 0;
    const isLast = i + 1 === written && inside[written]?.basket === undefined;
    const end = isLast ? entries : isOnDisk ? starts[i + 1] ?? entries : first + basket!.entries;
    checkOrder(places, first, end, entries, i);
    places.push({ first, end, at: isOnDisk ? { seek: seeks[i]!, bytes: bytes[i]! } : basket! });
  }
  return places.filter(({ first, end }) => end > first);
}

function checkOrder(
  places: readonly BasketPlace[],
  first: number,
  end: number,
  entries: number,
  index: number,
): void {
  const before = places.at(-1)?.end ?? first;
  if (first === before && end >= first && end <= entries && first >= 0) return;
  throw damage(
    `its baskets must follow each other up to entry ${entries}`,
    `entries ${first} to ${end} in basket ${index} after entry ${before}`,
  );
}

function isObject(value: unknown): value is ReadObject {
  return typeof value === "object" && value !== null && "fields" in value;
}

function itemsOf(object: ReadObject, name: string): readonly ReadObject[] {
  const array = object.fields.get(name);
  return isObject(array) ? (array.items ?? []).filter(isObject) : [];
}

function numbersOf(object: ReadObject, name: string): readonly number[] {
  const value = object.fields.get(name);
  return Array.isArray(value) ? value : [];
}

/** `NaN` where there is none, which no check lets pass. */
function numberOf(object: ReadObject, name: string): number {
  const value = object.fields.get(name);
  return typeof value === "number" ? value : NaN;
}

function textOf(object: ReadObject, name: string): string {
  const value = object.fields.get(name);
  return typeof value === "string" ? value : "";
}
