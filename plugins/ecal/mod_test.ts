import assert from "node:assert/strict";
import type { Column, EvaluateContext, Metrics, NdArray, SimulateContext, Table } from "beamline";
import { randomFor, z } from "beamline";
import { column, readNpz, writeNpz } from "beamline/data";
import plugin from "./mod.ts";

const warnings: string[] = [];
const hook = {
  seed: 2,
  random: (purpose: string) => randomFor({ seed: 2, purpose }),
  progress() {},
  writer(): never {
    throw new Error("writes no table in parts");
  },
  log() {},
  warn: (code: string) => void warnings.push(code),
};
const configure = (values: z.input<typeof plugin.config> = {}) =>
  plugin.config.parse({ events: 3000, ...values });

const floats = (table: Table, name: string) => table[name]!.data as Float32Array<ArrayBuffer>;

/** The truth with a normal error of `sigma` cm in position and 1 GeV in energy, in place of a network. */
function pretend(test: Table, sigma: number): Table {
  const random = hook.random("pretend");
  const like = (name: string, sigma: number, unit: string): Column =>
    column(floats(test, name).map((value) => value + random.normal(0, sigma)), { unit });
  return {
    x: like("x_truth", sigma, "cm"),
    y: like("y_truth", sigma, "cm"),
    energy: like("energy_truth", 1, "GeV"),
  };
}

async function evaluate(values: z.input<typeof plugin.config>, sigma = 0.06) {
  const config = configure(values);
  const prepared = await plugin.prepare!(config, hook);
  const context = {
    ...hook,
    ...prepared,
    metadata: {},
    history: [],
    predict: (_model: string, split: string) => Promise.resolve(pretend(prepared.tables[split]!, sigma)),
    call: () => Promise.reject(new Error("not used")),
  } as unknown as EvaluateContext;
  return await plugin.evaluate!(config, context);
}

Deno.test("prepare() splits clusters into 80, 10 and 10 % and repeats", async () => {
  const prepared = await plugin.prepare!(configure(), hook);
  const rows = Object.fromEntries(
    Object.entries(prepared.tables).map(([name, table]) => [name, table.event!.shape[0]!]),
  );
  const total = rows.train! + rows.validation! + rows.test!;
  assert.ok(total > 2850 && total < 3000);
  assert.equal(rows.train, Math.floor(0.8 * total));
  assert.ok(prepared.simulated);
  const events = Object.values(prepared.tables).flatMap((table) => [...table.event!.data as Int32Array]);
  assert.equal(new Set(events).size, total);
  assert.deepEqual(await plugin.prepare!(configure(), hook), prepared);
});

/** How the network stands to the best baseline, from the metrics alone. */
function expectedVerdict(metrics: Metrics, quantity: string): string {
  const [best] = Object.keys(metrics)
    .flatMap((key) => /^ratio_(.*)_(x|y|e_relative)$/.exec(key)?.slice(1) ?? [])
    .flatMap((method, i, all) => i % 2 === 0 && all[i + 1] === quantity ? [method] : [])
    .sort((a, b) =>
      metrics[`${a}.half_width_68_${quantity}`]!.value - metrics[`${b}.half_width_68_${quantity}`]!.value
    );
  const { value, error } = metrics[`ratio_${best}_${quantity}`]!;
  if (Math.abs(value - 1) < 2 * error!) return "as good as";
  return value > 1 ? "worse than" : "better than";
}

for (const stage of ["1", "2", "3"] as const) {
  Deno.test(`evaluate() of stage ${stage} gives every baseline, figure and a verdict`, async () => {
    const { metrics, figures, summary, predictions } = await evaluate({ stage, absolutePosition: true });
    for (
      const prefix of [
        "",
        "centroid.",
        "centroid_corrected.",
        "log_centroid.",
        "log_centroid_corrected.",
        "profile_fit.",
      ]
    ) {
      for (const key of ["core_sigma_x", "half_width_68_x", "half_width_68_y", "half_width_68_e_relative"]) {
        assert.ok(Number.isFinite(metrics![prefix + key]!.value), prefix + key);
      }
    }
    const drawn = await Promise.all(figures!);
    const names = drawn.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    assert.ok(["residual_x", "s_curve", "clusters"].every((name) => names.includes(name)));
    assert.equal(names.includes("energy_resolution"), stage !== "1");
    assert.equal(names.includes("bias_angle"), stage === "3");
    assert.ok(drawn.every(({ svg }) => svg.includes("simulated")));
    const quantities = stage === "1" ? ["x", "y"] : ["x", "y", "e_relative"];
    assert.deepEqual(
      [...summary!.matchAll(/it is (.*?) the best baseline/g)].map(([, verdict]) => verdict),
      quantities.map((quantity) => expectedVerdict(metrics!, quantity)),
    );
    assert.ok("event" in predictions! && "x_truth" in predictions!);
    // the classical methods are what they should be: .07 and .06 cm, 300 test rows
    assert.ok(metrics!["centroid_corrected.half_width_68_x"]!.value < 0.1);
    assert.ok(metrics!["profile_fit.half_width_68_x"]!.value < 0.09);
  });
}

