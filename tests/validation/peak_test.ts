/** The trained layer of `examples/peak` against the best that any unbiased estimator can do. */
import assert from "node:assert/strict";
import { randomFor, run } from "beamline";
import { halfWidth } from "beamline/metrics";
import peak from "../../examples/peak/mod.ts";

/**
 * The Cramér-Rao bound on the error of the position: 1/√I with I(x) = Σ (∂μ/∂x)² / μ over the bins, for Poisson counts with
 * the means μ that the example simulates.
 */
function boundAt(position: number): number {
  let information = 0;
  for (let bin = 0; bin < 64; bin++) {
    const offset = bin + 0.5 - position;
    const line = 50 * Math.exp(-0.5 * (offset / 2.5) ** 2);
    const slope = line * offset / 2.5 ** 2;
    information += slope ** 2 / (line + 15 * Math.exp(-(bin + 0.5) / 30));
  }
  return 1 / Math.sqrt(information);
}

/** The half-width of residuals at the bound, over the positions that occur. */
function boundOfHalfWidth(): number {
  const random = randomFor({ seed: 1, purpose: "cramer-rao" });
  return halfWidth(
    Float64Array.from({ length: 200_000 }, () => random.normal(0, boundAt(16 + 32 * random.uniform()))),
  );
}

Deno.test("examples/peak comes within 15 % of the Cramér-Rao bound, and beats the centroid", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const { metrics } = await run(peak, { out: `${folder}/runs`, cache: `${folder}/cache` });
    const bound = boundOfHalfWidth();
    const { value, error } = metrics.half_width_68!;
    // numpy, the same sum on 2 million draws: 0.1724 keV; 200,000 draws reproduce a half-width to 0.3 %
    assert.ok(Math.abs(bound - 0.1724) < 0.0015, `bound ${bound}`);
    assert.ok(value < 1.15 * bound, `half-width ${value} keV, bound ${bound} keV`);
    assert.ok(value > bound - 3 * error!, `half-width ${value} keV is better than the bound ${bound} keV`);
    assert.ok(value < metrics["centroid.half_width_68"]!.value);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
