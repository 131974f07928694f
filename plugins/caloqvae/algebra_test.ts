/** The programs on the engine give what plain loops in float64 give, on random matrices. */
import assert from "node:assert/strict";
import { definePlugin, type EvaluateContext, randomFor, run } from "beamline";
import {
  correlationMatrix,
  correlationOf,
  frobeniusInfluences,
  type Matrix,
  type Moments,
  plainAlgebra,
  standardized,
} from "beamline/metrics";
import { type EngineAlgebra, engineAlgebra } from "./algebra.ts";
import { algebraModel } from "./algebra_programs.ts";
import { FPD_POINTS } from "./algebra_sizes.ts";
import { type Config, config } from "./config.ts";
import type { Metadata } from "./metadata.ts";
import type { EngineSample } from "./neighbor_algebra.ts";

/** Two layers of voxels; more rows than a batch of pairs, and no multiple of one. */
const SIZES = { layers: [5, 9], voxels: 14, features: 6, rows: 700, draws: 2 } as const;
const NEIGHBORS = 5;

/** Normal numbers, positive in about half of the places where they are to be hits. */
function matrix(purpose: string, rows: number, columns: number, spread = 1): Matrix {
  const random = randomFor({ seed: 5, purpose });
  return {
    rows,
    columns,
    data: Float32Array.from({ length: rows * columns }, () => spread * random.normal()),
  };
}

/** Largest difference over the largest expected number. */
function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  assert.equal(actual.length, expected.length);
  let [worst, largest] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    worst = Math.max(worst, Math.abs(actual[i]! - expected[i]!));
    largest = Math.max(largest, Math.abs(expected[i]!));
  }
  return worst / largest;
}

/** The rows, sent to the engine. */
function sampleOf({ rows, columns, data }: Matrix, engine: EngineAlgebra): EngineSample {
  const writer = engine.sample(columns);
  for (let row = 0; row < rows; row++) {
    writer.next().set(data.subarray(row * columns, (row + 1) * columns));
  }
  return writer.finish();
}

type Differences = { readonly [name: string]: number };

/** The interface of the metrics. */
async function sharedDifferences(engine: EngineAlgebra): Promise<Differences> {
  const { rows, voxels, features, draws } = SIZES;
  const [y, other] = [matrix("y", rows, features), matrix("other", rows, features)];
  const weights = matrix("weights", rows, draws * FPD_POINTS);
  const counts = { ...weights, data: weights.data.map((value) => Math.round(Math.abs(value))) } as Matrix;
  const [a, b] = [await engine.weightedMoments(y, counts), await plainAlgebra.weightedMoments(y, counts)];
  const [x, z] = [matrix("x", rows, voxels), matrix("z", rows, voxels, 1.2)];
  const radii = [
    await plainAlgebra.neighborRadii(x, NEIGHBORS),
    await plainAlgebra.neighborRadii(z, NEIGHBORS),
  ] as const;
  const [ofX, ofZ] = [sampleOf(x, engine), sampleOf(z, engine)];
  const [found, expected] = [
    await engine.neighborCounts(ofX, radii[0], ofZ, radii[1]),
    await plainAlgebra.neighborCounts(x, radii[0], z, radii[1]),
  ];
  const total = (values: Float64Array): number[] => [values.reduce((sum, value) => sum + value, 0)];
  return {
    sums: difference(a.sums, b.sums),
    products: difference(a.products, b.products),
    kernel: difference(
      await engine.kernelRowSums(y, other, 4),
      await plainAlgebra.kernelRowSums(y, other, 4),
    ),
    radii: difference(await engine.neighborRadii(ofX, NEIGHBORS), radii[0]),
    ballsOfX: difference(total(found.ballsOfX), total(expected.ballsOfX)),
    ballsOfY: difference(total(found.ballsOfY), total(expected.ballsOfY)),
    inside: difference(total(found.inside), total(expected.inside)),
  };
}

