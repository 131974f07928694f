/**
 * Where the elements of each entry lie in the data of a basket, and how many they are.
 *
 * @module
 */
import type { Basket } from "./baskets.ts";
import { damage } from "./cursor.ts";
import type { EntryLayout } from "./interpretation.ts";

/** Elements of a range of entries. */
export interface Pieces {
  /** Where each run of elements begins in the data, and its length in bytes. */
  readonly starts: IntList;
  readonly lengths: IntList;
  /** The sum of the lengths. */
  readonly total: number;
  /** Per level: the elements of each entry, then the elements of each of these, and so on. */
  readonly levels: readonly IntList[];
}

/** Integers that are appended. */
export class IntList {
  #data: Int32Array<ArrayBuffer>;
  #length = 0;

  constructor(capacity: number) {
    this.#data = new Int32Array(Math.max(capacity, 16));
  }

  push(value: number): void {
    if (this.#length === this.#data.length) {
      const larger = new Int32Array(2 * this.#length);
      larger.set(this.#data);
      this.#data = larger;
    }
    this.#data[this.#length++] = value;
  }

  get values(): Int32Array<ArrayBuffer> {
    return this.#data.subarray(0, this.#length);
  }
}

/** The entries of a basket that are wanted. */
export interface EntryRange {
  readonly basket: Basket;
  /** First entry, and the one after the last, counted in the basket. */
  readonly from: number;
  readonly to: number;
}

/** Numbers at one place in every entry. `itemBytes`: bytes of one entry's numbers. */
export function fixedPieces(
  { basket, from, to }: EntryRange,
  { stride, offset }: Extract<EntryLayout, { readonly form: "fixed" }>,
  itemBytes: number,
): Pieces {
  const { data, entries } = basket;
  if (data.length !== entries * stride) {
    throw damage(`${entries} entries of ${stride} bytes must fill the basket`, `${data.length} bytes`);
  }
  const pieces = new PieceList(itemBytes === stride ? 1 : to - from, 0);
  if (itemBytes === stride) pieces.add(from * stride, (to - from) * stride);
  else for (let i = from; i < to; i++) pieces.add(i * stride + offset, itemBytes);
  return pieces;
}

/** Elements that were counted. `counts`: of every entry of the basket, needed where it has no offsets. */
export function listPieces(
  { basket, from, to }: EntryRange,
  headerBytes: number,
  itemBytes: number,
  counts: ArrayLike<number> | undefined,
): Pieces {
  const { data, entries } = basket;
  const offsets = basket.offsets ?? offsetsOf(counts, entries, headerBytes, itemBytes, data.length);
  const pieces = new PieceList(headerBytes === 0 ? 1 : to - from, 1);
  for (let i = from; i < to; i++) {
    const start = offsets[i]! + headerBytes;
    const bytes = Math.max(0, offsets[i + 1]! - start);
    if (bytes % itemBytes !== 0) {
      throw damage(
        `elements of ${itemBytes} bytes must fill each entry`,
        `${bytes} bytes in entry ${i} of the basket`,
      );
    }
    if (headerBytes > 0 && bytes > 0) pieces.add(start, bytes);
    pieces.levels[0]!.push(bytes / itemBytes);
  }
  // Without anything between them, the entries are one run.
  if (headerBytes === 0 && to > from) pieces.add(offsets[from]!, offsets[to]! - offsets[from]!);
  return pieces;
}

function offsetsOf(
  counts: ArrayLike<number> | undefined,
  entries: number,
  headerBytes: number,
  itemBytes: number,
  end: number,
): Float64Array {
  const offsets = new Float64Array(entries + 1);
  if (counts === undefined) {
    if (end === 0) return offsets;
    throw damage("entries of varying length must have offsets or a counter", "neither");
  }
  for (let i = 0; i < entries; i++) {
    // A counter below 0 counts nothing, as ROOT takes it.
    offsets[i + 1] = offsets[i]! + headerBytes + Math.max(0, counts[i]!) * itemBytes;
  }
  if (offsets[entries] === end) return offsets;
  throw damage(
    "the elements that the counter counts must fill the basket",
    `${end} of ${offsets[entries]} bytes`,
  );
}

/** Byte count and version. */
const VECTOR_HEADER_BYTES = 6;
const COUNT_BYTES = 4;
const BYTE_COUNT_MASK = 0x4000_0000;

/** Elements of vectors, or of vectors of vectors. */
export function vectorPieces(
  { basket, from, to }: EntryRange,
  depth: number,
  width: number,
): Pieces {
  const reader = new VectorReader(basket.data, depth, width, to - from);
  const { offsets } = basket;
  // Without offsets, each entry tells where the next one begins.
  for (let i = offsets === undefined ? 0 : from, at = 0; i < to; i++) {
    const start = offsets?.[i] ?? at;
    at = reader.endOf(start, i);
    const isWhole = i < from || reader.read(start + VECTOR_HEADER_BYTES, 0) === at;
    if (!isWhole || offsets !== undefined && offsets[i + 1] !== at) {
      throw damage(`the vectors must fill their ${at - start} bytes`, `others in entry ${i} of the basket`);
    }
  }
  return reader.pieces;
}

class VectorReader {
  readonly pieces: PieceList;
  readonly #view: DataView;

  constructor(data: Uint8Array, readonly depth: number, readonly width: number, entries: number) {
    this.pieces = new PieceList(entries, depth);
    this.#view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  }

  /** The end of an entry by its byte count. */
  endOf(start: number, entry: number): number {
    const word = this.#uint32(start);
    if ((word & BYTE_COUNT_MASK) === 0) {
      throw damage("a vector must begin with its length", `none in entry ${entry} of the basket`);
    }
    return start + 4 + (word & ~BYTE_COUNT_MASK);
  }

  /** Reads one vector and returns where it ends. */
  read(start: number, level: number): number {
    const count = this.#uint32(start);
    this.pieces.levels[level]!.push(count);
    let at = start + COUNT_BYTES;
    if (level + 1 === this.depth) {
      const bytes = count * this.width;
      if (bytes > this.#view.byteLength - at) throw this.#short(count);
      this.pieces.add(at, bytes);
      return at + bytes;
    }
    if (count * COUNT_BYTES > this.#view.byteLength - at) throw this.#short(count);
    for (let i = 0; i < count; i++) at = this.read(at, level + 1);
    return at;
  }

  #uint32(at: number): number {
    if (at + 4 > this.#view.byteLength) throw this.#short(1);
    return this.#view.getUint32(at);
  }

  #short(count: number): SyntaxError {
    return damage("the vectors must lie within the basket", `one of ${count} elements that does not`);
  }
}

class PieceList implements Pieces {
  readonly starts: IntList;
  readonly lengths: IntList;
  readonly levels: readonly IntList[];
  total = 0;

  constructor(capacity: number, depth: number) {
    this.starts = new IntList(capacity);
    this.lengths = new IntList(capacity);
    this.levels = Array.from({ length: depth }, () => new IntList(capacity));
  }

  add(start: number, bytes: number): void {
    this.starts.push(start);
    this.lengths.push(bytes);
    this.total += bytes;
  }
}
