/**
 * Columns from baskets: reads those that hold the wanted rows, one after the other.
 *
 * @module
 */
import type { NdArray, TypedArray } from "../../core/types.ts";
import { sizeOf } from "../../core/types.ts";
import type { ByteSource } from "../byte_source.ts";
import { readBasket } from "./baskets.ts";
import { RecordScratch } from "./container.ts";
import { damage } from "./cursor.ts";
import { gather, joinElements } from "./decode.ts";
import { type ColumnReader, counterReader } from "./interpretation.ts";
import { type EntryRange, fixedPieces, listPieces, type Pieces, vectorPieces } from "./pieces.ts";
import type { BasketPlace, Branch, Leaf } from "./tree_model.ts";

/** Rows of different lengths: row i has `values` from `offsets[i]` up to, not including, `offsets[i + 1]`. */
export interface JaggedArray {
  /** Shape [rows + 1]; starts at 0 and never falls. */
  readonly offsets: NdArray<"int64">;
  /** Shape [elements, ...]; the elements of all rows. */
  readonly values: NdArray;
}

/** Rows of lists of different lengths, as `vector<vector<float>>` has them: those of row i are rows of `values`. */
export interface NestedArray {
  /** Shape [rows + 1]; row i has the rows of `values` from `offsets[i]` up to, not including, `offsets[i + 1]`. */
  readonly offsets: NdArray<"int64">;
  readonly values: JaggedArray | NestedArray;
}

/** What a branch becomes. */
export type RootColumn = NdArray | JaggedArray | NestedArray;

/** Reads rows of columns from a file. */
export class ColumnSource {
  readonly #counts = new Map<Leaf, Counts>();
  /** Baskets are read one after the other. */
  readonly #scratch = new RecordScratch();

  constructor(readonly source: ByteSource) {}

  /**
   * Rows `from` up to, not including, `to` of each column, by name.
   *
   * @throws {SyntaxError} If a basket is damaged; the message names file, branch and entries.
   */
  async read(readers: readonly ColumnReader[], from: number, to: number): Promise<Map<string, RootColumn>> {
    const byBranch = new Map<Branch, ColumnBuilder[]>();
    const builders = readers.map((reader) => new ColumnBuilder(reader));
    for (const builder of builders) {
      const { branch } = builder.reader;
      const own = byBranch.get(branch);
      if (own === undefined) byBranch.set(branch, [builder]);
      else own.push(builder);
    }
    for (const [branch, own] of byBranch) if (to > from) await this.#readBranch(branch, own, from, to);
    return new Map(builders.map((builder) => [builder.reader.name, builder.finish(to - from)]));
  }

  /** A branch that makes several columns is read once. */
  async #readBranch(
    branch: Branch,
    builders: readonly ColumnBuilder[],
    from: number,
    to: number,
  ): Promise<void> {
    const { name } = builders[0]!.reader;
    const places = within(
      `branch "${name}" of "${this.source.name}"`,
      () => coveringPlaces(branch, from, to),
    );
    for (const place of places) {
      const where = `entries ${place.first} to ${place.end - 1} of branch "${name}" of "${this.source.name}"`;
      try {
        await this.#readPlace(place, places, builders, from, to);
      } catch (cause) {
        throw prefixed(where, cause);
      }
    }
  }

  async #readPlace(
    place: BasketPlace,
    places: readonly BasketPlace[],
    builders: readonly ColumnBuilder[],
    from: number,
    to: number,
  ): Promise<void> {
    const basket = await readBasket(this.source, place, this.#scratch);
    const range = {
      basket,
      from: Math.max(from, place.first) - place.first,
      to: Math.min(to, place.end) - place.first,
    };
    for (const builder of builders) {
      const { layout } = builder.reader.plan!;
      const isCounted = layout.form === "list" && basket.offsets === undefined &&
        layout.counter !== undefined;
      const counts = isCounted ? await this.#countsOf(layout.counter!, place, places) : undefined;
      builder.add(range, counts);
    }
  }

  /** How many elements each entry of a basket has; read once for all branches that share a counter. */
  async #countsOf(
    leaf: Leaf,
    { first, end }: BasketPlace,
    places: readonly BasketPlace[],
  ): Promise<ArrayLike<number> | undefined> {
    let known = this.#counts.get(leaf);
    if (known === undefined || first < known.first || end > known.end) {
      const reader = counterReader(leaf);
      if (reader === undefined) return undefined;
      const [from, to] = [
        Math.min(places[0]!.first, known?.first ?? Infinity),
        Math.max(places.at(-1)!.end, known?.end ?? 0),
      ];
      const column = (await this.read([reader], from, to)).get(reader.name) as NdArray;
      known = { first: from, end: to, values: column.data };
      this.#counts.set(leaf, known);
    }
    const part = known.values.subarray(first - known.first, end - known.first);
    return part instanceof BigInt64Array || part instanceof BigUint64Array
      ? Float64Array.from(part, Number)
      : part;
  }
}

