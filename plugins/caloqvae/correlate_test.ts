import assert from "node:assert/strict";
import { DataError, type EvaluateContext, type NdArray, randomFor } from "beamline";
import { createHdf5, readNpy } from "beamline/data";
import { correlationOf } from "beamline/metrics";
import { writeBins } from "./bins.ts";
import { type Config, config as schema } from "./config.ts";
import { correlate } from "./correlate.ts";
import type { Metadata } from "./metadata.ts";
import { ringBins } from "./binning.ts";
import { type Geometry, geometryFromBins } from "./geometry.ts";

const ROWS = 300;

/** Two layers of 12 and 8 voxels; energies that know of each other, one voxel always empty, one event not finite. */
async function showerFile(path: string): Promise<{ voxels: Float32Array; geometry: Geometry }> {
  const geometry = geometryFromBins([ringBins(0, 4, 3, [1, 1]), ringBins(2, 4, 2, [1, 1])], "test");
  const random = randomFor({ seed: 1, purpose: "correlate" });
  const voxels = new Float32Array(ROWS * geometry.voxels);
  for (let row = 0; row < ROWS; row++) {
    const common = random.normal();
    for (let i = 1; i < geometry.voxels; i++) {
      voxels[row * geometry.voxels + i] = Math.max(0, 30 * i + 50 * common + 60 * random.normal());
    }
  }
  const rows = new Float32Array([...voxels, ...voxels.subarray(0, geometry.voxels)]);
  rows[rows.length - 1] = NaN;
  const writer = await createHdf5(path);
  writer.write("showers", { dtype: "float32", shape: [ROWS + 1, geometry.voxels], data: rows });
  const energies = new Float64Array(ROWS + 1).fill(1e5);
  writer.write("incident_energies", { dtype: "float64", shape: [ROWS + 1, 1], data: energies });
  writeBins(geometry, writer);
  writer.close();
  return { voxels, geometry };
}

/** More columns than any matrix here; the program takes more, which are zeros. */
const COLUMNS = 32;

/** A context whose engine multiplies with plain loops. */
function contextIn(directory: string): EvaluateContext<Metadata> {
  return {
    directory,
    progress: () => {},
    warn: () => {},
    upload: (array: NdArray) => ({ ...structuredClone(array), dispose: () => Promise.resolve() }),
    accumulate: () => {
      let sum: Float64Array | undefined;
      return {
        add: ({ a, b }: { readonly [name: string]: NdArray }) => {
          const width = a!.shape[1]!;
          sum ??= new Float64Array(width * width);
          addProducts(sum, a!, b!);
          return Promise.resolve();
        },
        total: () => Promise.resolve({ product: { data: sum } }),
      };
    },
  } as unknown as EvaluateContext<Metadata>;
}

function addProducts(sum: Float64Array, a: NdArray, b: NdArray): void {
  const [rows, width] = a.shape as [number, number];
  for (let n = 0; n < rows; n++) {
    for (let i = 0; i < COLUMNS; i++) {
      const left = Number(a.data[n * width + i]);
      for (let j = 0; j < COLUMNS; j++) sum[i * width + j]! += left * Number(b.data[n * width + j]);
    }
  }
}

Deno.test("correlate() writes the matrix that loops in float64 give", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const path = `${directory}/showers.hdf5`;
    const { voxels, geometry } = await showerFile(path);
    const sums = Float64Array.from({ length: ROWS * 2 }, (_, at) => {
      const { from, voxels: size } = geometry.layers[at % 2]!;
      const row = Math.floor(at / 2) * geometry.voxels;
      return voxels.subarray(row + from, row + from + size).reduce((sum, value) => sum + value, 0);
    });
    const cases = {
      energy: { columns: geometry.voxels, data: Float64Array.from(voxels) },
      hits: { columns: geometry.voxels, data: Float64Array.from(voxels, (value) => value > 0 ? 1 : 0) },
      layers: { columns: 2, data: sums },
    } as const;
    for (const [of, { columns, data }] of Object.entries(cases)) {
      const found = await correlate(
        schema.parse({ of: of as Config["of"], skipBad: true }),
        contextIn(directory),
        [path],
      );
      const [report] = found.results!.correlations as { matrix: string; events: number; notFinite: number }[];
      assert.deepEqual([report!.events, report!.notFinite], [ROWS, 1]);
      assert.deepEqual(found.tables!.map(({ name }) => name), ["correlations", "skipped_showers"]);
      const matrix = await readNpy(`${directory}/${report!.matrix}`);
      assert.deepEqual(matrix.shape, [columns, columns]);
      const expected = correlationOf({ rows: ROWS, columns, data });
      // 1e-6: standardized rows and the matrix are float32
      expected.forEach((value, i) =>
        assert.ok(Math.abs(Number(matrix.data[i]) - value) < 1e-6, `${of} ${i}`)
      );
      assert.equal((await found.figures![0]!).name, `correlation_${of}_showers`);
    }
    await assert.rejects(
      correlate(schema.parse({}), contextIn(directory), [path]),
      /voxels must be finite numbers: found NaN in event 300, voxel 19; --skip-bad/,
    );
    await assert.rejects(correlate(schema.parse({}), contextIn(directory), []), DataError);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
