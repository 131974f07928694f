/**
 * Small values that `prepare` hands to the models and to the evaluation.
 *
 * @module
 */
import type { JsonObject } from "beamline";
import type { Census } from "./cleaning.ts";

/** What is known of a sample after the first pass. */
export interface SampleMetadata extends JsonObject {
  readonly label: string;
  readonly rows: number;
  readonly census: Census;
  /** Rows of the file that are left out as they have defects; absent where there are none. */
  readonly badRows?: readonly number[];
  /** MeV, of the rows that are judged. */
  readonly largest: number;
  readonly smallestPositive: number;
  readonly smallest: number;
}

/** What `prepare` found. */
export interface Metadata extends JsonObject {
  /** Numbers of the layers that are judged. */
  readonly layers: readonly number[];
  readonly voxels: number;
  /** Voxels of each layer that is judged. */
  readonly layerVoxels: readonly number[];
  /** Columns of the vector of features. */
  readonly features: number;
  readonly reference: SampleMetadata;
  readonly generated: readonly SampleMetadata[];
  /** MeV. */
  readonly cut: number;
  /** Rows of the samples behind kernel distance and neighborhoods, the same in all comparisons. */
  readonly kernelRows: number;
  readonly neighborRows: number;
  /** Draws per sample size of the Fréchet distance. */
  readonly fpdDraws: number;
  /** Showers per class of the classifier test; 0 for none. */
  readonly classifierRows: number;
}
