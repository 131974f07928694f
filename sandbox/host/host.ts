/**
 * The host's side of the sandbox: starts the child process with exactly the granted permissions, calls hooks,
 * answers calls, and ends it no matter what it does.
 *
 * @module
 */
import { DataError, InternalError, InterruptedError, PluginError } from "../../core/errors.ts";
import { sha256Hex } from "../../core/hash.ts";
import type { Json } from "../../core/types.ts";
import { removeFolder } from "../../files/atomic.ts";
import { AUDIT_FILE, AuditedStream } from "./audit.ts";
import { filterPluginFolders, FRAMEWORK_ROOT, GIT_FOLDER, SANDBOX_ROOMS } from "../../registry/framework.ts";
import { MAPPED_BYTES } from "../../engine/runtimes/native/heap.ts";
import type { PluginLocation } from "../../registry/manifest.ts";
import { pathList } from "../../files/path_lists.ts";
import { join, toFileUrl } from "../../files/paths.ts";
import { checkAnswer } from "../protocol/responses.ts";
import { toErrorMessage } from "../protocol/error_messages.ts";
import { fromErrorMessage, type HookPlace } from "./plugin_errors.ts";
import { EventGate } from "./event_gate.ts";
import { answersOf, folderOfCall, RELEASE, releaseAnswer } from "../protocol/shared_directory.ts";
import { encodeFrame, readFrames } from "../protocol/frames.ts";
import type { AskedPermission, HookListener, PluginHost, SandboxGrants } from "../protocol/plugin_host.ts";
import type { HookName, SandboxLimits } from "../protocol/limits.ts";
import { forgetGroup, noteGroup } from "./groups.ts";
import { checkLinks } from "./links.ts";
import { type HostMessage, plainText, type SandboxMessage, sandboxMessage } from "../protocol/messages.ts";
import {
  describeWalls,
  findWalls,
  hasFileWall,
  type SandboxCommand,
  type Walls,
  wrap,
} from "../walls/walls.ts";
import { memoryOfTree, type SandboxFolders, surveyCall, surveyFolders } from "./watch.ts";

interface Pending {
  readonly hook: HookName;
  readonly listener: HookListener;
  readonly gate: EventGate;
  resolve(value: Json): void;
  reject(error: Error): void;
}

/** Every path a sandbox may read besides its shared directory; absolute. */
function readGrants(location: PluginLocation, grants: SandboxGrants): string[] {
  const rooms = SANDBOX_ROOMS.map((room) => join(FRAMEWORK_ROOT, room));
  return [...new Set([...rooms, location.directory, ...location.reads, ...grants.read])];
}

/**
 * The permission flags of a sandbox, in the form given to Deno.
 *
 * No folder is both readable and writable unless a wall of the system keeps the sandbox to its files: Deno's
 * `node:wasi` makes symbolic links in such a folder, and Deno's permissions are checked on the path as it is
 * written. So a sandbox writes its shared directory, but reads only the answers that the host puts beside it. Reading is
 * denied and not just left out, since the cache may lie in a folder that is granted: the plugin's own, or one with data.
 */
export function permissionFlags(location: PluginLocation, grants: SandboxGrants, hasWall = true): string[] {
  const reads = readGrants(location, grants);
  const { sharedDirectory } = grants;
  // Nobody reviews what is in it, and `beamline.lock` does not pin it.
  const gitFolder = join(location.directory, GIT_FOLDER);
  if (sharedDirectory === undefined) {
    return [`--allow-read=${pathList(reads)}`, `--deny-read=${pathList([gitFolder])}`];
  }
  const written = hasWall ? { read: [sharedDirectory], denied: [] } : { read: [], denied: [sharedDirectory] };
  return [
    `--allow-read=${pathList([...reads, answersOf(sharedDirectory), ...written.read])}`,
    `--deny-read=${pathList([gitFolder, ...written.denied])}`,
    `--allow-write=${pathList([sharedDirectory])}`,
  ];
}

/**
 * Starts a sandbox for a plugin.
 *
 * @param walls For tests. @default those this machine provides
 */
