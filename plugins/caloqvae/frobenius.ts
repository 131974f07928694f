/**
 * Frobenius distances of the correlation matrices of two samples, with errors.
 *
 * @module
 */
import type { Estimate } from "beamline";
import {
  correlationDistance,
  frobeniusDistance,
  frobeniusError,
  frobeniusInfluences,
  type Matrix,
  type SymmetricBlocks,
} from "beamline/metrics";
import type { EngineAlgebra } from "./algebra.ts";
import type { Geometry } from "./geometry.ts";
import type { SampleStatistics } from "./sample_statistics.ts";

/** A distance and what it is of. */
interface Labelled {
  readonly estimate: Estimate;
  readonly label: string;
}

/** Where voxels lie, and what multiplies their matrices. */
interface Means {
  readonly geometry: Geometry;
  readonly algebra: EngineAlgebra;
}

/** All Frobenius distances of correlation matrices, by metric key. */
export async function frobeniusDistances(
  reference: SampleStatistics,
  other: SampleStatistics,
  means: Means,
): Promise<{ readonly [key: string]: Labelled }> {
  const { geometry } = means;
  const found: { [key: string]: Labelled } = {};
  for (const kind of ["energy", "hits"] as const) {
    const name = kind === "energy" ? "voxel energies" : "voxel hits";
    const { distance, layers } = await voxelDistances(reference, other, kind, means);
    found[`frobenius_voxel_${kind}`] = { estimate: distance, label: `Frobenius distance of ${name}` };
    geometry.layers.forEach(({ id }, at) => {
      found[`frobenius_${kind}_layer_${id}`] = {
        estimate: layers[at]!,
        label: `Frobenius distance of ${name} in layer ${id}`,
      };
    });
  }
  const layered = (values: Float64Array<ArrayBuffer>, rows: number): Matrix => ({
    rows,
    columns: geometry.layers.length,
    data: values,
  });
  const both = (name: "energy" | "sparsity"): Estimate =>
    correlationDistance(
      layered(reference.features.layers[name], reference.features.rows),
      layered(other.features.layers[name], other.features.rows),
    );
  found.frobenius_layer_sums = { estimate: both("energy"), label: "Frobenius distance of layer energies" };
  found.frobenius_layer_sparsity = {
    estimate: both("sparsity"),
    label: "Frobenius distance of layer sparsities",
  };
  const patches = patchVoxels(geometry);
  if (patches.length > 1) {
    found.frobenius_patches = {
      estimate: selectedDistance(reference, other, patches),
      label: "Frobenius distance of patches",
    };
  }
  return found;
}

/** Places (ring, sector) of the patches. */
const PATCHES: readonly (readonly [number, number])[] = [
  [0, 0],
  ...[4, 10, 15].flatMap((ring) => [0, 3, 6, 9].map((sector) => [ring, sector] as const)),
];

/** Voxels of the patches in all layers; places that a layer does not have are left out. */
export function patchVoxels({ layers }: Geometry): number[] {
  return PATCHES.flatMap(([ring, sector]) =>
    layers.flatMap((layer) => {
      const at = layer.ring.findIndex((own, i) => own === ring && layer.sector[i] === sector);
      return at < 0 ? [] : [layer.from + at];
    })
  );
}

/** The distance of the correlations of a few voxels, with its error from the kept showers. */
function selectedDistance(
  reference: SampleStatistics,
  other: SampleStatistics,
  voxels: readonly number[],
): Estimate {
  const [a, b] = [reference, other].map(({ correlations }) => correlations.energy.select(voxels)) as [
    Float64Array,
    Float64Array,
  ];
  const difference = a.map((value, i) => value - b[i]!);
  const value = frobeniusDistance(a, b);
  const brackets = [reference, other].map((side, i) => {
    const z = standardizedSample(side, "energy", voxels);
    return frobeniusInfluences(new Float64Array(z.data), z.rows, difference, i === 0 ? a : b);
  }) as [Float64Array, Float64Array];
  const rows = [reference.features.rows, other.features.rows] as const;
  return { value, error: frobeniusError(value, brackets, rows), errorKind: "analytic" };
}

/** z of some voxels of the kept showers, with mean and spread of all showers. */
function standardizedSample(
  { showers, correlations }: SampleStatistics,
  kind: "energy" | "hits",
  voxels: readonly number[],
): Matrix {
  const { rows, columns: stride, data: values } = showers;
  const { means, factors } = correlations.standards[kind];
  const isHits = kind === "hits";
  const data = new Float32Array(rows * voxels.length);
  for (let row = 0, at = 0; row < rows; row++) {
    for (let i = 0; i < voxels.length; i++, at++) {
      const voxel = voxels[i]!;
      const value = values[row * stride + voxel]!;
      data[at] = ((isHits ? (value > 0 ? 1 : 0) : value) - means[voxel]!) * factors[voxel]!;
    }
  }
  return { rows, columns: voxels.length, data };
}

