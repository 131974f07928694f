/**
 * Moments of many columns, summed on the engine block of columns by block of columns.
 *
 * @module
 */
import type { Accumulator, DeviceArray, EvaluateContext } from "beamline";
import { blockEdges, Moments } from "beamline/metrics";
import { blockPairs, GRAM_COLUMNS, GRAM_ROWS } from "./algebra_sizes.ts";
import { BoundedQueue } from "./bounded_queue.ts";
import { float32 } from "./engine_arrays.ts";
import type { Metadata } from "./metadata.ts";

/** Bytes of rows that are sent at once. */
const STAGE_BYTES = 2 ** 26;
/** Products that wait for the engine. */
const AHEAD = 8;

/** A block of the matrix of products, and its sum. */
interface Pair {
  readonly blocks: readonly [number, number];
  readonly sum: Accumulator;
}

/** Sums moments by the program `gram`. */
export class MomentSum {
  readonly #edges: readonly number[];
  readonly #sums: Float64Array;
  readonly #factors: Float64Array;
  readonly #pairs: readonly Pair[];
  /** Standardized rows, one array per block of columns, each row as wide as the program takes it. */
  readonly #stages: readonly Float32Array<ArrayBuffer>[];
  readonly #stageRows: number;
  readonly #queue = new BoundedQueue();
  #staged = 0;
  #rows = 0;

  /**
   * @param rows Rows expected at most.
   * @param spread z = (x - shift) / scale is summed, [column].
   */
  constructor(
    readonly columns: number,
    rows: number,
    readonly spread: { readonly shift: Float64Array; readonly scale: Float64Array },
    readonly context: EvaluateContext<Metadata>,
  ) {
    const edges = blockEdges(columns, GRAM_COLUMNS);
    const batches = Math.floor(STAGE_BYTES / 4 / columns / GRAM_ROWS);
    this.#edges = edges;
    this.#sums = new Float64Array(columns);
    this.#factors = spread.scale.map((value) => 1 / value);
    this.#pairs = blockPairs(edges.length - 1).map((blocks) => ({
      blocks,
      sum: context.accumulate("algebra", "gram"),
    }));
    this.#stageRows = Math.min(Math.max(1, batches) * GRAM_ROWS, rows);
    this.#stages = edges.slice(1).map(() => new Float32Array(this.#stageRows * GRAM_COLUMNS));
  }

  /** Adds rows, [row, column]. */
  async add(values: Float32Array, rows: number): Promise<void> {
    const { spread: { shift }, columns } = this;
    const [sums, edges, factors] = [this.#sums, this.#edges, this.#factors];
    for (let row = 0; row < rows; row++) {
      const base = row * columns;
      for (let block = 0; block < this.#stages.length; block++) {
        const stage = this.#stages[block]!;
        const end = edges[block + 1]!;
        for (let i = edges[block]!, at = this.#staged * GRAM_COLUMNS; i < end; i++, at++) {
          const z = (values[base + i]! - shift[i]!) * factors[i]!;
          stage[at] = z;
          sums[i]! += z;
        }
      }
      if (++this.#staged === this.#stageRows) await this.#send();
    }
  }

  /** Sends the rows; their products are summed while others are read. */
  async #send(): Promise<void> {
    const rows = this.#staged;
    const blocks = this.#stages.map((stage) =>
      this.context.upload(float32([rows, GRAM_COLUMNS], stage.subarray(0, rows * GRAM_COLUMNS)))
    );
    this.#rows += rows;
    this.#staged = 0;
    await this.#queue.add(() => this.#multiply(blocks));
  }

  async #multiply(blocks: readonly DeviceArray[]): Promise<void> {
    const products = new BoundedQueue(AHEAD);
    for (const { blocks: [i, j], sum } of this.#pairs) {
      await products.add(() => sum.add({ a: blocks[i]!, b: blocks[j]! }));
    }
    await products.drain();
    for (const block of blocks) await block.dispose();
  }

  /** The moments of all rows; none can follow. */
  async finish(): Promise<Moments> {
    if (this.#staged > 0) await this.#send();
    await this.#queue.drain();
    const { shift, scale } = this.spread;
    const moments = new Moments(shift, scale, this.#edges);
    moments.rows = this.#rows;
    moments.sums.set(this.#sums);
    for (const { blocks: [i, j], sum } of this.#pairs) {
      const { product } = await sum.total();
      const target = moments.products.block(i, j);
      const [height, width] = [moments.products.length(i), moments.products.length(j)];
      const found = product!.data as Float64Array;
      for (let row = 0; row < height; row++) {
        target.set(found.subarray(row * GRAM_COLUMNS, row * GRAM_COLUMNS + width), row * width);
      }
    }
    return moments;
  }
}
