import assert from "node:assert/strict";
import { randomFor } from "../../core/random.ts";
import { damaged, DAMAGES } from "./damage.ts";
import { ACTIVE_CELLS, CELLS, COLUMNS, isActive } from "./geometry.ts";

const random = (purpose: string, position = {}) => randomFor({ seed: 2, purpose, ...position });

/** Maps of 100 hits in every active cell. */
const MAPS = Float32Array.from({ length: 40 * CELLS }, (_, i) => {
  const cell = i % CELLS;
  return isActive(Math.floor(cell / COLUMNS), cell % COLUMNS) ? 100 : 0;
});
const GROUPS = Array.from({ length: 40 }, (_, row) => Math.floor(row / 10));

function damage(name: string, level: number): Float32Array {
  return damaged(DAMAGES.find((one) => one.name === name)!, MAPS, level, { groups: GROUPS, random });
}

/** Share of the active cells of all maps for which a condition holds. */
function share(maps: Float32Array, holds: (value: number) => boolean): number {
  const count = maps.reduce((sum, value, i) => sum + Number(MAPS[i] !== 0 && holds(value)), 0);
  return count / (40 * ACTIVE_CELLS);
}

Deno.test("damaged() kills and heats the share of cells that is asked for, in active cells alone", () => {
  // 37,280 cells: three standard deviations of a share of 0.1 are 0.0047.
  assert.ok(Math.abs(share(damage("dead_cells", 0.1), (value) => value === 0) - 0.1) < 0.0047);
  const hot = damage("hot_cells", 0.1);
  assert.ok(Math.abs(share(hot, (value) => value === 1e4) - 0.1) < 0.0047);
  assert.equal(hot.some((value, i) => MAPS[i] === 0 && value !== 0), false);
});

Deno.test("damaged() kills whole readout boxes", () => {
  const maps = damage("dead_regions", 36);
  assert.equal(maps.every((value) => value === 0), true);
  // A box has 9 rows of 2 cells and 2 rows of 4 (the last box 3): 26 or 24 of 932.
  const one = damage("dead_regions", 1).subarray(0, CELLS);
  const dead = one.reduce((sum, value, i) => sum + Number(MAPS[i] !== 0 && value === 0), 0);
  assert.ok(dead === 26 || dead === 24, `${dead}`);
});

Deno.test("damaged() draws gains once per group, with the spread asked for", () => {
  const maps = damage("gain_drift", 0.1);
  const map = (row: number) => maps.subarray(row * CELLS, (row + 1) * CELLS);
  assert.deepEqual(map(0), map(9));
  assert.notDeepEqual(map(0), map(10));
  const gains = map(0).filter((_, i) => MAPS[i] !== 0).map((value) => value / 100 - 1);
  const spread = Math.sqrt(gains.reduce((sum, gain) => sum + gain * gain, 0) / ACTIVE_CELLS);
  assert.ok(Math.abs(spread - 0.1) < 3 * 0.1 / Math.sqrt(2 * ACTIVE_CELLS), `${spread}`);
});

Deno.test("damaged() leaves the maps it is given", () => {
  damage("dead_cells", 0.5);
  assert.equal(share(MAPS, (value) => value === 100), 1);
});
