/**
 * What is done to voxels before they are judged, and what was met on the way.
 *
 * @module
 */
import type { JsonObject } from "beamline";
import type { Block } from "./showers.ts";

/** What was met in a file; counts of events. */
export interface Census extends JsonObject {
  readonly events: number;
  /** Left out as a voxel or the incident energy is not a finite number, or the energy not positive. */
  readonly notFinite: number;
  /** With at least one negative voxel. */
  readonly withNegative: number;
  /** Negative voxels of all events. */
  readonly negativeVoxels: number;
  /** With a voxel at or above the incident energy. */
  readonly aboveIncident: number;
  /** Voxels that the read-out cut set to 0. */
  readonly cutVoxels: number;
}

/** How voxels are treated. */
export interface CleaningRule {
  /** Voxels below, in MeV, become 0; 0 for no cut. Negative voxels count as below. */
  readonly cut: number;
  /** Whether negative voxels stay as they are (without a cut). */
  readonly negatives: "keep" | "zero";
}

/** Whether a file of which this was counted, by the same rule, stays as it is. */
export function isClean(
  { notFinite, withNegative, cutVoxels }: Census,
  { cut, negatives }: CleaningRule,
): boolean {
  const changesNegatives = cut > 0 || negatives === "zero";
  return notFinite === 0 && cutVoxels === 0 && (withNegative === 0 || !changesNegatives);
}

/** Counts of a whole file, gathered block by block. */
export class Cleaner {
  #events = 0;
  #notFinite = 0;
  #withNegative = 0;
  #negativeVoxels = 0;
  #aboveIncident = 0;
  #cutVoxels = 0;
  /** The largest voxel met, MeV. */
  largest = 0;
  /** The smallest positive voxel met, MeV. */
  smallestPositive = Infinity;
  /** The smallest voxel met, MeV. */
  smallest = Infinity;

  /**
   * @param onBad Is told of each row that is left out, and its voxels, which it must not keep.
   */
  constructor(readonly rule: CleaningRule, readonly onBad?: (row: number, voxels: Float32Array) => void) {}

  /**
   * Applies the rule to a block in place and moves the rows that stay to its beginning.
   *
   * @param incident Incident energies of the file.
   * @returns Rows of the file that stayed, in order.
   */
  clean(block: Block, incident: Float64Array, voxels: number): Int32Array {
    const kept = new Int32Array(block.rows);
    let count = 0;
    for (let row = 0; row < block.rows; row++) {
      const energy = incident[block.from + row]!;
      this.#events++;
      if (!this.#cleanRow(block.voxels, row * voxels, voxels, energy)) {
        this.#notFinite++;
        this.onBad?.(block.from + row, block.voxels.subarray(row * voxels, (row + 1) * voxels));
        continue;
      }
      if (count !== row) {
        block.voxels.copyWithin(
          count * voxels,
          row * voxels,
          (row + 1) * voxels,
        );
      }
      kept[count++] = block.from + row;
    }
    return kept.subarray(0, count);
  }

  #cleanRow(
    values: Float32Array,
    from: number,
    size: number,
    incident: number,
  ): boolean {
    const { cut, negatives } = this.rule;
    let [sum, negative, cutCount, highest] = [0, 0, 0, 0];
    const isCut = cut > 0 || negatives === "zero";
    for (let i = from; i < from + size; i++) {
      const value = values[i]!;
      if (value === 0) continue;
      sum += value;
      if (value < 0) {
        negative++;
        if (value < this.smallest) this.smallest = value;
      } else if (value > highest) highest = value;
      if (isCut && value < cut) {
        if (value === -Infinity) continue; // it stays to be named
        values[i] = 0;
        if (value > 0) cutCount++;
      } else if (value > 0 && value < this.smallestPositive) {
        this.smallestPositive = value;
      }
    }
    if (
      !Number.isFinite(sum) || !(incident > 0) || !Number.isFinite(incident)
    ) return false;
    if (negative > 0) this.#withNegative++;
    this.#negativeVoxels += negative;
    this.#cutVoxels += cutCount;
    if (highest >= incident) this.#aboveIncident++;
    if (highest > this.largest) this.largest = highest;
    if (this.smallest > 0 && negative === 0) this.smallest = 0;
    return true;
  }

  get census(): Census {
    return {
      events: this.#events,
      notFinite: this.#notFinite,
      withNegative: this.#withNegative,
      negativeVoxels: this.#negativeVoxels,
      aboveIncident: this.#aboveIncident,
      cutVoxels: this.#cutVoxels,
    };
  }
}
