/** The workloads as an experiment, for the time from the command to the first step; see `cold_start.ts`. @module */
import { definePlugin, type Random, type Table, trainingOptions, z } from "beamline";
import { column } from "beamline/data";
import { type Workload, WORKLOADS } from "../workloads.ts";

/** Batches of the training table. */
const BATCHES = 4;

export default definePlugin({
  name: "bench",
  title: "The workloads of the benchmarks",
  config: z.object({
    workload: z.enum(WORKLOADS.map(({ name }) => name)).default("mlp").describe("the model that is trained"),
    ...trainingOptions({ epochs: 1 }),
  }),
  prepare({ workload }, context) {
    const one = WORKLOADS.find(({ name }) => name === workload)!;
    const train = noise(one, BATCHES * one.batchSize, context.random("train"));
    const validation = noise(one, one.batchSize, context.random("validation"));
    return { tables: { train, validation }, simulated: true, source: "uniform random numbers" };
  },
  models: Object.fromEntries(
    WORKLOADS.map((one) => [one.name, {
      enabled: ({ workload }: { readonly workload: string }) => workload === one.name,
      inputs: () => one.inputs,
      targets: () => one.targets,
      build: () => one.build(),
    }]),
  ),
  evaluate: () => ({ metrics: {} }),
});

/** Numbers in [0, 1) for every column. */
function noise({ columns }: Workload, rows: number, random: Random): Table {
  return Object.fromEntries(
    Object.entries(columns).map(([name, { shape }]) => {
      const data = new Float32Array(rows * shape.reduce((a, b) => a * b, 1)).map(() => random.uniform());
      return [name, column(data, { unit: "1", shape: [rows, ...shape] })];
    }),
  );
}
