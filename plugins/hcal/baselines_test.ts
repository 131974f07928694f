import assert from "node:assert/strict";
import { PROFILE_LENGTH, rowProfiles, trainMeanThreshold, trainRowProfile } from "./baselines.ts";
import { CELLS, COLUMNS } from "./geometry.ts";

Deno.test("rowProfiles() are means over the active cells of each row", () => {
  const map = new Float32Array(CELLS);
  for (let column = 0; column < COLUMNS; column++) map[3 * COLUMNS + column] = column; // odd columns are not read out
  map.fill(7, 12 * COLUMNS, 12 * COLUMNS + 71);
  const profile = rowProfiles(map);
  assert.equal(profile.length, PROFILE_LENGTH);
  assert.equal(profile[0], 35); // mean of 0, 2, ..., 70
  assert.equal(profile[9], 7);
  assert.equal(profile[21], 0);
});

/** Profiles with the same value in all rows. */
function flat(values: readonly number[]): Float64Array {
  return Float64Array.from({ length: values.length * PROFILE_LENGTH }, (_, i) => values[Math.floor(i / 22)]!);
}

Deno.test("trainMeanThreshold() puts the threshold where most rows are right, on the right side", () => {
  const up = trainMeanThreshold(flat([1, 2, 3, 4, 5]), [0, 0, 1, 1, 1]);
  assert.deepEqual([...up(flat([2.4, 2.6])).predicted], [0, 1]);
  const down = trainMeanThreshold(flat([1, 2, 3, 4, 5]), [1, 1, 0, 1, 0]);
  const { predicted, scores } = down(flat([2.4, 2.6]));
  assert.deepEqual([...predicted], [1, 0]);
  assert.ok(scores[0]! > scores[1]!);
});

Deno.test("trainMeanThreshold() takes equal means together", () => {
  // Between the equal rows there is no threshold: all to one side, two of three right.
  const classify = trainMeanThreshold(flat([4, 4, 4]), [0, 1, 1]);
  assert.deepEqual([...classify(flat([4])).predicted], [1]);
});

Deno.test("trainRowProfile() minimizes the same loss as scikit-learn's logistic regression", () => {
  // As in fixtures/make_reference.py, which printed the scores: Newton steps in numpy 1.24.2, equal to those of
  // scikit-learn 1.2.1 within the 2e-6 to which its solver converges.
  const profiles = new Float64Array(40 * 22);
  for (let i = 0; i < profiles.length; i++) {
    const [row, feature] = [Math.floor(i / 22), i % 22];
    profiles[i] = 500 + 100 * Math.sin(0.7 * row + 1.3 * feature) + 3 * (row % 2) * feature;
  }
  const labels = Array.from({ length: 40 }, (_, row) => row % 7 === 3 ? 1 - row % 2 : row % 2);
  const { scores, probabilities } = trainRowProfile(profiles, labels)(profiles);
  const expected = [
    -1.24566962641,
    1.84408742939,
    -1.40313029868,
    1.46246081777,
    -1.82943789112,
    1.19197136646,
  ];
  expected.forEach((score, row) =>
    assert.ok(Math.abs(scores[row]! - score) < 1e-9, `${scores[row]} ${score}`)
  );
  assert.equal(probabilities![0], 1 / (1 + Math.exp(-scores[0]!)));
});

Deno.test("trainRowProfile() stays finite on classes that separate", () => {
  const classify = trainRowProfile(flat([1, 2, 3, 4]), [0, 0, 1, 1]);
  const { scores, predicted } = classify(flat([1, 2, 3, 4, 1e6]));
  assert.deepEqual([...predicted], [0, 0, 1, 1, 1]);
  assert.ok(scores.every(Number.isFinite));
});
