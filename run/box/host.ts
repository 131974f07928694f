/**
 * The host's side of the box: starts the child process with exactly the granted permissions, calls hooks, answers
 * calls, and ends it whatever it does.
 *
 * @module
 */
import { InternalError, InterruptedError, PluginError } from "../../core/errors.ts";
import type { Json } from "../../core/types.ts";
import { filterPluginFolders, FRAMEWORK_ROOMS, FRAMEWORK_ROOT } from "../framework.ts";
import type { PluginLocation } from "../manifest.ts";
import { join, toFileUrl } from "../paths.ts";
import { fromErrorMessage, toErrorMessage } from "./errors.ts";
import { encodeFrame, readFrames } from "./frames.ts";
import type { BoxLimits, HookName } from "./limits.ts";
import { checkLinks } from "./links.ts";
import { findWalls, wrap } from "./walls.ts";
import { type BoxMessage, boxMessage, type HookEvent, type HostMessage } from "./messages.ts";

/** Runs hooks of one plugin: in a box, or in this process for trusted code. */
export interface PluginHost {
  /**
   * Runs a hook. Arrays are exchanged as files in the exchange folder.
   *
   * @throws {PluginError} If the hook throws, the box ends, or the time limit passes.
   * @throws {DataError} If the hook found its input data missing or unfit.
   */
  call(hook: HookName, args: Json, listener?: HookListener): Promise<Json>;
  /** The permissions in force, for the record; empty in-process. */
  readonly permissions: readonly string[];
  close(): Promise<void>;
}

/** What the host does while a hook runs. */
export interface HookListener {
  onEvent?(event: HookEvent): void;
  /** Answers a call such as "predict". */
  onCall?(method: string, args: Json): Promise<Json>;
}

/** What a box may touch. */
export interface BoxGrants {
  /** Folders and files to read beside the plugin's folder; absolute. */
  readonly read: readonly string[];
  /** The only folder to write; absolute; none for `describe` and `parse`. */
  readonly exchange?: string;
  /** Deno's cache for this plugin alone; absolute. @default the user's */
  readonly denoDir?: string;
}

interface Pending {
  readonly hook: HookName;
  readonly listener: HookListener;
  resolve(value: Json): void;
  reject(error: Error): void;
}

/** Every path a box may read; absolute. */
function readGrants(location: PluginLocation, grants: BoxGrants): string[] {
  const rooms = FRAMEWORK_ROOMS.map((room) => join(FRAMEWORK_ROOT, room));
  const exchange = grants.exchange === undefined ? [] : [grants.exchange];
  return [...new Set([...rooms, location.directory, ...location.reads, ...grants.read, ...exchange])];
}

/** The permission flags of a box, in the form given to Deno. */
export function permissionFlags(location: PluginLocation, grants: BoxGrants): string[] {
  return [
    `--allow-read=${readGrants(location, grants).map(escapeComma).join(",")}`,
    ...(grants.exchange === undefined ? [] : [`--allow-write=${escapeComma(grants.exchange)}`]),
  ];
}

/** Deno separates paths by commas; a comma in a path is doubled. */
function escapeComma(path: string): string {
  return path.replaceAll(",", ",,");
}

/** Starts a box for a plugin. */
export async function openBox(
  location: PluginLocation,
  asked: BoxGrants,
  limits: BoxLimits,
): Promise<PluginHost> {
  const grants = { ...asked, read: [...asked.read, ...await filterPluginFolders()] };
  await checkGrants(location, grants);
  const walls = await findWalls();
  const permissions = permissionFlags(location, grants);
  const denoDir = grants.denoDir ?? Deno.env.get("DENO_DIR");
  const environment = boxEnvironment(denoDir);
  const deno = [
    Deno.execPath(),
    "run",
    "--no-prompt",
    "--cached-only",
    "--no-remote",
    "--frozen",
    "--no-check",
    "--ignore-env",
    "--config",
    join(FRAMEWORK_ROOT, "deno.json"),
    ...permissions,
    `--v8-flags=--no-maglev-osr,--max-old-space-size=${Math.floor(limits.memoryBytes / 2 ** 20)}`,
    join(FRAMEWORK_ROOT, "run", "box", "bootstrap.ts"),
    toFileUrl(location.entry),
    grants.exchange ?? "",
  ];
  const write = [grants.exchange, grants.denoDir].filter((path) => path !== undefined);
  const mounts = { read: readGrants(location, grants), write };
  const command = await wrap(deno, walls, mounts, limits.memoryBytes, environment);
  const used = Object.entries(walls).filter(([, isUsed]) => isUsed).map(([name]) => `--wall=${name}`);
  return new Box(location.manifest.name, command, environment, [...permissions, ...used], limits);
}

/** Looks for links that would lead out of the grants. */
async function checkGrants(location: PluginLocation, grants: BoxGrants): Promise<void> {
  const granted = readGrants(location, grants);
  const remedy = "give the target with --data, or name its folder in the manifest under permissions.read";
  await checkLinks(location.directory, { granted, allowHardLinks: false, remedy });
  for (const path of [...location.reads, ...grants.read]) {
    // a data path may itself be a link: what it leads to is what the user named
    await checkLinks(await Deno.realPath(path), {
      granted: [...granted, await Deno.realPath(path)],
      allowHardLinks: true,
      remedy,
    });
  }
}

