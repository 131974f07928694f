/**
 * Profiles of the mean shower: along it, and in radius, with the ratio to the reference.
 *
 * @module
 */
import type { Figure } from "beamline";
import { curveFigure, panelsFigure } from "beamline/plot";
import type { ComparedSamples } from "./comparison_result.ts";
import { countText, mainLayer, type Pictured, samplesOf } from "./spectrum_figures.ts";

/** One sample as points with errors. */
interface Profile {
  readonly label: string;
  readonly y: readonly number[];
  readonly error: readonly number[];
}

/** Longitudinal and radial profile. */
export function profiles(compared: ComparedSamples): Promise<Figure>[] {
  return [longitudinal(compared), radial(compared)];
}

/** Mean share of the incident energy in each layer. */
function longitudinal(compared: ComparedSamples): Promise<Figure> {
  const { layers } = compared.setup.geometry;
  const isNumbered = layers.every(({ id }, at) => id === at);
  const places = layers.map((_, at) => at);
  return withRatios(compared, {
    name: "longitudinal_profile",
    title: "Longitudinal profile",
    caption: `Mean share of the incident energy in each layer, with its standard error; ${
      countText(compared)
    }.${isNumbered ? "" : ` Layers in order: ${layers.map(({ id }) => id).join(", ")}.`}`,
    x: { label: isNumbered ? "layer" : "place of the layer", whole: true },
    y: { label: "mean energy / incident energy", log: true },
    at: places,
    profiles: samplesOf(compared).map(({ label, features }) => {
      const points = places.map((at) =>
        meanOf(
          features.rows,
          (row) => features.layers.energy[row * layers.length + at]! / features.incident[row]!,
        )
      );
      return { label, y: points.map(({ mean }) => mean), error: points.map(({ error }) => error) };
    }),
  });
}

function meanOf(
  rows: number,
  of: (row: number) => number,
): { readonly mean: number; readonly error: number } {
  let [sum, squares] = [0, 0];
  for (let row = 0; row < rows; row++) {
    const value = of(row);
    sum += value;
    squares += value * value;
  }
  const mean = sum / rows;
  return { mean, error: Math.sqrt(Math.max(0, squares / rows - mean * mean) / Math.max(1, rows - 1)) };
}

/** Mean energy per area in the layer with the most energy. */
function radial(compared: ComparedSamples): Promise<Figure> {
  const layer = mainLayer(compared);
  const { rEdges } = layer;
  const radii = Array.from({ length: layer.rings }, (_, ring) => (rEdges[ring]! + rEdges[ring + 1]!) / 2);
  const density = ({ label, statistics, features }: Pictured): Profile => {
    const rings = new Float64Array(layer.rings);
    layer.ring.forEach((ring, i) => rings[ring]! += statistics.sums[layer.from + i]! / features.rows);
    const y = Array.from(
      rings,
      (energy, ring) => energy / (Math.PI * (rEdges[ring + 1]! ** 2 - rEdges[ring]! ** 2)),
    );
    return { label, y, error: [] };
  };
  return withRatios(compared, {
    name: "radial_profile",
    title: `Radial profile of layer ${layer.id}`,
    caption: `Mean energy per area of a ring; ${countText(compared)}.`,
    x: { label: "radius", unit: "mm", log: radii[0]! > 0 },
    y: { label: "mean energy density", unit: "MeV/mm²", log: true },
    at: radii,
    profiles: samplesOf(compared).map(density),
  });
}

interface ProfileOptions {
  readonly name: string;
  readonly title: string;
  readonly caption: string;
  readonly x: {
    readonly label: string;
    readonly unit?: string;
    readonly log?: boolean;
    readonly whole?: boolean;
  };
  readonly y: { readonly label: string; readonly unit?: string; readonly log: boolean };
  readonly at: readonly number[];
  readonly profiles: readonly Profile[];
}

/** Profiles, and beside them what each is of the first. */
function withRatios(
  { setup }: ComparedSamples,
  { name, title, caption, x, y, at, profiles }: ProfileOptions,
): Promise<Figure> {
  const [first, ...others] = profiles;
  const pick = (values: readonly number[], places: readonly number[]): number[] =>
    places.map((i) => values[i]!);
  const series = profiles.flatMap(({ label, y, error }) => {
    const shown = at.flatMap((_, i) => y[i]! > 0 ? [i] : []);
    if (shown.length === 0) return [];
    return [{
      label,
      x: pick(at, shown),
      y: pick(y, shown),
      ...(error.length > 0 && { error: pick(error, shown) }),
      kind: "both" as const,
    }];
  });
  const known = at.flatMap((_, i) => first!.y[i]! > 0 ? [i] : []);
  const ratios = others.flatMap((other) => {
    const shown = known.filter((i) => other.y[i]! > 0);
    if (shown.length === 0) return [];
    const ratio = (i: number): number => other.y[i]! / first!.y[i]!;
    const error = (i: number): number =>
      ratio(i) * Math.hypot((other.error[i] ?? 0) / other.y[i]!, (first!.error[i] ?? 0) / first!.y[i]!);
    return [{
      label: other.label,
      x: pick(at, shown),
      y: shown.map(ratio),
      ...(other.error.length > 0 && { error: shown.map(error) }),
      kind: "both" as const,
    }];
  });
  const size = { simulated: false, caption, width: 460, height: 330 } as const;
  const left = curveFigure({ ...size, name: `${name}_mean`, title, x, y, series });
  const { simulated } = setup.context;
  if (ratios.length === 0) return curveFigure({ name, title, caption, simulated, x, y, series });
  const right = curveFigure({
    ...size,
    name: `${name}_ratio`,
    title: `Ratio to ${first!.label}`,
    x,
    y: { label: `ratio to ${first!.label}` },
    // the first as a line at 1, so that the others keep their colors
    series: [{ label: first!.label, x: pick(at, known), y: known.map(() => 1), kind: "line" }, ...ratios],
  });
  return panelsFigure({ name, title, caption, simulated, panels: [left, right] });
}
