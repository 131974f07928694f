/**
 * Moments of many columns over more rows than fit into memory, and the large symmetric matrices they make.
 *
 * @module
 */

/** A symmetric matrix kept as the blocks on and below its diagonal. */
export class SymmetricBlocks {
  readonly #blockOf: Uint16Array;
  readonly #blocks: readonly Float64Array[];

  /**
   * @param edges Begins of the blocks and the end: `[0, ..., size]`, increasing.
   * @param blocks Blocks (0, 0), (1, 0), (1, 1), ...; not copied. @default zeros
   * @throws {TypeError} If there are not as many numbers as the edges say.
   */
  constructor(readonly edges: readonly number[], blocks?: readonly Float64Array[]) {
    const count = edges.length - 1;
    this.#blockOf = new Uint16Array(this.size);
    for (let b = 0; b < count; b++) this.#blockOf.fill(b, edges[b], edges[b + 1]);
    const sizes = Array.from(
      { length: count },
      (_, i) => Array.from({ length: i + 1 }, (_, j) => this.length(i) * this.length(j)),
    ).flat();
    this.#blocks = blocks ?? sizes.map((size) => new Float64Array(size));
    const found = this.#blocks.map(({ length }) => length);
    if (found.join() !== sizes.join()) {
      throw new TypeError(`Cannot make a matrix as its blocks must have ${sizes} numbers: found ${found}`);
    }
  }

  /** Rows, and as many columns. */
  get size(): number {
    return this.edges.at(-1)!;
  }

  /** Number of blocks along a side. */
  get count(): number {
    return this.edges.length - 1;
  }

  /** Rows of a block. */
  length(block: number): number {
    return this.edges[block + 1]! - this.edges[block]!;
  }

  /** Block (i, j) with j <= i, shape [length(i), length(j)], row-major; not a copy. */
  block(i: number, j: number): Float64Array {
    return this.#blocks[i * (i + 1) / 2 + j]!;
  }

  /** One element. */
  get(row: number, column: number): number {
    if (column > row) return this.get(column, row);
    const [i, j] = [this.#blockOf[row]!, this.#blockOf[column]!];
    return this.block(i, j)[(row - this.edges[i]!) * this.length(j) + column - this.edges[j]!]!;
  }

  /** The matrix of some rows and the same columns, shape [n, n]. */
  select(indices: ArrayLike<number>): Float64Array<ArrayBuffer> {
    const size = indices.length;
    const chosen = new Float64Array(size * size);
    for (let a = 0; a < size; a++) {
      for (let b = 0; b < size; b++) chosen[a * size + b] = this.get(indices[a]!, indices[b]!);
    }
    return chosen;
  }

  /** Adds another matrix of the same blocks. */
  add(other: SymmetricBlocks): void {
    this.#blocks.forEach((block, at) => {
      const more = other.#blocks[at]!;
      for (let i = 0; i < block.length; i++) block[i]! += more[i]!;
    });
  }

  /** A copy. */
  clone(): SymmetricBlocks {
    const copy = new SymmetricBlocks(this.edges);
    copy.add(this);
    return copy;
  }

  /** Replaces each element on and below the diagonal by `map(value, row, column)`. */
  update(map: (value: number, row: number, column: number) => number): void {
    for (let i = 0; i < this.count; i++) {
      for (let j = 0; j <= i; j++) {
        const block = this.block(i, j);
        const [rows, columns] = [this.length(i), this.length(j)];
        const [top, left] = [this.edges[i]!, this.edges[j]!];
        for (let a = 0, at = 0; a < rows; a++) {
          for (let b = 0; b < columns; b++, at++) block[at] = map(block[at]!, top + a, left + b);
        }
      }
    }
  }
}

/** Equal blocks of at most `largest` rows. */
export function blockEdges(size: number, largest: number): number[] {
  const count = Math.max(1, Math.ceil(size / largest));
  return Array.from({ length: count + 1 }, (_, i) => Math.round(i * size / count));
}

/** Sums over rows, ready to be added up: the moments of z = (x - shift) / scale. */
export interface MomentSums {
  readonly rows: number;
  /** Shape [column]: sum of z. */
  readonly sums: Float64Array;
  /** Sum of z zᵀ. */
  readonly products: SymmetricBlocks;
}

/** Moments of columns, gathered block by block. */
export class Moments implements MomentSums {
  rows = 0;
  readonly sums: Float64Array;

  /**
   * @param shift Shape [column]; near the means, so that no digits cancel.
   * @param scale Shape [column]; near the standard deviations, positive.
   * @param edges Blocks of the matrix of products.
   * @param products That matrix, of sums made elsewhere; not copied. @default zeros
   */
  constructor(
    readonly shift: Float64Array,
    readonly scale: Float64Array,
    readonly edges: readonly number[],
    readonly products: SymmetricBlocks = new SymmetricBlocks(edges),
  ) {
    this.sums = new Float64Array(shift.length);
  }

  /** Adds rows, [row, column], with plain loops; O(rows columns²). */
  addRows(values: ArrayLike<number>, rows: number): void {
    const size = this.shift.length;
    const z = new Float64Array(size);
    for (let n = 0; n < rows; n++) {
      for (let i = 0; i < size; i++) {
        z[i] = (values[n * size + i]! - this.shift[i]!) / this.scale[i]!;
        this.sums[i]! += z[i]!;
      }
      this.#addProduct(z);
    }
    this.rows += rows;
  }

  #addProduct(z: Float64Array): void {
    const { products, edges } = this;
    for (let i = 0; i < products.count; i++) {
      for (let j = 0; j <= i; j++) {
        const block = products.block(i, j);
        const columns = products.length(j);
        for (let a = edges[i]!, at = 0; a < edges[i + 1]!; a++, at += columns) {
          const left = z[a]!;
          if (left === 0) continue;
          for (let b = 0; b < columns; b++) block[at + b]! += left * z[edges[j]! + b]!;
        }
      }
    }
  }

  /** Adds sums made elsewhere with the same shift, scale and blocks. */
  addSums({ rows, sums, products }: MomentSums): void {
    this.rows += rows;
    for (let i = 0; i < sums.length; i++) this.sums[i]! += sums[i]!;
    this.products.add(products);
  }

  /** Both together. */
  merged(other: MomentSums): Moments {
    const both = new Moments(this.shift, this.scale, this.edges);
    both.addSums(this);
    both.addSums(other);
    return both;
  }

  /** Shape [column]: means of the columns. */
  means(): Float64Array {
    return this.sums.map((sum, i) => this.shift[i]! + this.scale[i]! * sum / this.rows);
  }

  /** Shape [column]: variances with n - 1. */
  variances(): Float64Array {
    return this.sums.map((sum, i) => {
      const variance = (this.products.get(i, i) - sum * sum / this.rows) / (this.rows - 1);
      return Math.max(0, variance) * this.scale[i]! ** 2;
    });
  }
}
