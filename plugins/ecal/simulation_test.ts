import assert from "node:assert/strict";
import type { HookContext, NdArray } from "beamline";
import { randomFor } from "beamline";
import { centroidWidths } from "./calibration.ts";
import { selectClusters } from "./clusters.ts";
import { type Events, toEvents } from "./events.ts";
import {
  cellType,
  type Dataset,
  DETECTOR,
  simulateEvents,
  type SimulationOptions,
  type Stage,
} from "./simulation.ts";

const random = (purpose: string) => randomFor({ seed: 11, purpose });
const context = { random } as unknown as HookContext;

function make(stage: Stage, events: number, dataset: Dataset = "2", more: Partial<SimulationOptions> = {}) {
  return simulateEvents({ stage, dataset, events, random, ...more });
}

function asEvents(made: ReturnType<typeof make>): Events {
  const columns = Object.entries(made).map(([name, data]) =>
    [name, { dtype: "float32", shape: [data.length], data } as NdArray] as const
  );
  return toEvents("simulation", Object.fromEntries(columns), { needsTruth: true });
}

/**
 * Half-widths (cm) on the reference files of the experiment's format, which this simulation did not make, printed by
 * `deno task run ecal calibrate stage1.npz --stage 1 --json` and the same for stage 2 (20 000 and 40 000 events).
 */
const REFERENCE: { readonly [stage: string]: { readonly [key: string]: number } } = {
  "1": {
    "centroid.half_width_68_x": 0.538,
    "centroid_corrected.half_width_68_x": 0.0515,
    "log_centroid.half_width_68_x": 0.1023,
    "log_centroid_corrected.half_width_68_x": 0.0539,
    "centroid_corrected.half_width_68_y": 0.0512,
    "log_centroid_corrected.half_width_68_y": 0.0532,
  },
  "2": {
    "centroid.half_width_68_x": 0.5317,
    "centroid_corrected.half_width_68_x": 0.0636,
    "log_centroid.half_width_68_x": 0.1145,
    "log_centroid_corrected.half_width_68_x": 0.0688,
    "centroid_corrected.half_width_68_y": 0.0624,
    "log_centroid_corrected.half_width_68_y": 0.0679,
  },
};

for (const stage of ["1", "2"] as const) {
  Deno.test(`simulateEvents() gives centroids the widths of the reference file of stage ${stage}`, () => {
    const clusters = selectClusters(asEvents(make(stage, 20_000)), 7);
    const widths = centroidWidths(clusters, "test", context);
    for (const [key, expected] of Object.entries(REFERENCE[stage]!)) {
      const { value } = widths[key]!;
      assert.ok(Math.abs(value / expected - 1) < 0.15, `${key}: ${value}, reference ${expected}`);
    }
  });
}

Deno.test("simulateEvents() repeats with the same streams and differs with others", () => {
  const [first, again] = [make("2", 300), make("2", 300)];
  assert.deepEqual(first, again);
  const other = make("2", 300, "2", { random: (purpose) => randomFor({ seed: 12, purpose }) });
  assert.notDeepEqual(first.E_MC, other.E_MC);
});

Deno.test("simulateEvents() writes energies in steps above the threshold, row by row from the upper left", () => {
  const { offsets, x_MC, y_MC, E_MC, celltype } = make("2", 500);
  assert.equal(offsets.length, 501);
  assert.equal(Number(offsets[500]), E_MC.length);
  assert.ok(E_MC.every((energy) => energy >= DETECTOR.thresholdGev && Number.isInteger(energy * 64)));
  for (let i = 0; i < 500; i++) {
    for (let c = Number(offsets[i]) + 1; c < Number(offsets[i + 1]); c++) {
      assert.ok(y_MC[c]! < y_MC[c - 1]! || (y_MC[c] === y_MC[c - 1] && x_MC[c]! > x_MC[c - 1]!));
    }
  }
  assert.ok(celltype.every((type) => type >= 1 && type <= 3));
});

Deno.test("simulateEvents() keeps the energies and angles of its stages", () => {
  const mono = make("1", 400).E_truth.filter((energy) => energy > 2);
  assert.ok(mono.length > 380 && mono.every((energy) => energy === 140));
  const { E_truth, px_truth } = make("2", 400);
  assert.ok(E_truth.every((energy) => energy <= 200) && px_truth.every((p) => p === 0));
  for (const [dataset, limit] of [["1", 0.012], ["2", 0.027]] as const) {
    const { px_truth: px, py_truth: py, pz_truth: pz } = make("3", 400, dataset);
    const angles = px.map((p, i) => Math.hypot(p, py[i]!) / pz[i]!);
    const largest = angles.reduce((a, b) => Math.max(a, b));
    assert.ok(largest <= limit + 1e-6 && largest > 0.9 * limit, `${largest}`);
  }
});

Deno.test("simulateEvents() gives every cut something to remove", () => {
  const { cutFlow } = selectClusters(asEvents(make("2", 5000)), 1);
  const removed = Object.fromEntries(cutFlow.rows.map(([cut, count]) => [cut, count]));
  assert.ok((removed["cells that are not shashlik"] as number) > 10);
  assert.ok((removed["wider than 5x5 cells"] as number) > 10);
  assert.ok((removed["cluster energy below 1 GeV"] as number) > 10);
});

Deno.test("cellType() has a hole for the beam in a shashlik part of 25 x 49 cells", () => {
  assert.equal(cellType(3, 0), 0);
  assert.equal(cellType(3, 2), 3);
  assert.equal(cellType(24, 12), 3);
  assert.equal(cellType(25, 0), 2);
  assert.equal(cellType(0, 17), 1);
});
