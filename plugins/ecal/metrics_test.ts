import assert from "node:assert/strict";
import type { HookContext } from "beamline";
import { randomFor } from "beamline";
import { halfWidth } from "beamline/metrics";
import { measure, type Method, resolutionMetrics, resolutionOf } from "./metrics.ts";

const context = {
  random: (purpose: string) => randomFor({ seed: 5, purpose }),
  progress() {},
} as unknown as HookContext;
const ROWS = 6000;
const draw = context.random("truth");
const truth = {
  x: Float64Array.from({ length: ROWS }, () => draw.uniform() * 15),
  y: Float64Array.from({ length: ROWS }, () => draw.uniform() * 15),
  energy: Float64Array.from({ length: ROWS }, () => 2 + 198 * draw.uniform()),
};

/** A reconstruction with sigma_x and sigma_y in cm and sigma(E)/E = a / sqrt(E) (+) b. */
function method(key: string, sigma: number, a: number, b: number): Method {
  const noise = context.random(`noise/${key}`);
  const smear = (values: Float64Array) => values.map((value) => value + noise.normal(0, sigma));
  return {
    key,
    label: key || "network",
    result: {
      x: smear(truth.x),
      y: smear(truth.y),
      energy: truth.energy.map((e) => e * (1 + noise.normal(0, Math.hypot(a / Math.sqrt(e), b)))),
    },
  };
}
const methods = [method("", 0.06, 0.07, 0.01), method("profile_fit", 0.05, 0.07, 0.01)];

Deno.test("measure() gives the names that scripts read", () => {
  const { metrics } = measure(methods, truth, context);
  for (const prefix of ["", "profile_fit."]) {
    for (const quantity of ["x", "y", "e_relative", "e"]) {
      for (const key of ["core_sigma", "core_mean", "rms", "half_width_68", "half_width_95"]) {
        const { split, rows, error } = metrics[`${prefix}${key}_${quantity}`]!;
        assert.equal(split, "test");
        assert.equal(rows, ROWS);
        assert.ok(error! > 0);
      }
    }
  }
  assert.equal(metrics.half_width_68_x!.unit, "cm");
  assert.equal(metrics.half_width_68_e_relative!.unit, "1");
});

Deno.test("measure() finds widths and their ratio", () => {
  const { metrics, measured } = measure(methods, truth, context);
  const { residuals } = measured[0]!;
  assert.ok(Math.abs(metrics.half_width_68_x!.value - halfWidth(residuals)) < 1e-12);
  assert.ok(Math.abs(metrics.half_width_95_x!.value - halfWidth(residuals, 0.95)) < 1e-12);
  // the 68 % half-width of a Gaussian is .9945 sigma, its error 1.2 sigma / sqrt(n): within four of them
  assert.ok(Math.abs(metrics.half_width_68_x!.value - 0.9945 * 0.06) < 4 * 1.2 * 0.06 / Math.sqrt(ROWS));
  assert.ok(Math.abs(metrics.half_width_68_x!.error! / (1.2 * 0.06 / Math.sqrt(ROWS)) - 1) < 0.35);
  assert.ok(Math.abs(metrics.rms_x!.value - 0.06) < 4 * 0.06 / Math.sqrt(2 * ROWS));
  assert.ok(Math.abs(metrics.core_sigma_x!.value - 0.06) < 5 * metrics.core_sigma_x!.error!);
  const ratio = metrics.ratio_profile_fit_x!;
  assert.ok(Math.abs(ratio.value - 1.2) < 5 * ratio.error!, `${ratio.value} +- ${ratio.error}`);
});

Deno.test("resolutionOf() finds the terms of the energy resolution", () => {
  const { measured } = measure(methods, truth, context);
  const energy = measured.find(({ quantity }) => quantity.key === "e_relative")!;
  const { fit } = resolutionOf(energy, truth, context);
  const metrics = resolutionMetrics("energy", "1", fit!, ROWS);
  const { value, error, unit } = metrics.resolution_energy_stochastic!;
  assert.equal(unit, "GeV^0.5");
  assert.ok(Math.abs(value - 0.07) < 5 * error! + 0.001, `${value} +- ${error}`);
});

Deno.test("measure() works where all residuals are equal", () => {
  const exact: Method = {
    key: "",
    label: "network",
    result: { x: truth.x.slice(), y: truth.y.slice(), energy: truth.energy.slice() },
  };
  const { metrics } = measure([exact], truth, context);
  assert.equal(metrics.half_width_68_x!.value, 0);
  assert.equal(metrics.rms_x!.value, 0);
});
