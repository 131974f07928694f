/**
 * Separation power in bins of the incident energy, as a table with verdicts.
 *
 * @module
 */
import type { TextTable } from "beamline";
import type { ComparedSamples, ComparisonResult } from "./comparison_result.ts";
import { energyBins, energyText, FEWEST, valuesIn } from "./energy_bins.ts";
import { positionOf, shown, verdictOf } from "./overview.ts";

/** Separations in each bin, with a verdict for the first sample. */
export function energyBinTable(
  { reference }: Pick<ComparedSamples, "reference">,
  result: ComparisonResult,
): TextTable[] {
  const { generated, floor, broken } = result;
  const powers = energyBins(reference.features);
  const labels = Object.keys(generated);
  if (powers.length === 0 || labels.length === 0) return [];
  const quantities = [["energy_ratio", "total / incident"], ["sparsity", "sparsity"]] as const;
  const counts = new Map(powers.map((power) => [power, valuesIn(reference.features, power, () => 1).length]));
  return [{
    name: "energy_bins",
    title: "Separation power by incident energy",
    columns: [
      "incident energy",
      "showers",
      ...quantities.flatMap(([, text]) => [
        ...labels.map((label) => `${text}: ${label}`),
        `${text}: verdict of ${labels[0]}`,
        `${text}: floor`,
      ]),
    ],
    rows: powers.map((power) => [
      energyText(power),
      counts.get(power)!,
      ...quantities.flatMap(([name]) => {
        const key = `separation_${name}_bin_${power}`;
        const first = generated[labels[0]!]![key]!;
        const show = (values: ComparisonResult["floor"]): string => shown(values[key]!);
        return [
          ...labels.map((label) => show(generated[label]!)),
          verdictOf(first, floor[key], positionOf(key, first, floor[key], broken[key])),
          show(floor),
        ];
      }),
    ]),
    note:
      `bins of incident energy from half a power of 2 below to half a power above; those with fewer than ${FEWEST} showers of the reference are left out`,
  }];
}