export async function openSandbox(
  location: PluginLocation,
  asked: SandboxGrants,
  limits: SandboxLimits,
  walls?: Walls,
): Promise<PluginHost> {
  const grants = { ...asked, read: [...asked.read, ...await filterPluginFolders()] };
  await checkGrants(location, grants);
  const used = walls ?? await findWalls();
  const permissions = permissionFlags(location, grants, hasFileWall(used));
  const folders = await makeFolders(location, grants);
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
    join(FRAMEWORK_ROOT, "sandbox", "guest", "bootstrap.ts"),
    toFileUrl(location.entry),
    grants.sharedDirectory ?? "",
  ];
  const { sharedDirectory, denoDir } = folders;
  const answers = sharedDirectory === undefined ? [] : [answersOf(sharedDirectory)];
  const inner: SandboxCommand = {
    command: deno,
    mounts: {
      read: [...readGrants(location, grants), ...answers],
      write: [sharedDirectory, denoDir].filter((path) => path !== undefined),
    },
    environment: sandboxEnvironment(denoDir ?? Deno.env.get("DENO_DIR")),
    directory: location.directory,
  };
  return new Sandbox(
    location.manifest.name,
    await wrap(inner, used, limits),
    inner,
    [...permissions, ...describeWalls(used)],
    { folders, limits, hasMemoryWall: used.prlimit },
  );
}

/**
 * Makes the folders of a sandbox. Each plugin folder has its own Deno cache: another plugin of the same name
 * has a different one. What the previous sandbox left there through `localStorage` and `caches` is removed.
 */
async function makeFolders(location: PluginLocation, grants: SandboxGrants): Promise<SandboxFolders> {
  const { sharedDirectory } = grants;
  if (sharedDirectory !== undefined) await Deno.mkdir(answersOf(sharedDirectory), { recursive: true });
  if (grants.denoDir === undefined) return { sharedDirectory };
  const denoDir = join(grants.denoDir, sha256Hex(location.directory).slice(0, 12));
  await Deno.mkdir(denoDir, { recursive: true });
  await forgetStorage(denoDir);
  return { sharedDirectory, denoDir };
}

async function forgetStorage(denoDir: string | undefined): Promise<void> {
  if (denoDir !== undefined) await removeFolder(join(denoDir, "location_data")).catch(() => {}); // a sandbox beside it
}

/** Looks for links that would lead out of the grants. */
async function checkGrants(location: PluginLocation, grants: SandboxGrants): Promise<void> {
  const granted = readGrants(location, grants);
  const remedy = "give the target with --data, or name its folder in the manifest under permissions.read";
  await checkLinks(location.directory, { granted, allowHardLinks: false, remedy });
  for (const path of [...location.reads, ...grants.read]) {
    // a data path may itself be a link: what it leads to is what the user named
    const real = await realGrant(path);
    await checkLinks(real, {
      granted: [...granted, real],
      allowHardLinks: true,
      remedy,
    });
  }
}

async function realGrant(path: string): Promise<string> {
  try {
    return await Deno.realPath(path);
  } catch (error) {
    const found = error instanceof Deno.errors.NotFound ? "there is no such file or folder" : "it is not";
    throw new DataError(`Cannot grant "${path}" as it must be readable: ${found}`, path, { cause: error });
  }
}

const openSandboxes = new Set<Sandbox>();

/** Kills every sandbox of this process, for an exit that does not wait. */
export function endAllSandboxes(): void {
  for (const sandbox of openSandboxes) sandbox.kill();
}

/** What the host monitors. */
interface Watched {
  readonly folders: SandboxFolders;
  readonly limits: SandboxLimits;
  readonly hasMemoryWall: boolean;
}

/** Milliseconds between two checks of what a sandbox uses. */
const WATCH_MS = 1000;
/** Where many files make a check long: how many times as long as it there is none. */
const WATCH_SHARE = 5;

class Sandbox implements PluginHost {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #pending = new Map<number, Pending>();
  readonly #errors: AuditedStream;
  readonly #reading: Promise<void>;
  readonly #watching: { stop(): void };
  #count = 0;
  #openCalls = 0;
  readonly #place: Pick<HookPlace, "plugin" | "code">;
  /** The last check of the shared directory before a call. */
  #looked: Promise<void> = Promise.resolve();
  #ended: Error | undefined;

