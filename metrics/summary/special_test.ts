import assert from "node:assert/strict";
import { assertClose } from "../fixtures/samples.ts";
import { gammaP } from "./special.ts";

Deno.test("gammaP() agrees with scipy in the series and the continued fraction", () => {
  // python3 -c "from scipy.special import gammainc; print([gammainc(a, x) for a, x in (...)])", scipy 1.17.1.
  const cases = [
    [0.1, 0.05, 0.7755386354510307],
    [0.5, 0.2, 0.47291074313446196],
    [1, 1, 0.6321205588285577],
    [2.5, 0.1, 0.0008861387888124438],
    [2.5, 3.4, 0.7640554623054789],
    [2.5, 3.6, 0.7938140802904439],
    [3, 1e-6, 1.66666541666717e-19],
    [5, 20, 0.9999830552560699],
    [7.3, 2, 0.0029985857761823977],
    [12, 11.9, 0.5269195606133829],
    [12, 13.1, 0.656904608707293],
    [40, 30, 0.04625303764584204],
    [40, 55, 0.9853028204736023],
    [200, 200, 0.5094034180072367],
  ] as const;
  // The series and the fraction end at terms of 1e-11.
  for (const [a, x, expected] of cases) assertClose(gammaP(a, x), expected, 1e-10);
});

Deno.test("gammaP() is 0 at and below 0, and 1 far out", () => {
  assert.deepEqual([gammaP(2, 0), gammaP(2, -3), gammaP(1.5, 60)], [0, 0, 1]);
});

Deno.test("gammaP() grows where the series gives way to the continued fraction", () => {
  for (const a of [0.3, 1, 4.5, 70]) {
    const step = gammaP(a, (a + 1) * (1 + 1e-6)) - gammaP(a, (a + 1) * (1 - 1e-6));
    // The density at a + 1 times the distance 2e-6 (a + 1): at least 2e-7 for these a, far above 1e-11.
    assert.ok(step > 1e-7 && step < 1e-5, `${step} at ${a}`);
  }
});

Deno.test("gammaP() rejects a shape that is not positive", () => {
  for (const a of [0, -1, NaN]) {
    assert.throws(() => gammaP(a, 1), {
      name: "RangeError",
      message: `Cannot compute P(a, x) as a must be positive: found ${a}`,
    });
  }
});