interface Counts {
  readonly first: number;
  readonly end: number;
  readonly values: TypedArray;
}

function within<T>(what: string, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    throw prefixed(what, cause);
  }
}

/** Puts "Cannot read" and what was read before a rule; errors that have it, and bugs, pass. */
function prefixed(what: string, cause: unknown): unknown {
  if (!(cause instanceof SyntaxError) || cause.message.startsWith("Cannot ")) return cause;
  return new SyntaxError(`Cannot read ${what} as ${cause.message}`, { cause });
}

/** The baskets that hold rows, without gaps. */
function coveringPlaces(branch: Branch, from: number, to: number): readonly BasketPlace[] {
  const places = branch.baskets().filter(({ first, end }) => first < to && end > from);
  let next = from;
  for (const { first, end } of places) {
    if (first > next) break;
    next = end;
  }
  if (next < to) throw damage(`its baskets must hold the rows ${from} to ${to - 1}`, `none for row ${next}`);
  return places;
}

/** Grows one column basket by basket. */
class ColumnBuilder {
  /** As they are stored; decoded when all are there, so that each number is moved once. */
  readonly #chunks: Uint8Array[] = [];
  /** Per level of nesting, the lengths of the lists, basket by basket. */
  readonly #levels: Int32Array[][];

  constructor(readonly reader: ColumnReader) {
    const { layout } = reader.plan!;
    const depth = layout.form === "fixed" ? 0 : layout.form === "list" ? 1 : layout.depth;
    this.#levels = Array.from({ length: depth }, () => []);
  }

  add(range: EntryRange, counts: ArrayLike<number> | undefined): void {
    const { starts, lengths, total, levels } = this.#pieces(range, counts);
    const [first, count] = [starts.values[0] ?? 0, starts.values.length];
    const bytes = count <= 1
      ? range.basket.data.subarray(first, first + total)
      : gather(range.basket.data, starts.values, lengths.values, total);
    this.#chunks.push(bytes);
    levels.forEach((level, i) => this.#levels[i]!.push(level.values));
  }

  #pieces(range: EntryRange, counts: ArrayLike<number> | undefined): Pieces {
    const { element, layout } = this.reader.plan!;
    const itemBytes = element.width * sizeOf(this.reader.shape);
    if (layout.form === "fixed") return fixedPieces(range, layout, itemBytes);
    if (layout.form === "vector") return vectorPieces(range, layout.depth, element.width);
    return listPieces(range, layout.headerBytes, itemBytes, counts);
  }

  finish(rows: number): RootColumn {
    const { reader } = this;
    const { element } = reader.plan!;
    const data = joinElements(this.#chunks, element);
    this.#chunks.length = 0;
    const elements = this.#levels.length === 0 ? rows : data.length / sizeOf(reader.shape);
    const values: NdArray = { dtype: element.dtype, shape: [elements, ...reader.shape], data };
    return this.#levels.reduceRight<RootColumn>(
      (inner, lengths) => ({ offsets: toOffsets(lengths), values: inner }) as RootColumn,
      values,
    );
  }
}

function lengthOf(chunks: readonly { readonly length: number }[]): number {
  return chunks.reduce((sum, { length }) => sum + length, 0);
}

/** The sums of lengths. They are written as pairs of 32-bit halves, as each `bigint` would take its own memory. */
function toOffsets(lengths: readonly Int32Array[]): NdArray<"int64"> {
  const count = lengthOf(lengths);
  const data = new BigInt64Array(count + 1);
  const halves = new Uint32Array(data.buffer);
  let [sum, at] = [0, 2];
  for (const part of lengths) {
    for (let i = 0; i < part.length; i++, at += 2) {
      sum += part[i]!;
      halves[at] = sum;
      halves[at + 1] = sum / 2 ** 32;
    }
  }
  return { dtype: "int64", shape: [count + 1], data };
}
