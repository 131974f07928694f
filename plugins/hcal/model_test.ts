import assert from "node:assert/strict";
import { cellAttention } from "./figures.ts";
import { COLUMNS } from "./geometry.ts";
import { blockAccuracies, networkScores } from "./metrics.ts";
import { patchGrid } from "./model.ts";

Deno.test("patchGrid() counts whole patches: 8 x 9 of side 8, 2 x 2 of side 32", () => {
  assert.deepEqual(patchGrid(8), { down: 8, across: 9 });
  assert.deepEqual(patchGrid(32), { down: 2, across: 2 });
});

Deno.test("cellAttention() spreads a patch's attention over its cells, relative to equal attention", () => {
  const attention = new Float32Array(4);
  attention[1] = 0.5; // the right one of the lower row
  const map = cellAttention(attention, 32);
  assert.equal(map[0], 0);
  assert.equal(map[32], 2);
  assert.equal(map[31 * COLUMNS + 63], 2);
  assert.equal(map[32 * COLUMNS + 63], 0);
  assert.equal(map[64], 0); // left out of all patches
});

Deno.test("networkScores() decides at a probability of one half", () => {
  const { predicted, probabilities } = networkScores([-1, 0, 40]);
  assert.deepEqual([...predicted], [0, 1, 1]);
  assert.equal(probabilities[1], 0.5);
});

Deno.test("blockAccuracies() are per run and block, in order", () => {
  const found = blockAccuracies(Uint8Array.of(0, 1, 1, 1), {
    truth: Int32Array.of(0, 0, 1, 1),
    blocks: Int32Array.of(4, 2, 2, 2),
    sections: Int32Array.of(40, 20, 21, 22),
  });
  assert.deepEqual(
    found.map(({ label, block, section, rows, accuracy }) => [label, block, section, rows, accuracy.value]),
    [[0, 2, 20, 1, 0], [0, 4, 40, 1, 1], [1, 2, 21.5, 2, 1]],
  );
});
