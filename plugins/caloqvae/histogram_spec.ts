/**
 * One histogram that is compared between samples.
 *
 * @module
 */
import type { Features } from "./features.ts";

/** One histogram of a quantity of showers. */
export interface HistogramSpec {
  /** Key in metric names, such as `center_eta_12`. */
  readonly key: string;
  readonly label: string;
  readonly unit: string;
  readonly layer?: number;
  /** Only showers of this bin of incident energy, a power of 2 of MeV. */
  readonly energyBin?: number;
  /** Bins of the separation power. */
  readonly edges: Float64Array;
  readonly isLog: boolean;
  values(features: Features): Float64Array<ArrayBuffer>;
}
