/**
 * What host and box say to each other. Everything that arrives from a box is parsed with these schemas.
 *
 * @module
 */
import { z } from "zod";
import type { Json } from "../../core/types.ts";

const json = z.json() as unknown as z.ZodType<Json>;

/** An exception on its way from box to host. */
export const errorMessage = z.object({
  name: z.string().max(200),
  message: z.string().max(20_000),
  stack: z.string().max(100_000).optional(),
  /** Fields of our own errors. */
  code: z.string().max(100).optional(),
  file: z.string().max(4_000).optional(),
  issues: z.array(
    z.object({ path: z.string(), message: z.string(), source: z.string(), nearest: z.string().optional() }),
  ).optional(),
});
/** An exception on its way from box to host. */
export type ErrorMessage = z.output<typeof errorMessage>;

/** Something a hook tells while it runs. */
export const eventMessage = z.discriminatedUnion("event", [
  z.object({ event: z.literal("progress"), done: z.number(), total: z.number(), label: z.string().max(500) }),
  z.object({ event: z.literal("log"), text: z.string() }),
  z.object({ event: z.literal("warn"), code: z.string().max(100), message: z.string().max(5_000) }),
]);
/** Something a hook tells while it runs. */
export type HookEvent = z.output<typeof eventMessage>;

/** From box to host. */
export const boxMessage = z.discriminatedUnion("type", [
  z.object({ type: z.literal("ready") }),
  z.object({ type: z.literal("result"), id: z.int(), value: json }),
  z.object({ type: z.literal("error"), id: z.int(), error: errorMessage }),
  z.object({ type: z.literal("call"), id: z.int(), method: z.string(), args: json }),
  z.object({ type: z.literal("event"), payload: eventMessage }),
]);

/** From host to box. */
export const hostMessage = z.discriminatedUnion("type", [
  z.object({ type: z.literal("hook"), id: z.int(), hook: z.string(), args: json }),
  z.object({ type: z.literal("reply"), id: z.int(), value: json }),
  z.object({ type: z.literal("refuse"), id: z.int(), error: errorMessage }),
]);
/** From box to host. */
export type BoxMessage = z.output<typeof boxMessage>;
/** From host to box. */
export type HostMessage = z.output<typeof hostMessage>;
