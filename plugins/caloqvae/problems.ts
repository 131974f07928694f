/**
 * What can be wrong with showers, from what one pass over the voxels found.
 *
 * @module
 */
import { median } from "beamline/metrics";
import { isEnergy } from "./defects.ts";
import type { Geometry, Layer } from "./geometry.ts";
import type { Problem } from "./layout.ts";

/** Smallest and largest of many numbers. */
export function ends(values: Float64Array): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

/** Counts of events of one layer. */
export interface BadEvents {
  /** With NaN or infinity, and where the first is. */
  readonly notFinite: number;
  readonly firstNotFinite?: string | undefined;
  /** With a voxel at or above the incident energy. */
  readonly above: number;
  readonly firstAbove?: string | undefined;
}

const firstIn = (place: string | undefined) => place === undefined ? "" : `, first in ${place}`;

/** NaN, infinity and voxels at or above the incident energy, by layer. */
export function voxelProblems(geometry: Geometry, tallies: readonly BadEvents[]): Problem[] {
  return geometry.layers.flatMap(({ id }, at) => {
    const { notFinite, above, firstNotFinite, firstAbove } = tallies[at]!;
    const found: Problem[] = [];
    if (notFinite > 0) {
      found.push({
        code: "not-finite",
        layer: id,
        events: notFinite,
        message: `layer ${id} has NaN or infinity in ${notFinite} events${firstIn(firstNotFinite)}`,
      });
    }
    if (above > 0) {
      found.push({
        code: "voxel-above-incident",
        layer: id,
        events: above,
        message: `layer ${id} has a voxel at or above the incident energy in ${above} events${
          firstIn(firstAbove)
        }`,
      });
    }
    return found;
  });
}

/** Incident energies that are not positive numbers. */
export function incidentProblems(incident: Float64Array): Problem[] {
  const events = incident.filter((energy) => !isEnergy(energy)).length;
  if (events === 0) return [];
  return [{
    code: "incident-energy",
    events,
    message: `the incident energy of ${events} events is not a positive number${
      firstIn(`event ${incident.findIndex((energy) => !isEnergy(energy))}`)
    }`,
  }];
}

/** A response this far from 1 is another unit. */
const UNIT_RATIO = 30;
/** Photons of these files have 2^8 to 2^22 MeV. */
const LOWEST_MEV = 256;
const HIGHEST_MEV = 2 ** 22;

/** Energies that look like another unit. */
export function unitProblems(incident: Float64Array, response: number | null): Problem[] {
  if (response !== null && response !== 0) {
    const size = Math.abs(response);
    if (size > UNIT_RATIO || size < 1 / UNIT_RATIO) {
      return [{
        code: "unit-slip",
        message: `the voxels add up to ${
          response.toPrecision(3)
        } times the incident energy in the median event: one of them may be in another unit`,
      }];
    }
  }
  if (incident.length === 0) return [];
  const [middle, [low, high]] = [median(incident), ends(incident)];
  const isTooSmall = middle < LOWEST_MEV && high <= HIGHEST_MEV / 1000 * 1.01;
  const isTooLarge = middle > HIGHEST_MEV;
  if (!isTooSmall && !isTooLarge) return [];
  return [{
    code: "unit-slip",
    message: `incident energies lie in ${low.toPrecision(3)} .. ${
      high.toPrecision(3)
    }, expected 256 MeV .. 4.2 TeV in MeV: they may be in ${isTooSmall ? "GeV" : "keV"}`,
  }];
}

/** Showers are round on average: in the right order, rings differ and sectors do not. */
export function orderProblems(geometry: Geometry, means: Float64Array): Problem[] {
  return geometry.layers.flatMap((layer): Problem[] => {
    const { id, from, voxels, rings, sectors, ring } = layer;
    if (rings < 3 || sectors < 3 || rings * sectors !== voxels) return [];
    const values = means.subarray(from, from + voxels);
    const as = spreadWithin(values, ring, rings);
    const other = spreadWithin(values, ring.map((_, i) => otherRing(layer, i)), rings);
    if (!(as > 0.5 && other < 0.3 * as)) return [];
    return [{
      code: "index-order",
      layer: id,
      message:
        `the mean shower of layer ${id} is not round in the order of the geometry, and round with radius and angle exchanged`,
    }];
  });
}

/** The ring of a voxel if the other of radius and angle were the faster index. */
function otherRing({ rings, sectors, ring }: Layer, voxel: number): number {
  const isRadiusFastest = ring[1] !== ring[0];
  return isRadiusFastest ? Math.floor(voxel / sectors) : voxel % rings;
}

/** Share of the variance of values that lies within groups, 0..1; 0 for no variance. */
function spreadWithin(values: Float64Array, group: ArrayLike<number>, groups: number): number {
  const [sums, counts] = [new Float64Array(groups), new Float64Array(groups)];
  values.forEach((value, i) => {
    sums[group[i]!]! += value;
    counts[group[i]!]!++;
  });
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  let [within, total] = [0, 0];
  values.forEach((value, i) => {
    within += (value - sums[group[i]!]! / counts[group[i]!]!) ** 2;
    total += (value - mean) ** 2;
  });
  return total > 0 ? within / total : 0;
}
