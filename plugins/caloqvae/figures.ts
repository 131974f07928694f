/**
 * Pictures of showers and of how samples differ.
 *
 * @module
 */
import type { Figure } from "beamline";
import { correlations } from "./correlation_figures.ts";
import { energyBinFigures } from "./energy_bin_figures.ts";
import type { ComparedSamples, ComparisonResult } from "./comparison_result.ts";
import { overviewFigures } from "./overview.ts";
import { profiles } from "./profile_figures.ts";
import { showers } from "./shower_figures.ts";
import { spectra } from "./spectrum_figures.ts";
import { trends } from "./trend_figures.ts";

/** All figures, in the order of the report. */
export function figures(compared: ComparedSamples, result: ComparisonResult): Promise<Figure>[] {
  return [
    ...overviewFigures(result, compared.setup.context.simulated),
    ...trends(compared, result),
    ...spectra(compared),
    ...energyBinFigures(compared),
    ...profiles(compared),
    ...showers(compared),
    ...correlations(compared, result),
  ];
}
