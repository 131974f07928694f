/**
 * Programs for tests that need no columns and no training.
 *
 * @module
 */
import { type TracedModel, traceModel } from "../../engine/trace/trace.ts";
import type { BuiltModel } from "../../core/plugin.ts";

/** The programs of a model without columns, and its initial state. */
export function traceBuild(build: () => BuiltModel): Promise<TracedModel> {
  return traceModel({
    build,
    columns: {},
    inputs: [],
    targets: [],
    batchSize: 1,
    lastValidationBatch: 0,
    predictBatch: 1,
    seed: 0,
    purpose: "test",
  });
}