/** The distances of the correlations of all voxels, and of those of each layer, with errors. */
async function voxelDistances(
  reference: SampleStatistics,
  other: SampleStatistics,
  kind: "energy" | "hits",
  { geometry, algebra }: Means,
): Promise<{ readonly distance: Estimate; readonly layers: readonly Estimate[] }> {
  const { layers } = geometry;
  const compared = compareBlocks(reference.correlations[kind], other.correlations[kind], geometry);
  const all = Array.from({ length: geometry.voxels }, (_, i) => i);
  const samples = [reference, other].map((side) => standardizedSample(side, kind, all));
  const [first, second] = samples as [Matrix, Matrix];
  const brackets = await algebra.influences({ ...compared, ...stacked(first, second) });
  const rows = [reference.features.rows, other.features.rows] as const;
  const estimate = (value: number, values: Float64Array): Estimate => {
    const own = [values.subarray(0, first.rows), values.subarray(first.rows)] as const;
    return { value, error: frobeniusError(value, own, rows), errorKind: "analytic" };
  };
  return {
    distance: estimate(compared.distance, brackets.whole),
    layers: compared.layerDistances.map((value, at) =>
      estimate(value, columnOf(brackets.layers, layers.length, at))
    ),
  };
}

/** Rows of two samples one after the other, and which is which. */
function stacked(a: Matrix, b: Matrix): { readonly z: Matrix; readonly side: Matrix } {
  const rows = a.rows + b.rows;
  const data = new Float32Array(rows * a.columns);
  data.set(a.data);
  data.set(b.data, a.rows * a.columns);
  const side = new Float32Array(rows * 2);
  for (let row = 0; row < rows; row++) side[row * 2 + (row < a.rows ? 0 : 1)] = 1;
  return { z: { rows, columns: a.columns, data }, side: { rows, columns: 2, data: side } };
}

/** Two correlation matrices compared element by element. */
interface ComparedBlocks {
  readonly distance: number;
  readonly layerDistances: readonly number[];
  readonly difference: Float32Array<ArrayBuffer>;
  /** Sum over j of D_ij C_ij, [sample, voxel]: over all voxels, and over those of the layer of i. */
  readonly whole: Float64Array;
  readonly within: Float64Array;
}

/** One way through both matrices for all that is asked of them. */
function compareBlocks(a: SymmetricBlocks, b: SymmetricBlocks, { layers, voxels }: Geometry): ComparedBlocks {
  const layerOf = new Int32Array(voxels);
  layers.forEach(({ from, voxels: size }, at) => layerOf.fill(at, from, from + size));
  const difference = new Float32Array(voxels * voxels);
  const [whole, within] = [new Float64Array(2 * voxels), new Float64Array(2 * voxels)];
  const squares = new Float64Array(layers.length);
  let total = 0;
  for (let i = 0; i < a.count; i++) {
    for (let j = 0; j <= i; j++) {
      const [x, y] = [a.block(i, j), b.block(i, j)];
      const [size, left] = [a.length(j), a.edges[j]!];
      for (let row = a.edges[i]!, start = 0; row < a.edges[i + 1]!; row++, start += size) {
        const end = Math.min(size, row - left + 1); // on and below the diagonal
        const layer = layerOf[row]!;
        for (let at = 0; at < end; at++) {
          const column = left + at;
          const p = x[start + at]!;
          const q = y[start + at]!;
          const d = p - q;
          difference[row * voxels + column] = difference[column * voxels + row] = d;
          const weight = row === column ? 1 : 2;
          total += weight * d * d;
          whole[row]! += d * p;
          whole[voxels + row]! += d * q;
          if (row !== column) {
            whole[column]! += d * p;
            whole[voxels + column]! += d * q;
          }
          if (layerOf[column] !== layer) continue;
          squares[layer]! += weight * d * d;
          within[row]! += d * p;
          within[voxels + row]! += d * q;
          if (row !== column) {
            within[column]! += d * p;
            within[voxels + column]! += d * q;
          }
        }
      }
    }
  }
  return {
    distance: Math.sqrt(total),
    layerDistances: Array.from(squares, Math.sqrt),
    difference,
    whole,
    within,
  };
}

function columnOf(values: Float64Array, columns: number, at: number): Float64Array {
  const column = new Float64Array(values.length / columns);
  for (let row = 0; row < column.length; row++) column[row] = values[row * columns + at]!;
  return column;
}
