/**
 * What can be chosen: flags, defaults and presets.
 *
 * @module
 */
import { inputPath, trainingOptions, z } from "beamline";

/** Events that are simulated when nothing else is said: about 234 000 clusters in four seconds. */
export const DEFAULT_EVENTS = 240_000;

const affectsTraining = { affects: "training" } as const;

/** The configuration of the plugin. */
export const config = z.object({
  stage: z.enum(["1", "2", "3"]).default("2")
    .describe(
      "photons: 1 = 140 GeV, 2 = 2-200 GeV, both parallel to the axis; 3 = 2-200 GeV from the target",
    ),
  dataset: z.enum(["1", "2"]).default("2")
    .describe(
      "stage 3: 1 = middle of the calorimeter, angles to .012 rad; 2 = all of it, to .027 rad",
    ),
  absolutePosition: z.boolean().default(false)
    .describe(
      "give the network the window's absolute position: 27 inputs instead of 25",
    ).meta(affectsTraining),
  events: z.int().min(200).max(10_000_000).optional()
    .describe(
      `events to simulate (default ${DEFAULT_EVENTS}), or to read from the file (default all)`,
    ),
  data: inputPath("file", "photon clusters to use instead of simulated ones: .npz or .root"),
  skipBad: z.boolean().default(false)
    .describe("leave out events of the file that have defects, and say which, instead of refusing the file"),
  network: z.enum(["default", "source"]).default("default")
    .describe("scaling of inputs and outputs, loss and optimizer: default, or the source as written")
    .meta(affectsTraining),
  width: z.int().min(2).max(1024).default(64)
    .describe(
      "units of the first hidden layer; the six layers have 1, 2, 4, 2, 1, 1/2 times as many",
    )
    .meta(affectsTraining),
  weightDecay: z.number().min(0).max(1).default(0.01).describe("decoupled weight decay (default network)")
    .meta(affectsTraining),
  ...trainingOptions({ epochs: 30, batchSize: 128, learningRate: 1.5e-3, warmup: 0.03 }),
});

/** Values of {@linkcode config}. */
export type Config = z.output<typeof config>;

/** The source's network and training as written. */
export const presets = {
  source: {
    network: "source",
    learningRate: 1e-5,
    epochs: 200,
    batchSize: 64,
    schedule: "constant",
    warmup: 0,
  },
} as const satisfies { readonly [name: string]: z.input<typeof config> };

/** What presets were called before. */
export const formerPresets = { seed: "source" } as const;
