import assert from "node:assert/strict";
import { randomFor } from "beamline";
import {
  angleShift,
  applyEnergyScale,
  applySCurve,
  centroids,
  fitEnergyScale,
  fitSCurve,
  phaseOf,
  undoAngle,
} from "./baselines.ts";
import { CELLS } from "./clusters.ts";
import { fitProfiles } from "./profile_fit.ts";
import { cellShare, PITCH_CM } from "./shower.ts";

const random = (purpose: string) => randomFor({ seed: 3, purpose });

/** A window without fluctuations. */
function window(x: number, y: number, energy: number): Float32Array {
  return Float32Array.from({ length: CELLS }, (_, c) => {
    const [column, row] = [c % 5, 4 - Math.floor(c / 5)];
    return energy * cellShare(x - column * PITCH_CM, y - row * PITCH_CM);
  });
}
const rows = (cells: Float32Array) => ({ cells, corner: new Float32Array(2) });

Deno.test("centroids() weighs cells by energy or by its logarithm", () => {
  const cells = new Float32Array(CELLS);
  cells[20] = 3; // lower left
  cells[16] = 1; // one to the right, one above
  const linear = centroids(rows(cells), "linear");
  assert.ok(Math.abs(linear.x[0]! - 0.25 * PITCH_CM) < 1e-12);
  assert.ok(Math.abs(linear.y[0]! - 0.25 * PITCH_CM) < 1e-12);
  assert.equal(linear.energy[0], 4);
  // weights 4.2 + ln(1/4) = 2.813706 and 4.2 + ln(3/4) = 3.912318
  const log = centroids(rows(cells), "log");
  assert.ok(Math.abs(log.x[0]! / PITCH_CM - 2.813706 / 6.726024) < 1e-6);
});

Deno.test("phaseOf() is the distance from the nearest cell centre", () => {
  assert.ok(Math.abs(phaseOf(3 * PITCH_CM + 0.4) - 0.4) < 1e-12);
  assert.ok(Math.abs(phaseOf(PITCH_CM - 0.4) + 0.4) < 1e-12);
});

Deno.test("applySCurve() undoes a periodic shift", () => {
  const draw = random("curve");
  const truth = Float64Array.from({ length: 20_000 }, () => draw.uniform() * 4 * PITCH_CM);
  const shift = (x: number) => 0.4 * Math.sin(2 * Math.PI * x / PITCH_CM);
  const seen = truth.map((x) => x - shift(x));
  const energy = truth.map(() => 50 + 100 * draw.uniform());
  const curve = fitSCurve(seen, truth, energy);
  assert.equal(curve.curves.length, 8);
  const left = applySCurve(curve, seen, energy).map((x, i) => Math.abs(x - truth[i]!));
  // linear interpolation between 40 nodes, .1 cm apart: second derivative 1.1 / cm x .1^2 / 8, more where they are far apart
  assert.ok(left.reduce((a, b) => Math.max(a, b)) < 0.03);
});

Deno.test("applySCurve() copes with rows that all lie in one place", () => {
  const same = new Float64Array(100).fill(PITCH_CM);
  const curve = fitSCurve(same, same.map((x) => x + 0.1), same);
  assert.ok(Math.abs(applySCurve(curve, same, same)[0]! - PITCH_CM - 0.1) < 1e-12);
});

Deno.test("applyEnergyScale() inverts a response that depends on energy", () => {
  const draw = random("scale");
  const energy = Float64Array.from({ length: 5000 }, () => 2 + 198 * draw.uniform());
  const response = (e: number) => 0.9 + 0.02 * Math.log(e);
  const scale = fitEnergyScale(energy.map((e) => e * response(e)), energy);
  for (const e of [20, 60, 150]) {
    const found = applyEnergyScale(scale, Float64Array.of(e * response(e)))[0]!;
    assert.ok(Math.abs(found / e - 1) < 2e-3, `${e}: ${found}`); // medians of 20 bins of a curved line
  }
});

Deno.test("fitEnergyScale() is one number when all photons have one energy", () => {
  const sum = Float64Array.of(130, 135, 140);
  const scale = fitEnergyScale(sum, [140, 140, 140]);
  assert.deepEqual([...applyEnergyScale(scale, sum)].map((e) => e.toFixed(6)), [
    "134.814815",
    "140.000000",
    "145.185185",
  ]);
});

Deno.test("undoAngle() takes a shower back to where the photon entered", () => {
  const [origin, x, energy] = [60, 5, 100];
  const seen = (origin + x) * (1 + angleShift(energy)) - origin;
  const result = undoAngle(
    { x: Float64Array.of(seen), y: Float64Array.of(0), energy: Float64Array.of(energy) },
    { cells: new Float32Array(CELLS), corner: Float32Array.of(origin, 0) },
  );
  assert.ok(Math.abs(result.x[0]! - x) < 1e-12);
  // 1.7 cm (ln(100 / .009) + 1/2) = 16.7 cm deep at 65 cm / 33 m
  assert.ok(Math.abs(seen - x - 0.3287) < 1e-3, `${seen - x}`);
});

Deno.test("fitProfiles() finds position and energy of a shower without fluctuations", () => {
  for (const [x, y, energy] of [[7.7, 7.6, 150], [9.5, 5.9, 150], [1.9, 13.2, 20]] as const) {
    const cells = window(x, y, energy);
    const start = centroids(rows(cells), "linear");
    const fit = fitProfiles(rows(cells), start);
    assert.ok(Math.hypot(fit.x[0]! - x, fit.y[0]! - y) < 1e-3, `${fit.x[0]}, ${fit.y[0]} for ${x}, ${y}`);
    assert.ok(Math.abs(fit.energy[0]! / energy - 1) < 1e-3);
  }
});

Deno.test("fitProfiles() stays near its start when a single cell was hit", () => {
  const cells = new Float32Array(CELLS);
  cells[12] = 1.5;
  const fit = fitProfiles(rows(cells), centroids(rows(cells), "linear"));
  assert.ok(Math.abs(fit.x[0]! - 2 * PITCH_CM) < PITCH_CM / 2);
  assert.ok(fit.energy[0]! > 1.4 && fit.energy[0]! < 2.5);
});
