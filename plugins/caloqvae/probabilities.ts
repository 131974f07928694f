/**
 * The splitting probabilities of rebuilt files: how the energy of a coarse voxel is shared among its 2 x 2 fine ones.
 *
 * `probabilities_layer_L` holds, for each voxel, cumulative probabilities c0, c1, c2. The parts get c0 (inner radius, lower
 * angle), c1 - c0 (inner, upper), c2 - c1 (outer, lower) and 1 - c2 (outer, upper). (1/4, 1/2, 3/4) says nothing.
 *
 * @module
 */
import type { TextTable } from "beamline";
import type { Layout } from "./layout.ts";

/** Cumulative probabilities of one layer, [voxel, 3]. */
export interface Splitting {
  readonly voxels: number;
  readonly cumulative: Float64Array;
}

/** The cumulative probabilities that carry no information. */
export const UNIFORM: readonly number[] = [0.25, 0.5, 0.75];
/** Probabilities this close to them are theirs. */
const TOLERANCE = 1e-3;

/** Reads the probabilities of all layers that have some, by number of the layer. */
export function probabilitiesOf({ layers }: Layout): ReadonlyMap<number, Splitting> {
  return new Map(layers.flatMap(({ id, probabilities }) => {
    if (!probabilities || probabilities.shape[1] !== 3) return [];
    const { data, shape } = probabilities.read();
    return [
      [id, { voxels: shape[0]!, cumulative: Float64Array.from(data as Float64Array, Number) }] as const,
    ];
  }));
}

function isInformative({ cumulative }: Splitting, voxel: number): boolean {
  return UNIFORM.some((value, i) => !(Math.abs(cumulative[voxel * 3 + i]! - value) < TOLERANCE));
}

/** Voxels whose probabilities are not uniform. */
export function countInformative(splitting: Splitting): number {
  let count = 0;
  for (let voxel = 0; voxel < splitting.voxels; voxel++) if (isInformative(splitting, voxel)) count++;
  return count;
}

/**
 * What the probabilities of each voxel say, in bits: sum of p log2(4 p) over the four parts, 0 for equal parts and 2 where
 * one gets everything. 0 where they are no probabilities.
 */
export function informationOf({ cumulative, voxels }: Splitting): Float64Array {
  return Float64Array.from({ length: voxels }, (_, voxel) => {
    const [c0, c1, c2] = cumulative.subarray(voxel * 3, voxel * 3 + 3);
    const parts = [c0!, c1! - c0!, c2! - c1!, 1 - c2!];
    if (!parts.every((part) => part >= -1e-6 && part <= 1 + 1e-6)) return 0;
    return Math.max(0, parts.reduce((sum, p) => sum + (p > 0 ? p * Math.log2(4 * p) : 0), 0));
  });
}

/** One line per layer: which share of its voxels says something, and how much. */
export function probabilityTable(
  splitting: ReadonlyMap<number, Splitting>,
  name: string,
  title: string,
): TextTable {
  const short = (value: number): number => Number(value.toPrecision(3));
  return {
    name,
    title,
    columns: [
      "layer",
      "voxels",
      "not uniform",
      "share / %",
      "mean c0",
      "mean c1",
      "mean c2",
      "largest distance from uniform",
      "mean information / bits",
    ],
    rows: [...splitting].map(([layer, one]) => {
      const informative = countInformative(one);
      const mean = (i: number): number => {
        let sum = 0;
        for (let voxel = 0; voxel < one.voxels; voxel++) sum += one.cumulative[voxel * 3 + i]!;
        return sum / one.voxels;
      };
      const farthest = one.cumulative.reduce(
        (most, value, i) => Math.max(most, Math.abs(value - UNIFORM[i % 3]!)),
        0,
      );
      const information = informationOf(one).reduce((sum, value) => sum + value, 0) / one.voxels;
      return [
        layer,
        one.voxels,
        informative,
        short(100 * informative / one.voxels),
        ...[0, 1, 2].map((i) => short(mean(i))),
        short(farthest),
        short(information),
      ];
    }),
    note:
      "cumulative probabilities c0, c1, c2 of splitting a voxel into 2 x 2; uniform is 0.25, 0.5, 0.75; " +
      "information: sum of p log2(4 p) over the four parts, from 0 to 2 bits",
  };
}