  constructor(
    readonly plugin: string,
    command: readonly string[],
    surroundings: SandboxCommand,
    readonly permissions: readonly string[],
    readonly watched: Watched,
  ) {
    this.#place = { plugin, code: { directory: surroundings.directory } };
    const [program, ...args] = command;
    this.#child = new Deno.Command(program!, {
      args,
      clearEnv: true,
      env: { ...surroundings.environment },
      cwd: surroundings.directory,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      detached: true, // own process group: Ctrl-C is the host's business
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#errors = new AuditedStream(this.#child.stderr);
    this.#reading = this.#read().catch((error) => this.#fail(error));
    this.#watching = this.#watch();
    openSandboxes.add(this);
    noteGroup(this.#child.pid);
    void this.#child.status.then(() => forgetGroup(this.#child.pid), () => {});
  }

  get asked(): readonly AskedPermission[] {
    return this.#errors.asked;
  }

  /** Ends the child and everything it started, no matter what it does. */
  kill(): void {
    for (const pid of [-this.#child.pid, this.#child.pid]) {
      try {
        Deno.kill(pid, "SIGKILL");
      } catch {
        // it has ended by itself
      }
    }
  }

  async call(hook: HookName, args: Json, listener: HookListener = {}): Promise<Json> {
    if (this.#ended) throw this.#ended;
    const id = ++this.#count;
    const { limits } = this.watched;
    const started = new Promise<Json>((resolve, reject) =>
      this.#pending.set(id, { hook, listener, gate: new EventGate(limits), resolve, reject })
    );
    // The sandbox may end while it still takes the message: nobody waits for the result then.
    started.catch(() => {});
    const timer = setTimeout(() => this.#fail(this.#tooLong(hook)), limits.seconds[hook] * 1000);
    try {
      await this.#send({ type: "hook", id, hook, args });
      const value = await started;
      await this.#survey(hook);
      return checkAnswer(hook, value, this.plugin);
    } finally {
      clearTimeout(timer);
      this.#pending.delete(id);
    }
  }

  #tooLong(hook: HookName): PluginError {
    return new PluginError(
      `Cannot finish as the hook may take at most ${
        this.watched.limits.seconds[hook]
      } s: it was still running; raise it with --hook-timeout`,
      this.plugin,
      hook,
    );
  }

  async close(): Promise<void> {
    this.#fail(new InterruptedError("Cannot continue as the sandbox was closed"));
    await this.#reading;
    await this.#child.status;
    await forgetStorage(this.watched.folders.denoDir);
    openSandboxes.delete(this);
  }

  /** Resolves when the sandbox has taken the message, or has ended, which is reported by `#read`. */
  #send(message: HostMessage): Promise<void> {
    return this.#writer.write(encodeFrame(message)).catch(() => {});
  }

  /** Ends the sandbox and every call that waits for it. */
  #fail(error: Error): void {
    this.#ended ??= error;
    this.#watching?.stop(); // not there yet where the first look fails
    for (const pending of this.#pending.values()) pending.reject(error);
    this.kill();
    this.#writer.abort().catch(() => {});
  }

  /**
   * Checks what the sandbox uses, repeatedly, until it has ended; ends it if it is too much. Also between hooks: it lives
   * while the host trains.
   */
  #watch(): { stop(): void } {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isStopped = false;
    const look = async (): Promise<void> => {
      const started = performance.now();
      try {
        const hook = this.#currentHook();
        await this.#survey(hook);
        if (!this.watched.hasMemoryWall) await this.#checkMemory(hook);
      } catch (error) {
        if (!isStopped) this.#fail(error as Error);
      }
      const took = performance.now() - started;
      if (!isStopped) timer = setTimeout(look, Math.max(WATCH_MS, WATCH_SHARE * took));
    };
    timer = setTimeout(look, WATCH_MS);
    return {
      stop: () => {
        isStopped = true;
        clearTimeout(timer);
      },
    };
  }

  /** @throws {PluginError} If the sandbox has left too much, or links. */
  async #survey(hook: string): Promise<void> {
    await surveyFolders(this.watched.folders, this.watched.limits, this.plugin, hook);
  }

