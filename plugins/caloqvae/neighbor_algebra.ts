/**
 * Distances between all showers of two samples, on the engine: samples are cut into tiles, which are sent once and stay
 * there.
 *
 * @module
 */
import type { DeviceArray, EvaluateContext, NdArray } from "beamline";
import type { Matrix, NeighborAlgebra, NeighborCounts, Sized } from "beamline/metrics";
import { tileRows } from "./algebra_sizes.ts";
import { BoundedQueue } from "./bounded_queue.ts";
import { float32 } from "./engine_arrays.ts";
import type { Metadata } from "./metadata.ts";

/** A sample that is with the engine, in tiles. */
export interface EngineSample extends Sized {
  readonly tiles: readonly Tile[];
  /** Squared norm of each row. */
  readonly norms: Float64Array;
}

/** Distances between samples that are with the engine. */
export interface EngineNeighbors extends NeighborAlgebra<EngineSample> {
  /** A sample whose rows are still to come. */
  sample(columns: number): SampleWriter;
  /** Lets go of a sample. */
  forget(sample: EngineSample): Promise<void>;
}

/** Some rows of a sample, with rows of zeros in a last tile that is shorter. */
interface Tile {
  readonly from: number;
  /** Without the zeros. */
  readonly rows: number;
  readonly x: DeviceArray;
  /** Squared norms, [row]; where there is no row, so large that it is nobody's neighbor. */
  readonly squares: Float32Array<ArrayBuffer>;
}

const FAR = 1e30;
/** Pairs of tiles that wait for the engine: enough for it while other things are done here. */
const AHEAD = 20;

/** Neighbors by the programs `radii` and `counts`. */
export function engineNeighbors(context: EvaluateContext<Metadata>): EngineNeighbors {
  const radii = new WeakMap<EngineSample, Promise<Float64Array>>();
  return {
    sample: (columns) => new SampleWriter(columns, tileRows(context.metadata.neighborRows), context),
    neighborRadii(x, neighbors) {
      const found = radii.get(x) ?? radiiOf(x, neighbors, context);
      radii.set(x, found);
      return found;
    },
    neighborCounts: (x, xRadii, y, yRadii) => countsOf(x, xRadii, y, yRadii, context),
    async forget({ tiles }) {
      for (const { x } of tiles) await x.dispose();
    },
  };
}

/** Sends the rows of a sample, tile by tile. */
export class SampleWriter {
  readonly #tiles: Tile[] = [];
  readonly #norms: Float64Array[] = [];
  #tile: Float32Array<ArrayBuffer> | undefined;
  #filled = 0;
  #rows = 0;

  constructor(
    readonly columns: number,
    readonly tileRows: number,
    readonly context: EvaluateContext<Metadata>,
  ) {}

