/**
 * Pictures of showers and of how samples differ.
 *
 * @module
 */
import type { Figure } from "beamline";
import { correlations } from "./correlation_figures.ts";
import { energyBinFigures } from "./energy_bins.ts";
import type { Judgement } from "./evaluate.ts";
import type { Gathered } from "./gather.ts";
import { overviewFigures } from "./overview.ts";
import { profiles } from "./profile_figures.ts";
import { showers } from "./shower_figures.ts";
import { spectra } from "./spectrum_figures.ts";
import { trends } from "./trend_figures.ts";

/** All figures, in the order of the report. */
export function figures(gathered: Gathered, judgement: Judgement): Promise<Figure>[] {
  return [
    ...overviewFigures(judgement, gathered.judge.context.simulated),
    ...trends(gathered, judgement),
    ...spectra(gathered),
    ...energyBinFigures(gathered),
    ...profiles(gathered),
    ...showers(gathered),
    ...correlations(gathered, judgement),
  ];
}
