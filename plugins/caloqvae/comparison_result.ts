/**
 * What comparisons of samples need and find: the types that metrics, tables and figures share.
 *
 * @module
 */
import type { Estimate, EvaluateContext, Metric } from "beamline";
import type { FpdEstimate, KpdEstimate } from "beamline/metrics";
import type { EngineAlgebra } from "./algebra.ts";
import type { Config } from "./config.ts";
import type { Geometry } from "./geometry.ts";
import type { HistogramSpec } from "./histogram_spec.ts";
import type { Metadata } from "./metadata.ts";
import type { Sample, SampleStatistics } from "./sample_statistics.ts";

/** What all comparisons of a run share. */
export interface ComparisonSetup {
  readonly config: Config;
  readonly context: EvaluateContext<Metadata>;
  readonly geometry: Geometry;
  readonly specs: readonly HistogramSpec[];
  readonly algebra: EngineAlgebra;
}

/** A value of a comparison and what it means. */
export type Measured = Estimate & Pick<Metric, "unit" | "better" | "label" | "rows">;

/** Values by metric key, such as `fpd`, of one sample. */
export type Values = { readonly [key: string]: Measured };

/** What was measured between two samples. */
export interface Comparison {
  readonly values: Values;
  readonly fpd: FpdEstimate;
  readonly kpd: KpdEstimate;
}

/** A negative control: the reference with its voxels shuffled across showers, or detuned. */
export type NegativeControl = "shuffled" | "detuned";

/** Everything that was measured. */
export interface ComparisonResult {
  /** By label, in the order of the command. */
  readonly generated: { readonly [label: string]: Values };
  /** Quantities that depend on the number of showers, at that of the floor; by label. */
  readonly matched: { readonly [label: string]: Values };
  /** The null baseline: one half of the reference against the other. */
  readonly floor: Values;
  readonly shuffled: Values;
  readonly detuned: Values;
  /** The worse of the two negative controls, by key. */
  readonly broken: Values;
}

/** Everything that was compared, as far as figures need it. */
export interface ComparedSamples {
  readonly setup: ComparisonSetup;
  readonly reference: SampleStatistics;
  /** Two halves of the reference: the null baseline. */
  readonly halves: readonly [Sample, Sample];
  readonly broken: { readonly [kind in NegativeControl]: Sample };
  readonly generated: readonly SampleStatistics[];
  /** One shower of each sample for pictures, [sample][voxel], and its incident energy. */
  readonly showers: readonly Float32Array[];
  readonly energies: readonly Float64Array[];
  /** Lower end of energy histograms, MeV. */
  readonly threshold: number;
  /** Bins of the voxel spectrum, MeV. */
  readonly spectrumEdges: Float64Array;
}