  /** Room for the next row, to be filled before the one after it is asked for. */
  next(): Float32Array<ArrayBuffer> {
    const { columns, tileRows } = this;
    if (this.#filled === tileRows) this.#send();
    this.#tile ??= new Float32Array(tileRows * columns);
    const from = this.#filled++ * columns;
    return this.#tile.subarray(from, from + columns);
  }

  /** The sample; no row can follow. */
  finish(): EngineSample {
    if (this.#filled > 0) this.#send();
    this.#tile = undefined;
    const norms = new Float64Array(this.#rows);
    this.#tiles.forEach(({ from }, i) => norms.set(this.#norms[i]!, from));
    return { rows: this.#rows, columns: this.columns, tiles: this.#tiles, norms };
  }

  #send(): void {
    const { columns, tileRows, context } = this;
    const [data, rows] = [this.#tile!, this.#filled];
    data.fill(0, rows * columns);
    const norms = squaredNorms({ rows, columns, data });
    const squares = new Float32Array(tileRows).fill(FAR);
    squares.set(norms);
    this.#tiles.push({
      from: this.#rows,
      rows,
      x: context.upload(float32([tileRows, columns], data)),
      squares,
    });
    this.#norms.push(norms);
    this.#rows += rows;
    this.#filled = 0;
  }
}

/** Every pair of tiles, some calls ahead: the engine works on one while the answers before are read. */
async function forPairs<T>(
  pairs: readonly (readonly [x: Tile, y: Tile])[],
  begin: (x: Tile, y: Tile) => Promise<T>,
  use: (x: Tile, y: Tile, found: T) => void,
): Promise<void> {
  const queue = new BoundedQueue(AHEAD);
  for (const [x, y] of pairs) await queue.add(async () => use(x, y, await begin(x, y)));
  await queue.drain();
}

/** Distances are the same both ways: a pair of tiles is looked at once. */
async function radiiOf(
  { tiles, norms }: EngineSample,
  neighbors: number,
  context: EvaluateContext<Metadata>,
): Promise<Float64Array> {
  const count = neighbors + 1; // with the row itself
  const best = new Float32Array(norms.length * count).fill(-Infinity);
  const keepNearest = ({ from, rows }: Tile, { data }: NdArray): void => {
    for (let row = 0; row < rows; row++) {
      const own = best.subarray((from + row) * count, (from + row + 1) * count);
      insert(own, data as Float32Array, row * count);
    }
  };
  await forPairs(
    tiles.flatMap((own, i) => tiles.slice(0, i + 1).map((other) => [own, other] as const)),
    (own, other) =>
      context.call("algebra", "radii", {
        x: own.x,
        own: float32([own.squares.length, 1], own.squares),
        y: other.x,
        squares: float32([other.squares.length], other.squares),
      }),
    (own, other, { ofX, ofY }) => {
      keepNearest(own, ofX!);
      if (own !== other) keepNearest(other, ofY!);
    },
  );
  return norms.map((norm, row) => Math.sqrt(Math.max(0, norm - best[row * count + neighbors]!)));
}

/** Keeps the largest of two falling lists of equal length. */
function insert(best: Float32Array, found: Float32Array, from: number): void {
  const old = best.slice();
  for (let at = 0, i = 0, j = from; at < best.length; at++) {
    best[at] = old[i]! >= found[j]! ? old[i++]! : found[j++]!;
  }
}

async function countsOf(
  x: EngineSample,
  xRadii: Float64Array,
  y: EngineSample,
  yRadii: Float64Array,
  context: EvaluateContext<Metadata>,
): Promise<NeighborCounts> {
  const [ballsOfY, ballsOfX, inside] = [x, y, y].map(({ norms }) => new Float64Array(norms.length)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  await forPairs(
    x.tiles.flatMap((own) => y.tiles.map((other) => [own, other] as const)),
    (own, other) => {
      const size = own.squares.length;
      return context.call("algebra", "counts", {
        x: own.x,
        radius: float32([size, 1], squaredIn(own, xRadii)),
        weight: float32([size, 1], new Float32Array(size).fill(1, 0, own.rows)),
        y: other.x,
        squares: float32([other.squares.length], other.squares),
        radii: float32([other.squares.length], squaredIn(other, yRadii)),
      });
    },
    (own, other, found) => {
      addRows(ballsOfY, own, found.ballsOfY!);
      addRows(ballsOfX, other, found.ballsOfX!);
      addRows(inside, other, found.inside!);
    },
  );
  return { ballsOfY, ballsOfX, inside };
}

/** Squared radii of the rows of a tile; 0 where there is no row. */
function squaredIn({ from, rows, squares }: Tile, radii: Float64Array): Float32Array<ArrayBuffer> {
  const found = new Float32Array(squares.length);
  for (let i = 0; i < rows; i++) found[i] = radii[from + i]! * radii[from + i]!;
  return found;
}

function addRows(target: Float64Array, { from, rows }: Tile, { data }: NdArray): void {
  for (let i = 0; i < rows; i++) target[from + i]! += Number(data[i]);
}

function squaredNorms({ rows, columns, data }: Matrix): Float64Array {
  const norms = new Float64Array(rows);
  for (let n = 0, at = 0; n < rows; n++) {
    let sum = 0;
    for (let i = 0; i < columns; i++, at++) sum += data[at]! * data[at]!;
    norms[n] = sum;
  }
  return norms;
}
