/**
 * What host and sandbox say to each other. Everything that arrives from a sandbox is parsed with these
 * schemas, after {@linkcode plainText} has been applied to it.
 *
 * @module
 */
import { z } from "zod";
import type { Json } from "../../core/types.ts";
import { HOOKS } from "./limits.ts";

/** A value from a frame: parsed as JSON and limited by the frame, so it is not traversed again. */
const json = z.unknown().refine((value) => value !== undefined) as unknown as z.ZodType<Json>;

/** An exception on its way from sandbox to host. */
export const errorMessage = z.object({
  name: z.string().max(200),
  message: z.string().max(20_000),
  stack: z.string().max(100_000).optional(),
  /** The hook that it belongs to, where that is another than the one that is answered. */
  hook: z.enum(HOOKS).optional(),
  /** What threw it, where that was nothing that the hook was waiting for. */
  stray: z.enum(["promise", "callback"]).optional(),
  /** Fields of our own errors. */
  code: z.string().max(100).optional(),
  file: z.string().max(4_000).optional(),
  issues: z.array(
    z.object({
      path: z.string().max(500),
      message: z.string().max(2_000),
      source: z.string().max(500),
      nearest: z.string().max(500).optional(),
    }),
  ).max(1_000).optional(),
});
/** An exception on its way from sandbox to host. */
export type ErrorMessage = z.output<typeof errorMessage>;

/** Characters of the texts of an event; what is longer is cut where it is made, with a mark. */
const EVENT_CHARACTERS = { label: 200, text: 10_000, code: 100, message: 4_000 } as const;

/** An event whose texts are short enough to be shown. */
export function shortEvent(event: HookEvent): HookEvent {
  const short = Object.entries(EVENT_CHARACTERS).flatMap(([key, most]) => {
    const text: unknown = (event as { readonly [key: string]: unknown })[key];
    return text === undefined ? [] : [[key, shortText(String(text), most)] as const];
  });
  return { ...event, ...Object.fromEntries(short) };
}

function shortText(text: string, most: number): string {
  if (text.length <= most) return text;
  const mark = `… (${text.length} characters)`;
  return text.slice(0, most - mark.length) + mark;
}

/** Something a hook reports while it runs. */
export const eventMessage = z.discriminatedUnion("event", [
  z.object({ event: z.literal("progress"), done: z.number(), total: z.number(), label: z.string().max(500) }),
  z.object({ event: z.literal("log"), text: z.string() }),
  z.object({ event: z.literal("warn"), code: z.string().max(100), message: z.string().max(5_000) }),
]);
/** Something a hook reports while it runs. */
export type HookEvent = z.output<typeof eventMessage>;

/** From sandbox to host. */
export const sandboxMessage = z.discriminatedUnion("type", [
  z.object({ type: z.literal("ready") }),
  z.object({ type: z.literal("result"), id: z.int(), value: json }),
  z.object({ type: z.literal("error"), id: z.int(), error: errorMessage }),
  z.object({ type: z.literal("call"), id: z.int(), method: z.string().max(100), args: json }),
  z.object({ type: z.literal("event"), payload: eventMessage }),
]);

/** From host to sandbox. */
export const hostMessage = z.discriminatedUnion("type", [
  z.object({ type: z.literal("hook"), id: z.int(), hook: z.string(), args: json }),
  z.object({ type: z.literal("reply"), id: z.int(), value: json }),
  z.object({ type: z.literal("refuse"), id: z.int(), error: errorMessage }),
]);
/** From sandbox to host. */
export type SandboxMessage = z.output<typeof sandboxMessage>;
/** From host to sandbox. */
export type HostMessage = z.output<typeof hostMessage>;

/**
 * Characters that control a terminal or reorder what a reader sees: control characters except tab and line
 * feed, and the directional overrides of Unicode.
 */
// deno-lint-ignore no-control-regex
const COMMANDING = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** The same value with every such character of its strings, keys included, made visible as `U+FFFD`. */
export function plainText(value: Json): Json {
  if (typeof value === "string") return value.replaceAll("\r\n", "\n").replace(COMMANDING, "\ufffd");
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(plainText);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [plainText(key), plainText(inner)]));
}