const openBoxes = new Set<Box>();

/** Kills every box of this process, for an exit that does not wait. */
export function endAllBoxes(): void {
  for (const box of openBoxes) box.kill();
}

class Box implements PluginHost {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #pending = new Map<number, Pending>();
  readonly #errorText: Promise<string>;
  readonly #reading: Promise<void>;
  #count = 0;
  #ended: Error | undefined;

  constructor(
    readonly plugin: string,
    command: readonly string[],
    environment: Record<string, string>,
    readonly permissions: readonly string[],
    readonly limits: BoxLimits,
  ) {
    const [program, ...args] = command;
    this.#child = new Deno.Command(program!, {
      args,
      clearEnv: true,
      env: environment,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      detached: true, // own process group: Ctrl-C is the host's business
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#errorText = tailOf(this.#child.stderr);
    this.#reading = this.#read();
    openBoxes.add(this);
  }

  /** Ends the child, whatever it does. */
  kill(): void {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // it has ended by itself
    }
  }

  call(hook: HookName, args: Json, listener: HookListener = {}): Promise<Json> {
    if (this.#ended) return Promise.reject(this.#ended);
    const id = ++this.#count;
    const seconds = this.limits.seconds[hook];
    const started = new Promise<Json>((resolve, reject) =>
      this.#pending.set(id, { hook, listener, resolve, reject })
    );
    const timer = setTimeout(() => {
      this.#fail(
        new PluginError(
          `Cannot finish as the hook may take at most ${seconds} s: it was still running; raise it with --hook-timeout`,
          this.plugin,
          hook,
        ),
      );
    }, seconds * 1000);
    this.#send({ type: "hook", id, hook, args });
    return started.finally(() => {
      clearTimeout(timer);
      this.#pending.delete(id);
    });
  }

  async close(): Promise<void> {
    this.#fail(new InterruptedError("Cannot go on as the box was closed"));
    await this.#reading;
    await this.#child.status;
    openBoxes.delete(this);
  }

  #send(message: HostMessage): void {
    this.#writer.write(encodeFrame(message)).catch(() => {}); // a box that has ended is told by #read
  }

  /** Ends the box and every call that waits for it. */
  #fail(error: Error): void {
    this.#ended ??= error;
    for (const pending of this.#pending.values()) pending.reject(error);
    this.kill();
    this.#writer.abort().catch(() => {});
  }

  async #read(): Promise<void> {
    try {
      for await (const json of readFrames(this.#child.stdout)) this.#receive(boxMessage.parse(json));
    } catch (cause) {
      const hook = this.#currentHook();
      this.#fail(
        new PluginError(
          `Cannot understand the box as its messages must be frames of the protocol: ${
            (cause as Error).message.split("\n")[0]
          }`,
          this.plugin,
          hook,
          { cause },
        ),
      );
    }
    const status = await this.#child.status;
    const text = await this.#errorText;
    if (this.#ended) return;
    const how = status.signal ? `was ended by ${status.signal}` : `exited with code ${status.code}`;
    const hint = lastLine(text);
    this.#fail(
      new PluginError(
        `Cannot finish as the box must live until the hook returns: it ${how}${hint ? ` (${hint})` : ""}`,
        this.plugin,
        this.#currentHook(),
        { cause: new Error(text) },
      ),
    );
  }

  #currentHook(): string {
    return this.#pending.values().next().value?.hook ?? "start";
  }

  #receive(message: BoxMessage): void {
    if (message.type === "ready") return;
    if (message.type === "event") {
      for (const pending of this.#pending.values()) pending.listener.onEvent?.(message.payload);
      return;
    }
    if (message.type === "call") {
      void this.#answer(message.id, message.method, message.args);
      return;
    }
    const pending = this.#pending.get(message.id);
    if (message.type === "result") pending?.resolve(message.value);
    else pending?.reject(fromErrorMessage(message.error, this.plugin, pending.hook));
  }

  async #answer(id: number, method: string, args: Json): Promise<void> {
    const pending: Pending | undefined = this.#pending.values().next().value;
    try {
      if (!pending?.listener.onCall) {
        throw new InternalError(`Cannot answer "${method}" as this hook may not call the host`);
      }
      this.#send({ type: "reply", id, value: await pending.listener.onCall(method, args) });
    } catch (error) {
      this.#send({ type: "refuse", id, error: toErrorMessage(error) });
    }
  }
}

/** What the box knows of the environment: where Deno's cache is, and nothing else. */
function boxEnvironment(denoDir: string | undefined): Record<string, string> {
  return { PATH: "/usr/bin:/bin", NO_COLOR: "1", DENO_DIR: denoDir ?? "/tmp/deno", HOME: "/tmp" };
}

/** The last kilobytes of a stream. */
async function tailOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) text = (text + decoder.decode(chunk, { stream: true })).slice(-8_000);
  return text;
}

function lastLine(text: string): string {
  const lines = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const telling = lines.find((line) => /error|fatal|panicked/i.test(line)) ?? lines.at(-1) ?? "";
  return telling.slice(0, 300);
}
