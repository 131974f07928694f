/**
 * How heavy products are cut into batches, blocks and tiles: for the programs, which need tfjs, and for those who call them,
 * which do without.
 *
 * @module
 */
import { blockEdges } from "beamline/metrics";

/** Columns of a block of the matrix of products. */
const BLOCK_COLUMNS = 448;
/** Rows of a batch of the moments. */
export const MOMENT_ROWS = 1024;
/** Rows of a batch, and columns of a block, of products of any number of columns. */
export const GRAM_ROWS = 1024;
export const GRAM_COLUMNS = 1344;
/** Rows of a tile of neighbors: what the engine holds of two samples. */
const TILE_ROWS = 1250;
/** Sizes of samples behind the Fréchet distance. */
export const FPD_POINTS = 10;

/** Begins of the blocks of columns. */
export function momentEdges(voxels: number): number[] {
  return blockEdges(
    voxels,
    voxels <= 3360 ? BLOCK_COLUMNS : Math.ceil(voxels / 5),
  );
}

/** Pairs (i, j) of blocks with j <= i. */
export function blockPairs(count: number): (readonly [number, number])[] {
  return Array.from(
    { length: count },
    (_, i) => Array.from({ length: i + 1 }, (_, j) => [i, j] as const),
  ).flat();
}

/** Rows `from` to `to` of a symmetric matrix, as far as column `to`; they lie at `at` among those of all strips. */
export interface Strip {
  readonly from: number;
  readonly to: number;
  readonly at: number;
}

/** Strips that hold the lower triangle. */
const STRIPS = 6;

export function stripsOf(size: number): Strip[] {
  const edges = blockEdges(size, Math.ceil(size / STRIPS));
  let at = 0;
  return edges.slice(1).map((to, i) => {
    const from = edges[i]!;
    const strip = { from, to, at };
    at += (to - from) * to;
    return strip;
  });
}

/** Equal tiles of at most {@linkcode TILE_ROWS}. */
export function tileRows(rows: number): number {
  return Math.ceil(rows / Math.ceil(rows / TILE_ROWS));
}
