/**
 * High-level features of showers: energies, centers, widths and sparsity of every layer.
 *
 * @see CaloChallenge/homepage, `code/HighLevelFeatures.py`: the definitions and the 1e-16 in the denominators.
 * @module
 */
import type { Table } from "beamline";
import { column } from "beamline/data";
import type { Matrix } from "beamline/metrics";
import type { Geometry } from "./geometry.ts";

/** Quantities per layer, in the order of {@linkcode Features.layers}. */
export const LAYER_FEATURES = [
  "energy",
  "center_eta",
  "center_phi",
  "width_eta",
  "width_phi",
  "center_r",
  "width_r",
  "sparsity",
] as const;
/** A quantity per layer. */
export type LayerFeature = typeof LAYER_FEATURES[number];

/** Units of the quantities per layer. */
const UNITS: { readonly [name in LayerFeature]: string } = {
  energy: "MeV",
  center_eta: "mm",
  center_phi: "mm",
  width_eta: "mm",
  width_phi: "mm",
  center_r: "mm",
  width_r: "mm",
  sparsity: "1",
};

/** Features of many showers. */
export interface Features {
  readonly rows: number;
  /** Numbers of the layers, in the order of the columns. */
  readonly layerIds: readonly number[];
  /** MeV, [row]. */
  readonly incident: Float64Array<ArrayBuffer>;
  /** MeV, [row]. */
  readonly total: Float64Array<ArrayBuffer>;
  /** [row, layer] of each quantity. */
  readonly layers: {
    readonly [name in LayerFeature]: Float64Array<ArrayBuffer>;
  };
}

/** What counts as an empty voxel: not above 0 (CaloChallenge), or exactly 0 (CaloQuVAE). */
export type SparsityRule = "calochallenge" | "caloqvae";

/** Room for features of `rows` showers. */
export function emptyFeatures(geometry: Geometry, rows: number): Features {
  const layerIds = geometry.layers.map(({ id }) => id);
  const room = (): Float64Array<ArrayBuffer> => new Float64Array(rows * layerIds.length);
  return {
    rows,
    layerIds,
    incident: new Float64Array(rows),
    total: new Float64Array(rows),
    layers: Object.fromEntries(
      LAYER_FEATURES.map((name) => [name, room()]),
    ) as Features["layers"],
  };
}

/**
 * Computes the features of showers, [row, voxel] in MeV, into rows `from` onward of `target`.
 *
 * Center of x: sum(x E) / (sum(E) + 1e-16); width: sqrt(max(0, sum(x² E) / (sum(E) + 1e-16) - center²)), with eta = r cos(alpha),
 * phi = r sin(alpha) and r at the centers of the voxels.
 */
export function computeFeatures(
  voxels: Float32Array,
  rows: number,
  geometry: Geometry,
  rule: SparsityRule,
  target: Features,
  from: number,
): void {
  const { layers } = target;
  const count = geometry.layers.length;
  for (let row = 0; row < rows; row++) {
    const base = row * geometry.voxels;
    let total = 0;
    for (let at = 0; at < count; at++) {
      const { from: start, voxels: size, eta, phi, r } = geometry.layers[at]!;
      let [sum, sumEta, sumPhi, sumR] = [0, 0, 0, 0];
      let [squaresEta, squaresPhi, squaresR] = [0, 0, 0];
      let [hits, negative] = [0, 0];
      for (let i = 0, voxel = base + start; i < size; i++, voxel++) {
        const energy = voxels[voxel]!;
        if (energy === 0) continue;
        if (energy > 0) hits++;
        else negative++;
        const x = eta[i]!;
        const y = phi[i]!;
        const radius = r[i]!;
        sum += energy;
        sumEta += x * energy;
        sumPhi += y * energy;
        sumR += radius * energy;
        squaresEta += x * x * energy;
        squaresPhi += y * y * energy;
        squaresR += radius * radius * energy;
      }
      const place = (from + row) * count + at;
      const norm = sum + 1e-16;
      const [centerEta, centerPhi, centerR] = [sumEta / norm, sumPhi / norm, sumR / norm];
      total += sum;
      layers.energy[place] = sum;
      layers.center_eta[place] = centerEta;
      layers.center_phi[place] = centerPhi;
      layers.center_r[place] = centerR;
      layers.width_eta[place] = Math.sqrt(
        Math.max(0, squaresEta / norm - centerEta * centerEta),
      );
      layers.width_phi[place] = Math.sqrt(
        Math.max(0, squaresPhi / norm - centerPhi * centerPhi),
      );
      layers.width_r[place] = Math.sqrt(
        Math.max(0, squaresR / norm - centerR * centerR),
      );
      layers.sparsity[place] = 1 -
        (rule === "caloqvae" ? hits + negative : hits) / size;
    }
    target.total[from + row] = total;
  }
}