  async #checkMemory(hook: string): Promise<void> {
    const bytes = await memoryOfTree(this.#child.pid) ?? 0;
    const { memoryBytes } = this.watched.limits;
    if (bytes <= memoryBytes) return;
    throw new PluginError(
      `Cannot continue as a sandbox may use at most ${memoryBytes} bytes of memory: it has ${bytes}`,
      this.plugin,
      hook,
    );
  }

  async #read(): Promise<void> {
    try {
      for await (const json of readFrames(this.#child.stdout)) {
        this.#receive(sandboxMessage.parse(plainText(json)));
      }
    } catch (cause) {
      const hook = this.#currentHook();
      this.#fail(
        new PluginError(
          `Cannot understand the sandbox as its messages must be frames of the protocol: ${
            (cause as Error).message.split("\n")[0]
          }`,
          this.plugin,
          hook,
          { cause },
        ),
      );
    }
    const status = await this.#child.status;
    const text = plainText(await this.#errors.text) as string;
    if (this.#ended) return;
    const how = status.signal ? `was ended by ${status.signal}` : `exited with code ${status.code}`;
    const hint = lastLine(text);
    this.#fail(
      new PluginError(
        `Cannot finish as the sandbox must live until the hook returns: it ${how}${hint ? ` (${hint})` : ""}`,
        this.plugin,
        this.#currentHook(),
        { cause: new Error(text) },
      ),
    );
  }

  #currentHook(): string {
    return this.#pending.values().next().value?.hook ?? "start";
  }

  #receive(message: SandboxMessage): void {
    if (message.type === "ready") return;
    if (message.type === "event") {
      for (const { gate, listener } of this.#pending.values()) {
        for (const event of gate.pass(message.payload, performance.now())) listener.onEvent?.(event);
      }
      return;
    }
    if (message.type === "call") {
      void this.#answer(message.id, message.method, message.args);
      return;
    }
    const pending = this.#pending.get(message.id);
    if (message.type === "result") pending?.resolve(message.value);
    else pending?.reject(fromErrorMessage(message.error, { ...this.#place, hook: pending.hook }));
  }

  async #answer(id: number, method: string, args: Json): Promise<void> {
    const pending: Pending | undefined = this.#pending.values().next().value;
    const { openCalls } = this.watched.limits;
    if (++this.#openCalls > openCalls) {
      return this.#fail(
        new PluginError(
          `Cannot continue as a sandbox may wait for at most ${openCalls} calls at a time: it made more`,
          this.plugin,
          this.#currentHook(),
        ),
      );
    }
    try {
      await this.#send({ type: "reply", id, value: await this.#work(pending, method, args) });
    } catch (error) {
      await this.#send({ type: "refuse", id, error: toErrorMessage(error) });
    } finally {
      this.#openCalls--;
    }
  }

  async #work(pending: Pending | undefined, method: string, args: Json): Promise<Json> {
    const { folders: { sharedDirectory }, limits } = this.watched;
    if (method === RELEASE && sharedDirectory !== undefined) {
      await releaseAnswer(sharedDirectory, args);
      return null;
    }
    if (!pending?.listener.onCall || sharedDirectory === undefined) {
      throw new InternalError(`Cannot answer "${method}" as this hook may not call the host`);
    }
    // One check after the other: calls are answered in order.
    const folder = folderOfCall(sharedDirectory, args);
    const looked = this.#looked.then(() => surveyCall(folder, limits, this.plugin, pending.hook));
    this.#looked = looked.catch(() => {}); // reported to the call that it is for
    await looked;
    return await pending.listener.onCall(method, args);
  }
}

/**
 * What the sandbox knows of the environment: where Deno's cache is and where its requests are logged, and
 * nothing else.
 */
function sandboxEnvironment(denoDir: string | undefined): Record<string, string> {
  return {
    PATH: "/usr/bin:/bin",
    NO_COLOR: "1",
    DENO_DIR: denoDir ?? "/tmp/deno",
    DENO_AUDIT_PERMISSIONS: AUDIT_FILE,
    HOME: "/tmp",
    MALLOC_MMAP_THRESHOLD_: String(MAPPED_BYTES), // as in the host
  };
}

function lastLine(text: string): string {
  const lines = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const telling = lines.find((line) => /error|fatal|panicked/i.test(line)) ?? lines.at(-1) ?? "";
  return telling.slice(0, 300);
}
