/**
 * What hooks may answer, checked where it enters the host: a sandbox can be made to answer anything. What
 * becomes a path, a key or a size is limited here; the meaning of an answer is checked by the caller.
 *
 * @module
 */
import { z } from "zod";
import { PluginError } from "../../core/errors.ts";
import type { Json } from "../../core/types.ts";
import { type HookName, HOOKS } from "./limits.ts";

/** Names that become parts of file names. */
const stem = z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,60}$/, "must be letters, digits, - and _");
/** A file in the folder that it was asked for: no way out of it. */
const fileName = z.string().max(200).regex(/^[A-Za-z0-9_][A-Za-z0-9._-]*$/, "must be a plain file name");
const line = z.string().max(2_000);
const names = z.array(z.string().max(200)).max(10_000);
const object = z.record(z.string(), z.unknown());

const plan = z.object({
  title: line,
  inputs: names,
  targets: names,
  training: z.looseObject({
    epochs: z.int().min(0).max(1e9),
    batchSize: z.int().min(1).max(2 ** 31 - 1),
    learningRate: z.number(),
  }),
});

const ANSWERS: { readonly [hook in HookName]?: z.ZodType } = {
  describe: z.object({
    name: line,
    title: line,
    schema: object,
    presets: z.record(z.string().max(100), object),
    formerPresets: z.record(z.string().max(100), z.string().max(100)).optional(),
    metrics: z.array(z.object({ key: line, label: line, unit: line, better: line })).max(1_000),
    models: z.record(stem, z.object({ title: line })),
    actions: z.record(stem, z.object({ title: line, prepare: z.boolean(), train: z.boolean() })),
    hooks: z.array(z.enum(HOOKS)).max(HOOKS.length),
  }),
  parse: z.union([
    z.object({ ok: z.literal(true), config: object, models: z.record(stem, plan) }),
    z.object({ ok: z.literal(false), issues: z.array(z.object({ path: line, message: line })).max(1_000) }),
  ]),
  trace: z.record(stem, object),
  evaluate: object,
  action: object,
  prepare: object,
  readForPrediction: object,
  simulate: z.array(fileName).max(100_000),
};

/**
 * The answer of a hook, unchanged.
 *
 * @throws {PluginError} If it does not have the form that the hook must return.
 */
export function checkAnswer(hook: HookName, value: Json, plugin: string): Json {
  const found = ANSWERS[hook]?.safeParse(value);
  if (!found || found.success) return value;
  throw wrongAnswer(found.error, plugin, hook);
}

/** The error of an answer that is not what the hook must return; it names the first thing that is wrong. */
export function wrongAnswer({ issues: [issue] }: z.ZodError, plugin: string, hook: HookName): PluginError {
  const reason = issue!.code === "invalid_key" ? issue!.issues[0]!.message : issue!.message;
  return new PluginError(
    `Cannot use what the hook returned as "${issue!.path.join(".")}" is not right: ${reason}`,
    plugin,
    hook,
  );
}
