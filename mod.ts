/**
 * Beamline: physics experiments as plugins, from data to report.
 *
 * A plugin declares its configuration, data, models, metrics and figures with {@linkcode definePlugin}; the framework
 * runs it: `deno task run <plugin>`. The sub-paths `beamline/tf`, `beamline/nn`, `beamline/plot`, `beamline/metrics`
 * and `beamline/data` hold what a plugin needs for its work. Importing this module loads neither tfjs nor onnxruntime.
 *
 * @example A plugin's configuration
 * ```ts
 * import { definePlugin, trainingOptions, z } from "beamline";
 *
 * const plugin = definePlugin({
 *   name: "half-life",
 *   title: "Half-life of a decay",
 *   config: z.object({ events: z.int().min(1).default(1000).describe("decays"), ...trainingOptions() }),
 * });
 * if (plugin.name !== "half-life") throw new Error("Cannot happen");
 * ```
 *
 * @module
 */
export { z } from "zod";
export * from "./core/errors.ts";
export * from "./core/format.ts";
export * from "./core/names.ts";
export * from "./core/plugin.ts";
export * from "./core/random.ts";
export * from "./core/tensor.ts";
export * from "./core/training.ts";
export * from "./core/types.ts";
export { run, type RunOptions, type RunResult } from "./run/mod.ts";
