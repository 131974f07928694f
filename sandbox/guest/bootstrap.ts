/**
 * The entry point inside the sandbox. It is trusted; the plugin is imported by a computed specifier, so that every file
 * of the plugin's module graph is checked against the sandbox's read permission.
 *
 * Arguments: entry URL of the plugin, shared directory (empty for none).
 *
 * @module
 */
import type { Json } from "../../core/types.ts";
import { encodeFrame, readFrames } from "../protocol/frames.ts";
import { HookRunner } from "./hooks.ts";
import { STACK_FRAMES, toErrorMessage } from "../protocol/error_messages.ts";
import type { HookName } from "../protocol/limits.ts";
import {
  type ErrorMessage,
  type HookEvent,
  hostMessage,
  type SandboxMessage,
  shortEvent,
} from "../protocol/messages.ts";
import { requireJson } from "../protocol/not_json.ts";
import { afterRejections, hearStrayErrors } from "./stray_errors.ts";

const [entry, sharedDirectory] = Deno.args;
const stdin = Deno.stdin;
const write = Deno.stdout.writeSync.bind(Deno.stdout);

function send(message: SandboxMessage): void {
  const frame = encodeFrame(message);
  for (let sent = 0; sent < frame.length;) sent += write(frame.subarray(sent));
}

function emit(payload: HookEvent): void {
  send({ type: "event", payload });
}

/** Whatever a plugin prints becomes a log line: standard output belongs to the protocol. */
function captureOutput(): void {
  const log = (...values: unknown[]): void =>
    emit(shortEvent({ event: "log", text: values.map(show).join(" ") }));
  for (const method of ["log", "info", "debug", "warn", "error", "trace", "table", "dir"] as const) {
    console[method] = log;
  }
  const text = (bytes: Uint8Array): number => {
    log(new TextDecoder().decode(bytes).trimEnd());
    return bytes.length;
  };
  for (const stream of [Deno.stdout, Deno.stderr]) {
    stream.writeSync = text;
    stream.write = (bytes) => Promise.resolve(text(bytes));
  }
}

function show(value: unknown): string {
  return typeof value === "string" ? value : Deno.inspect(value, { depth: 3 });
}

interface Caller {
  resolve(value: Json): void;
  reject(error: Error): void;
  /** The stack of the call: an answer comes from elsewhere. */
  readonly stack: string;
}

const waiting = new Map<number, Caller>();
let callCount = 0;

function callHost(method: string, args: Json): Promise<Json> {
  const id = ++callCount;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject, stack: new Error().stack ?? "" });
    send({ type: "call", id, method, args });
  });
}

/** What the host refuses, as if it had been thrown where it was called. */
function refused({ name, message }: ErrorMessage, stack: string): Error {
  const frames = stack.split("\n").slice(1).join("\n");
  return Object.assign(new Error(message), { name, stack: `${name}: ${message}\n${frames}` });
}

/** Hooks that have begun and have not been answered, by the number of the request. */
const running = new Map<number, HookName>();
let latest: HookName = "describe";
/** An error that came when no hook ran; the next hook fails of it. */
let strayBefore: ErrorMessage | undefined;

function answer(id: number, message: SandboxMessage): void {
  if (!running.has(id)) return;
  send(message);
  running.delete(id);
}

function onStray(thrown: unknown, stray: NonNullable<ErrorMessage["stray"]>): void {
  const error = { ...toErrorMessage(thrown), stray, hook: latest };
  const [id] = running.keys();
  if (id === undefined) strayBefore ??= error;
  else answer(id, { type: "error", id, error });
}

async function runHook(runner: Promise<HookRunner>, id: number, hook: string, args: Json): Promise<void> {
  running.set(id, hook as HookName);
  if (strayBefore) return answer(id, { type: "error", id, error: strayBefore });
  latest = hook as HookName;
  try {
    const value = await (await runner).call(hook, args);
    await afterRejections();
    answer(id, { type: "result", id, value: requireJson(value) });
  } catch (thrown) {
    answer(id, { type: "error", id, error: toErrorMessage(thrown) });
  }
}

/** Only the host decides when the sandbox ends; a scheduler signals every process of a job. */
const HOSTS_SIGNALS = Deno.build.os === "windows"
  ? ["SIGINT", "SIGHUP"] as const
  : ["SIGINT", "SIGHUP", "SIGTERM", "SIGUSR1", "SIGUSR2"] as const;
for (const signal of HOSTS_SIGNALS) Deno.addSignalListener(signal, () => {});
captureOutput();
Error.stackTraceLimit = STACK_FRAMES;
hearStrayErrors(onStray);
const runner = import(entry!).then((module: { default?: unknown }) =>
  new HookRunner(module.default, { sharedDirectory: sharedDirectory ?? "", emit, callHost })
);
runner.catch(() => {}); // reported with the first hook
send({ type: "ready" });
for await (const json of readFrames(stdin.readable)) {
  const message = hostMessage.parse(json);
  if (message.type === "hook") {
    void runHook(runner, message.id, message.hook, message.args);
    continue;
  }
  const caller = waiting.get(message.id);
  waiting.delete(message.id);
  if (message.type === "reply") caller?.resolve(message.value);
  else caller?.reject(refused(message.error, caller.stack));
}
Deno.exit(0); // the host has gone