Deno.test("evaluate() judges planted errors: better, as good as, and worse than the profile fit", async () => {
  // the profile fit has a 68 % half-width of 0.045 cm; 290 test rows know a ratio to 8 %
  for (
    const [sigma, verdict] of [[0.01, "better than"], [0.045, "as good as"], [0.5, "worse than"]] as const
  ) {
    const { summary } = await evaluate({ stage: "1" }, sigma);
    for (const axis of ["x", "y"]) {
      assert.match(summary!, new RegExp(`In ${axis} it is ${verdict} the best baseline, the profile fit`));
    }
  }
});

Deno.test("simulate() writes a file that prepare() and readForPrediction() read alike", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const config = configure({ events: 800 });
    const names = await plugin.simulate!(config, { ...hook, directory } as SimulateContext);
    assert.deepEqual(names, ["stage2.npz"]);
    const path = `${directory}/stage2.npz`;
    const { offsets, E_MC, px_truth } = await readNpz(path, ["offsets", "E_MC", "px_truth"]);
    assert.equal(offsets.dtype, "int64");
    assert.equal(E_MC.dtype, "float32");
    assert.deepEqual(px_truth.shape, [800]);
    const { tables, notes } = await plugin.prepare!({ ...config, events: undefined, data: path }, hook);
    const fresh = await plugin.readForPrediction!(config, path, hook);
    assert.deepEqual(fresh.notes, notes);
    const { event, cells } = tables.test!;
    const all = [...fresh.table.event!.data as Int32Array];
    const at = all.indexOf(event!.data[3] as number);
    assert.deepEqual(
      floats(fresh.table, "cells").slice(25 * at, 25 * at + 25),
      (cells!.data as Float32Array).slice(75, 100),
    );
    warnings.length = 0;
    await plugin.prepare!({ ...config, events: undefined, data: path, stage: "1" }, hook);
    assert.deepEqual(warnings, ["stage"]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

/** Arrays of a file by name. */
type Arrays = Record<string, NdArray>;

/** Faults of several kinds; returns the events that have one. */
function plantFaults({ offsets, ...columns }: Arrays): number[] {
  const set = (name: string, event: number, value: number, cell = 0) => {
    const perCell = name.endsWith("_MC") || name === "celltype";
    columns[name]!.data[perCell ? Number(offsets!.data[event]) + cell : event] = value;
  };
  set("E_MC", 10, NaN);
  set("E_MC", 20, -1);
  set("celltype", 30, 9);
  set("E_truth", 40, 0);
  set("x_truth", 40, Infinity);
  set("y_MC", 60, NaN, 1);
  set("pz_truth", 70, NaN); // a column that is not used
  return [10, 20, 30, 40, 60];
}

/** The file without some events. */
function withoutEvents({ offsets, ...columns }: Arrays, left: readonly number[]): Arrays {
  const ends = Array.from(offsets!.data, Number);
  const kept = ends.slice(1).map((_, event) => event).filter((event) => !left.includes(event));
  const cells = kept.flatMap((event) =>
    Array.from({ length: ends[event + 1]! - ends[event]! }, (_, i) => ends[event]! + i)
  );
  const lengths = kept.map((event) => ends[event + 1]! - ends[event]!);
  const sums = lengths.map((_, i) => lengths.slice(0, i + 1).reduce((a, b) => a + b));
  const picked = Object.entries(columns).map(([name, { dtype, data }]) => {
    const rows = data.length === ends.length - 1 ? kept : cells;
    const taken = (data.constructor as Float32ArrayConstructor).from(rows, (i) => data[i] as number);
    return [name, { dtype, shape: [rows.length], data: taken }];
  });
  return {
    offsets: { dtype: "int64", shape: [kept.length + 1], data: BigInt64Array.from([0, ...sums], BigInt) },
    ...Object.fromEntries(picked),
  };
}

/** A table without the number of the event, which is that of the file. */
function withoutNumbers({ event: _, ...columns }: Table): Table {
  return columns;
}

Deno.test("prepare(), readForPrediction() and calibrate list all faults, and with skipBad do without those events", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const config = configure({ events: 800 });
    await plugin.simulate!(config, { ...hook, directory } as SimulateContext);
    const arrays = await readNpz(`${directory}/stage2.npz`) as Arrays;
    const bad = plantFaults(arrays);
    const [spoiled, sound] = [`${directory}/spoiled.npz`, `${directory}/sound.npz`];
    await writeNpz(spoiled, arrays);
    await writeNpz(sound, withoutEvents(arrays, bad));
    const calibrate = (config: z.output<typeof plugin.config>, path: string) =>
      plugin.actions!.calibrate!.run(config, hook as unknown as EvaluateContext, [path]);
    const strict = { ...config, events: undefined };
    const lenient = { ...strict, skipBad: true };
    for (
      const read of [
        () => plugin.prepare!({ ...strict, data: spoiled }, hook),
        () => plugin.readForPrediction!(strict, spoiled, hook),
        () => calibrate(strict, spoiled),
      ]
    ) {
      await assert.rejects(async () => await read(), (error: Error) => {
        assert.equal(error.name, "DataError");
        assert.match(error.message, /found 6 defects in 5 of 800 events: /);
        for (
          const fault of [
            /"y_MC" must hold finite numbers: NaN in event 60, cell 1/,
            /"E_MC" must hold finite numbers: NaN in event 10, cell 0/,
            /"E_MC" must not be negative: -1 GeV in event 20, cell 0/,
            /"celltype" must be .*: 9 in event 30, cell 0/,
            /"x_truth" must hold finite numbers: Infinity in event 40/,
            /"E_truth" must be positive: 0 GeV in event 40; --skip-bad goes on/,
          ]
        ) assert.match(error.message, fault);
        return true;
      });
    }
    warnings.length = 0;
    const [found, expected] = [
      await plugin.prepare!({ ...lenient, data: spoiled }, hook),
      await plugin.prepare!({ ...strict, data: sound }, hook),
    ];
    assert.deepEqual(warnings, ["skipped-events"]);
    for (const split of ["train", "validation", "test"]) {
      assert.deepEqual(withoutNumbers(found.tables[split]!), withoutNumbers(expected.tables[split]!));
    }
    assert.deepEqual(found.notes![0], expected.notes![0]);
    const { name, rows, note } = found.notes![1]!;
    assert.deepEqual([name, rows.length], ["skipped", 6]);
    assert.match(note!, /^left out 5 of 800 events of spoiled.npz/);
    const numbers = Object.values(found.tables).flatMap(({ event }) => [...event!.data as Int32Array]);
    assert.ok(numbers.includes(799) && !bad.some((event) => numbers.includes(event)));
    const fresh = await plugin.readForPrediction!(lenient, spoiled, hook);
    const without = await plugin.readForPrediction!(strict, sound, hook);
    assert.deepEqual(withoutNumbers(fresh.table), withoutNumbers(without.table));
    assert.match(fresh.source, /from 795 events of spoiled.npz; left out 5 of 800 events/);
    assert.deepEqual(
      (await calibrate(lenient, spoiled)).metrics,
      (await calibrate(strict, sound)).metrics,
    );
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("prepare() refuses a file of which no event is sound", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await plugin.simulate!(configure({ events: 200 }), { ...hook, directory } as SimulateContext);
    const path = `${directory}/stage2.npz`;
    const arrays = await readNpz(path) as Arrays;
    (arrays.E_truth!.data as Float32Array).fill(NaN);
    await writeNpz(path, arrays);
    const config = { ...configure(), events: undefined, data: path, skipBad: true };
    await assert.rejects(async () => await plugin.prepare!(config, hook), {
      name: "DataError",
      message: /200 times: NaN in event 0 \| .* and 195 more; none of the events of ".*stage2.npz" is sound$/,
    });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("prepare() rejects a file with too few clusters", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await plugin.simulate!(configure({ events: 200 }), { ...hook, directory } as SimulateContext);
    const config = { ...configure(), data: `${directory}/stage2.npz`, events: 50 };
    await assert.rejects(async () => await plugin.prepare!(config, hook), {
      name: "DataError",
      message: /training needs 100 clusters: found \d+ after the cuts/,
    });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("calibrate compares a file with the simulation", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const config = configure({ events: 2000 });
    await plugin.simulate!(config, { ...hook, seed: 9, directory } as SimulateContext);
    const action = plugin.actions!.calibrate!;
    const { tables, metrics, summary } = await action.run(
      config,
      hook as unknown as EvaluateContext,
      [`${directory}/stage2.npz`],
    );
    assert.equal(tables![0]!.rows.length, 8);
    // the same streams make the same events, so both columns agree
    const name = "centroid_corrected.half_width_68_x";
    assert.equal(metrics![name]!.value, metrics![`simulation.${name}`]!.value);
    assert.match(summary!, /differ from stage2.npz by at most 0.0 %/);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