/** The features as a table for the cache. */
export function featureTable(features: Features): Table {
  const { rows, layerIds } = features;
  return {
    incident_energy: column(features.incident, {
      unit: "MeV",
      description: "incident energy",
    }),
    energy_total: column(features.total, {
      unit: "MeV",
      description: "sum of all voxels",
    }),
    ...Object.fromEntries(LAYER_FEATURES.map((name) => [
      name,
      column(features.layers[name], {
        unit: UNITS[name],
        shape: [rows, layerIds.length],
        dims: ["row", "layer"],
        description: `${name.replace("_", " ")} per layer`,
      }),
    ])),
  };
}

/** The features from a table of {@linkcode featureTable}. */
export function featuresFrom(
  table: Table,
  layerIds: readonly number[],
): Features {
  const data = (name: string) => table[name]!.data as Float64Array<ArrayBuffer>;
  return {
    rows: table.incident_energy!.shape[0]!,
    layerIds,
    incident: data("incident_energy"),
    total: data("energy_total"),
    layers: Object.fromEntries(
      LAYER_FEATURES.map((name) => [name, data(name)]),
    ) as Features["layers"],
  };
}

/** One quantity of one layer, [row]. */
export function layerColumn(
  features: Features,
  name: LayerFeature,
  at: number,
): Float64Array<ArrayBuffer> {
  const count = features.layerIds.length;
  const values = features.layers[name];
  const column = new Float64Array(features.rows);
  for (let row = 0, from = at; row < column.length; row++, from += count) column[row] = values[from]!;
  return column;
}

/** Rows `from` up to, not including, `to`; not a copy. */
export function sliceFeatures(features: Features, from: number, to: number): Features {
  const count = features.layerIds.length;
  return {
    rows: to - from,
    layerIds: features.layerIds,
    incident: features.incident.subarray(from, to),
    total: features.total.subarray(from, to),
    layers: Object.fromEntries(
      LAYER_FEATURES.map((name) => [name, features.layers[name].subarray(from * count, to * count)]),
    ) as Features["layers"],
  };
}

/** Which features go into Fréchet and kernel distance and the classifier. */
export type FeatureConvention = "calochallenge" | "caloqvae";

/** Names of the columns of {@linkcode featureMatrix}. */
export function featureNames(
  geometry: Geometry,
  convention: FeatureConvention,
): string[] {
  return columnsOf(geometry, convention).map(({ name }) => name);
}

interface FeatureColumn {
  readonly name: string;
  value(features: Features, row: number): number;
}

/** Energies of layers count at least this many MeV before the logarithm. */
const LOG_FLOOR = 1e-8;

/**
 * The columns of the vector of features.
 *
 * - CaloChallenge: log10 of incident energy, of layer energies and of the total + 1e-8; centers, widths and radii / 100 mm
 *   (eta and phi only for layers with more than one sector); sparsity.
 * - CaloQuVAE: incident and total energy as they are, layer energies, centers and widths in r and phi; no sparsity.
 *
 * A value that is not finite becomes 0. A negative layer energy has no logarithm and counts as 0.
 */
function columnsOf(
  geometry: Geometry,
  convention: FeatureConvention,
): FeatureColumn[] {
  const isChallenge = convention === "calochallenge";
  const columns: FeatureColumn[] = [];
  const perLayer = (
    name: LayerFeature,
    map: (value: number) => number,
    needsSectors = false,
  ): void => {
    geometry.layers.forEach(({ id, sectors }, at) => {
      if (needsSectors && sectors < 2) return;
      columns.push({
        name: `${name}_${id}`,
        value: ({ layers, layerIds }, row) => map(layers[name][row * layerIds.length + at]!),
      });
    });
  };
  const log = (value: number): number => Math.log10(Math.max(0, value) + LOG_FLOOR);
  const hundredth = (value: number): number => value / 100;
  columns.push({
    name: "incident",
    value: ({ incident }, row) => isChallenge ? Math.log10(incident[row]!) : incident[row]!,
  });
  columns.push({
    name: "total",
    value: ({ total }, row) => isChallenge ? log(total[row]!) : total[row]!,
  });
  perLayer("energy", isChallenge ? log : (value) => value);
  if (isChallenge) {
    for (
      const name of [
        "center_eta",
        "center_phi",
        "width_eta",
        "width_phi",
      ] as const
    ) {
      perLayer(name, hundredth, true);
    }
    perLayer("sparsity", (value) => value);
    perLayer("center_r", hundredth);
    perLayer("width_r", hundredth);
    return columns;
  }
  for (
    const name of ["center_r", "center_phi", "width_r", "width_phi"] as const
  ) {
    perLayer(name, (value) => value, name.endsWith("phi"));
  }
  return columns;
}

/** The vector of features of every row, [row, feature]. */
export function featureMatrix(
  features: Features,
  geometry: Geometry,
  convention: FeatureConvention,
): Matrix & { readonly data: Float64Array<ArrayBuffer> } {
  const columns = columnsOf(geometry, convention);
  const data = new Float64Array(features.rows * columns.length);
  for (let row = 0, at = 0; row < features.rows; row++) {
    for (const { value } of columns) {
      const found = value(features, row);
      data[at++] = Number.isFinite(found) ? found : 0;
    }
  }
  return { rows: features.rows, columns: columns.length, data };
}
