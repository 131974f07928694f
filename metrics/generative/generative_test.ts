import assert from "node:assert/strict";
import { randomFor } from "../../core/random.ts";
import type { Matrix } from "../algebra/algebra.ts";
import expected from "../fixtures/generative.json" with { type: "json" };
import { draw, filled, ROWS, sines } from "../fixtures/sines.ts";
import { isotonicFit } from "../classification/calibration.ts";
import {
  frechetDistance,
  frechetPhysicsDistance,
  kernelDistance,
  kernelPhysicsDistance,
  type MeanCovariance,
  neighborhoods,
} from "./generative.ts";

// Expected numbers: fixtures/generative.py (numpy 1.24.2, scipy 1.10.1, scikit-learn 1.2.1).
function near(actual: number, wanted: number, relative = 1e-6): void {
  assert.ok(Math.abs(actual - wanted) <= relative * Math.abs(wanted) + 1e-12, `${actual} is not ${wanted}`);
}

const random = () => randomFor({ seed: 1, purpose: "test" });

function momentsOf({ rows, columns, data }: Matrix): MeanCovariance {
  const mean = new Float64Array(columns);
  for (let i = 0; i < data.length; i++) mean[i % columns]! += data[i]! / rows;
  const covariance = new Float64Array(columns * columns);
  for (let n = 0; n < rows; n++) {
    for (let i = 0; i < columns; i++) {
      for (let j = 0; j < columns; j++) {
        covariance[i * columns + j]! += (data[n * columns + i]! - mean[i]!) *
          (data[n * columns + j]! - mean[j]!) /
          (rows - 1);
      }
    }
  }
  return { mean, covariance };
}

Deno.test("frechetDistance() agrees with scipy's matrix root", () => {
  near(frechetDistance(momentsOf(sines(0)), momentsOf(sines(1))), expected.frechet);
  near(frechetDistance(momentsOf(sines(0)), momentsOf(sines(0))), 0);
});

Deno.test("frechetPhysicsDistance() agrees with JetNet's procedure on the same drawn rows", async () => {
  const found = await frechetPhysicsDistance(sines(0), sines(1), {
    random: random(),
    draws: 3,
    drawRows: ({ sample, size, index }) => draw(ROWS, size, index, sample),
  });
  assert.deepEqual(found.sizes, expected.fpd.sizes);
  assert.equal(found.isReduced, true);
  found.means.forEach((mean, i) => near(mean, expected.fpd.means[i]!));
  near(found.value, expected.fpd.value);
  near(found.error!, expected.fpd.error);
});

Deno.test("the values of JetNet's own tests hold for both distances", async () => {
  const [zeros, twos] = [filled(60, 2, 0), filled(60, 2, 2)];
  const distances = async (a: Matrix, b: Matrix, normalize: boolean) => [
    (await frechetPhysicsDistance(a, b, { random: random(), draws: 2, normalize })).value,
    (await kernelPhysicsDistance(a, b, { random: random(), normalize })).value,
  ];
  const cases = [
    [await distances(zeros, zeros, true), [0, 0]],
    [await distances(twos, zeros, true), [2, 15]],
    [await distances(twos, zeros, false), [8, 624]],
  ] as const;
  for (const [found, wanted] of cases) found.forEach((value, i) => near(value, wanted[i]!, 1e-9));
});

Deno.test("kernelDistance() and kernelPhysicsDistance() agree with numpy", async () => {
  near(await kernelDistance(sines(0), sines(1)), expected.kernelDistance);
  const found = await kernelPhysicsDistance(sines(0), sines(1), {
    random: random(),
    batchRows: 40,
    drawRows: ({ sample, size, index }) => draw(ROWS, size, index, sample),
  });
  near(found.value, expected.kpd.value);
  near(found.error!, expected.kpd.error);
});

Deno.test("neighborhoods() agrees with prdc on scikit-learn's distances", async () => {
  const found = await neighborhoods(sines(0), sines(1), { neighbors: 5 });
  for (const key of ["precision", "recall", "density", "coverage"] as const) {
    near(found[key].value, expected.prdc[key]);
  }
  // a mean of zeros and ones has s² = p (1 - p) n / (n - 1)
  for (const key of ["precision", "recall", "coverage"] as const) {
    const { value, error } = found[key];
    near(error!, Math.sqrt(value * (1 - value) / (ROWS - 1)));
  }
  assert.ok(found.density.error! > 0);
  await assert.rejects(neighborhoods(filled(5, 2, 0), sines(1)), TypeError);
  await assert.rejects(neighborhoods(filled(5, 4, 0), sines(1)), RangeError);
});

Deno.test("neighborhoods() has the error of a density that is counted by hand", async () => {
  // on a line, with one neighbor: balls of radius 1 about 0, 1 and 2; -0.5 is in the first, 0.5 in two, 9 in none
  const line = (...data: number[]): Matrix => ({
    rows: data.length,
    columns: 1,
    data: Float64Array.from(data),
  });
  const { density } = await neighborhoods(line(0, 1, 2), line(-0.5, 0.5, 9), { neighbors: 1 });
  near(density.value, 1);
  near(density.error!, 1 / Math.sqrt(3)); // counts 1, 2, 0: s = 1
});

Deno.test("isotonicFit() agrees with scikit-learn, ties and ends included", () => {
  const scores = Array.from({ length: 40 }, (_, i) => Math.round(Math.sin(i * 1.3) * 10) / 10);
  const labels = scores.map((score, i) => Math.cos(i * 0.7) + score > 0 ? 1 : 0);
  const fit = isotonicFit(scores, labels);
  expected.isotonic.forEach((wanted, i) => near(fit(-1.2 + 0.1 * i), wanted, 1e-9));
});
