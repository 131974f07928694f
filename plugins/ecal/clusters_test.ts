import assert from "node:assert/strict";
import { Defects } from "beamline/data";
import { CELLS, selectClusters, toTable } from "./clusters.ts";
import type { Events } from "./events.ts";
import { PITCH_CM } from "./shower.ts";

type Cell = readonly [column: number, row: number, energy: number, type?: number];

function events(...list: readonly (readonly Cell[])[]): Events {
  const cells = list.flat();
  const offsets = [0];
  for (const event of list) offsets.push(offsets[offsets.length - 1]! + event.length);
  return {
    file: "test",
    place: "test",
    row: Int32Array.from(list, (_, i) => i),
    offsets: Float64Array.from(offsets),
    x: Float32Array.from(cells, ([column]) => column * PITCH_CM),
    y: Float32Array.from(cells, ([, row]) => row * PITCH_CM),
    energy: Float32Array.from(cells, ([, , energy]) => energy),
    type: Uint8Array.from(cells, ([, , , type]) => type ?? 3),
    truth: {
      x: Float32Array.from(list, (event) => (event[0]?.[0] ?? 0) * PITCH_CM + 0.5),
      y: Float32Array.from(list, (event) => (event[0]?.[1] ?? 0) * PITCH_CM - 0.25),
      energy: Float32Array.from(list, () => 50),
    },
  };
}

/** Five cells in a row and five in a column fill the window, so that there is only one place for it. */
const CROSS: Cell[] = [0, 1, 2, 3, 4].flatMap((k): Cell[] => [[10 + k, -3, 1 + k], [12, -5 + k, 10 + k]])
  .filter(([column, row], i, all) => all.findIndex(([c, r]) => c === column && r === row) === i);

Deno.test("selectClusters() reads the window row by row from the upper left", () => {
  const { cells, corner, truth, count } = selectClusters(events(CROSS), 1);
  assert.equal(count, 1);
  assert.deepEqual(Array.from({ length: 5 }, (_, row) => [...cells.subarray(5 * row, 5 * row + 5)]), [
    [0, 0, 14, 0, 0],
    [0, 0, 13, 0, 0],
    [1, 2, 3, 4, 5],
    [0, 0, 11, 0, 0],
    [0, 0, 10, 0, 0],
  ]);
  assert.deepEqual([...corner], [Math.fround(10 * PITCH_CM), Math.fround(-5 * PITCH_CM)]);
  // the first cell is two rows above the lower left one
  assert.ok(Math.abs(truth!.x[0]! - 0.5) < 1e-5);
  assert.ok(Math.abs(truth!.y[0]! - (2 * PITCH_CM - 0.25)) < 1e-5);
});

Deno.test("selectClusters() applies the cuts in order and counts them", () => {
  const wide: Cell[] = [[0, 0, 5], [5, 0, 5]];
  const other: Cell[] = [[0, 0, 5, 3], [1, 0, 5, 2]];
  const { cutFlow, event } = selectClusters(
    events([], other, [...other, [6, 0, 1, 3]], wide, [[0, 0, 0.5]], [[0, 0, 2], [0, 0, 2]], [[3, 3, 7]]),
    1,
  );
  assert.deepEqual(cutFlow.rows, [
    ["all events", null, 7],
    ["no hit cells", 1, 6],
    ["cells that are not shashlik", 2, 4],
    ["wider than 5x5 cells", 1, 3],
    ["cluster energy below 1 GeV", 1, 2],
    ["a cell listed twice", 1, 1],
  ]);
  assert.deepEqual([...event], [6]);
});

Deno.test("selectClusters() places windows evenly among those that hold the whole cluster", () => {
  // 2 x 1 cells: four columns and five rows to choose from
  const many = Array.from({ length: 20_000 }, (_, i): Cell[] => [[0, 0, 2 + i / 64], [1, 0, 1]]);
  const { corner, count } = selectClusters(events(...many), 99);
  const counts = new Map<string, number>();
  for (let k = 0; k < count; k++) {
    const place = [corner[2 * k]!, corner[2 * k + 1]!].map((at) => Math.round(at / PITCH_CM)).join();
    counts.set(place, (counts.get(place) ?? 0) + 1);
  }
  assert.equal(counts.size, 20);
  // 1000 expected in each; chi2 with 19 degrees of freedom is below 43.8 in 99.9 % of cases
  const chi2 = [...counts.values()].reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0);
  assert.ok(chi2 < 43.8, `${chi2}`);
});

Deno.test("selectClusters() gives a cluster the same window in another file, and another with another key", () => {
  const list = Array.from({ length: 50 }, (_, i): Cell[] => [[i % 7, 2, 3 + i]]);
  const all = selectClusters(events(...list), 5);
  const later = selectClusters(events(...list.slice(20)), 5);
  assert.deepEqual([...later.corner], [...all.corner.subarray(40)]);
  assert.deepEqual([...later.cells], [...all.cells.subarray(20 * CELLS)]);
  assert.notDeepEqual([...selectClusters(events(...list), 6).corner], [...all.corner]);
});

Deno.test("selectClusters() rejects cells off the grid", () => {
  const off = events([[0, 0, 5], [1.3, 0, 5]]);
  assert.throws(
    () => selectClusters(off, 1),
    /must lie on a grid of 3.83 cm: found a cell at .* cm in event 0, cell 1; --skip-bad/,
  );
});

Deno.test("selectClusters() lists all clusters off the grid and leaves them out as if they were not there", () => {
  const good: Cell[][] = [[[0, 0, 5]], [[2, 1, 7], [3, 1, 2]], [[8, 8, 9]]];
  const bad: Cell[] = [[0, 0, 5], [1.3, 0, 5], [2, 0.5, 1]];
  const defects = new Defects();
  defects.checked("test", 5);
  const { event, cells, events: used, cutFlow } = selectClusters(
    events(good[0]!, bad, good[1]!, bad, good[2]!),
    1,
    defects,
  );
  const without = selectClusters(events(...good), 1);
  assert.deepEqual([...event], [0, 2, 4]);
  assert.deepEqual(cells, without.cells);
  assert.deepEqual([used, cutFlow], [3, without.cutFlow]);
  assert.deepEqual([defects.count, defects.leftOut()], [4, 2]);
});

Deno.test("toTable() has truth columns only when the truth is known", () => {
  const known = selectClusters(events(CROSS), 1);
  const { truth: _, ...unknown } = known;
  assert.deepEqual(Object.keys(toTable(known)), [
    "cells",
    "corner",
    "event",
    "x_truth",
    "y_truth",
    "energy_truth",
  ]);
  assert.deepEqual(Object.keys(toTable(unknown)), ["cells", "corner", "event"]);
  assert.deepEqual(toTable(known).cells!.shape, [1, 25]);
});