/** Moments of voxels and the brackets of the errors of Frobenius distances. */
async function voxelDifferences(engine: EngineAlgebra): Promise<Differences> {
  const { rows, voxels, layers } = SIZES;
  const [x, other] = [matrix("voxels", rows, voxels), matrix("other voxels", rows, voxels, 1.5)];
  const sum = engine.voxelMoments(new Float64Array(voxels).fill(0.5), new Float64Array(voxels).fill(2));
  const values = Float32Array.from(x.data);
  const middle = 300;
  await sum.add(values.subarray(0, middle * voxels), middle);
  await sum.add(values.subarray(middle * voxels), rows - middle);
  const moments = await sum.total();
  const every = Array.from({ length: voxels }, (_, i) => i);
  const correlations = (of: Moments): Float64Array => correlationMatrix(of).select(every);
  const hits = { rows, columns: voxels, data: Float64Array.from(x.data, (value) => value > 0 ? 1 : 0) };

  const own = [correlationOf(x), correlationOf(other)] as const;
  const distance = own[0].map((value, i) => value - own[1][i]!);
  const layerOf = layers.flatMap((count, at) => Array.from({ length: count }, () => at));
  const within = (values: Float64Array, layer?: number): Float64Array =>
    values.map((value, i) => {
      const [row, column] = [layerOf[Math.floor(i / voxels)]!, layerOf[i % voxels]!];
      return row === column && (layer === undefined || row === layer) ? value : 0;
    });
  const diagonals = (of: Float64Array): Float64Array =>
    Float64Array.from(
      own.flatMap((correlation) =>
        every.map((i) =>
          every.reduce((sum, j) => sum + of[i * voxels + j]! * correlation[i * voxels + j]!, 0)
        )
      ),
    );
  const z = [standardized(x), standardized(other)] as const;
  const found = await engine.influences({
    z: { rows: 2 * rows, columns: voxels, data: Float32Array.of(...z[0], ...z[1]) },
    side: {
      rows: 2 * rows,
      columns: 2,
      data: Float32Array.from({ length: 4 * rows }, (_, i) => i % 2 === (i < 2 * rows ? 0 : 1) ? 1 : 0),
    },
    difference: Float32Array.from(distance),
    whole: diagonals(distance),
    within: diagonals(within(distance)),
  });
  const expected = z.flatMap((values, side) => [...frobeniusInfluences(values, rows, distance, own[side]!)]);
  const ofLayers = z.map((values, side) =>
    layers.map((_, layer) => frobeniusInfluences(values, rows, within(distance, layer), own[side]!))
  );
  return {
    energyCorrelations: difference(correlations(moments.energy), own[0]),
    hitCorrelations: difference(correlations(moments.hits), correlationOf(hits)),
    whole: difference(found.whole, expected),
    layers: difference(
      found.layers,
      ofLayers.flatMap((side) =>
        Array.from({ length: rows }, (_, row) => side.map((values) => values[row]!)).flat()
      ),
    ),
  };
}

const metadata = {
  voxels: SIZES.voxels,
  layerVoxels: SIZES.layers,
  layers: [0, 1],
  features: SIZES.features,
  kernelRows: SIZES.rows,
  neighborRows: SIZES.rows,
  fpdDraws: SIZES.draws,
} as unknown as Metadata;

Deno.test("engineAlgebra() agrees with plain algebra on random matrices", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const plugin = definePlugin<typeof config, Metadata>({
      name: "algebra-test",
      title: "algebra on the engine",
      config,
      metrics: [],
      prepare: () => Promise.resolve({ tables: {}, simulated: true, source: "random numbers", metadata }),
      models: { algebra: algebraModel },
      evaluate: async (_config: Config, context: EvaluateContext<Metadata>) => {
        const engine = engineAlgebra(context);
        return { results: { ...await sharedDifferences(engine), ...await voxelDifferences(engine) } };
      },
    });
    const { run: folder } = await run(plugin, { out: `${directory}/runs`, cache: `${directory}/cache` });
    const { results } = JSON.parse(await Deno.readTextFile(`${folder}/results.json`));
    for (const [name, found] of Object.entries(results as Differences)) {
      // float32 on the engine: sums of 700 terms are exact to some 1e-6; a pair at a radius may fall on either side
      const tolerance = ["ballsOfX", "ballsOfY", "inside"].includes(name) ? 2e-3 : 2e-5;
      assert.ok(found <= tolerance, `${name} differs by ${found}`);
    }
    assert.equal(Object.keys(results).length, 11);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
