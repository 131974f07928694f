/**
 * What the escape tests share: a place with a secret beside a plugin, listeners that must hear nothing, and sandboxes
 * behind chosen walls.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openSandbox } from "../../sandbox/host/host.ts";
import type { PluginHost } from "../../sandbox/protocol/plugin_host.ts";
import { DEFAULT_LIMITS, type SandboxLimits } from "../../sandbox/protocol/limits.ts";
import type { HookEvent } from "../../sandbox/protocol/messages.ts";
import { findWalls, NO_WALLS, type Walls } from "../../sandbox/walls/walls.ts";
import { type PluginLocation, readManifest } from "../../registry/manifest.ts";
import type { Given } from "./attempts.ts";

/** The folder of the framework. */
export const FRAMEWORK: string = fileURLToPath(new URL("../../", import.meta.url)).replace(/\/$/, "");

/** A set of walls under test. */
export interface Mode {
  readonly name: "bubblewrap" | "bubblewrap without Landlock" | "Landlock" | "permissions alone";
  readonly walls: Walls;
}

/** The sets of walls that this machine has, strongest first, and why some are missing. */
export async function modes(): Promise<
  { readonly present: readonly Mode[]; readonly missing: readonly string[] }
> {
  const found = await findWalls();
  const present: Mode[] = [];
  const missing: string[] = [];
  if (found.bubblewrap) {
    present.push({ name: found.landlock ? "bubblewrap" : "bubblewrap without Landlock", walls: found });
  }
  if (!found.bubblewrap) {
    missing.push("bubblewrap: `bwrap` is not installed, or may not make namespaces here");
  }
  if (found.landlock) present.push({ name: "Landlock", walls: { ...found, bubblewrap: false } });
  else missing.push("Landlock: this kernel has none, or there is no `perl`");
  present.push({ name: "permissions alone", walls: NO_WALLS });
  return { present, missing };
}

/** A folder with a secret, a plugin beside it, and listeners. */
export interface Place extends Given {
  readonly root: string;
  /** A granted folder in which the host says what to do next. */
  readonly told: string;
  /** What must not be seen inside. */
  readonly secret: string;
  /** Connections and datagrams that reached the host. */
  heard(): number;
  /** Changes of what a sandbox may not write since the place was made; empty for none. */
  changes(): Promise<string>;
  /** Makes the secret files anew, for what comes after an attempt that succeeded. */
  restore(): Promise<void>;
  close(): Promise<void>;
}

/** Makes a place below a fresh folder; with `ears`, listeners on every way out. */
export async function makePlace(ears = false): Promise<Place> {
  const root = await Deno.realPath(await Deno.makeTempDir({ prefix: "beamline-escape-" }));
  const secret = `secret-${crypto.randomUUID()}`;
  const at = (...parts: string[]): string => join(root, ...parts);
  for (const folder of ["outside", "plugin/attempts", "plugin/.git", "shared", "deno", "other", "told"]) {
    await Deno.mkdir(at(folder), { recursive: true });
  }
  const files: { [name: string]: string } = {
    "outside/secret.txt": secret,
    "outside/secret.json": JSON.stringify({ secret }),
    "outside/secret.ts": `export default ${JSON.stringify(secret)};`,
    "outside/secret.cjs": `module.exports = ${JSON.stringify(secret)};`,
    "outside/secret_worker.ts": `postMessage(${JSON.stringify(secret)});`,
    [`outside/${secret}.name`]: "",
    "other/secret.txt": secret,
    "plugin/.git/secret.txt": secret,
    "plugin/.git/secret.ts": `export default ${JSON.stringify(secret)};`,
  };
  const restore = async (): Promise<void> => {
    for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(at(name), text);
  };
  await restore();
  const listeners = ears ? await listen(at("outside", "socket")) : DEAF;
  const watched = [at("outside"), at("plugin"), at("other")];
  let before = "";
  const look = async (): Promise<string> => (await Promise.all(watched.map(listing))).join("\n");
  return {
    root,
    secret,
    told: at("told"),
    outside: at("outside"),
    plugin: at("plugin"),
    sharedDirectory: at("shared"),
    denoDir: at("deno"),
    otherDenoDir: at("other"),
    framework: FRAMEWORK,
    hostPid: Deno.pid,
    victimPid: listeners.victimPid,
    port: listeners.port,
    socket: at("outside", "socket"),
    heard: listeners.heard,
    async changes() {
      const now = await look();
      const was = before === "" ? now : before;
      before = now;
      return firstDifference(was, now);
    },
    restore,
    async close() {
      await listeners.close();
      await Deno.remove(root, { recursive: true });
    },
  };
}

/** Every file of a folder with what can be changed of it. */
async function listing(folder: string): Promise<string> {
  const lines: string[] = [];
  const walk = async (path: string): Promise<void> => {
    for await (const entry of Deno.readDir(path)) {
      const child = join(path, entry.name);
      const { size, mtime, mode } = await Deno.lstat(child);
      lines.push(entry.isDirectory ? child : `${child} ${size} ${mtime?.getTime()} ${mode}`);
      if (entry.isDirectory) await walk(child);
    }
  };
  await walk(folder);
  return lines.sort().join("\n");
}

function firstDifference(before: string, after: string): string {
  const [old, now] = [before.split("\n"), after.split("\n")];
  return now.find((line) => !old.includes(line)) ?? old.find((line) => !now.includes(line)) ?? "";
}

interface Listeners {
  readonly port: number;
  /** The process that waits at the Unix socket. */
  readonly victimPid: number;
  heard(): number;
  close(): Promise<void>;
}

const DEAF: Listeners = { port: 9, victimPid: 2 ** 31 - 2, heard: () => 0, close: () => Promise.resolve() };

/** Waits at a Unix socket and prints a line for each connection; the tests themselves may not listen there. */
const SOCKET_LISTENER = `const listener = Deno.listen({ transport: "unix", path: Deno.args[0] });
console.log("ready");
for await (const connection of listener) { console.log("heard"); connection.close(); }`;

/** Listeners for everything that a sandbox might reach. */
async function listen(socketPath: string): Promise<Listeners> {
  let count = 0;
  const tcp = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const channel = new BroadcastChannel("beamline-escape");
  channel.onmessage = () => void count++;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", SOCKET_LISTENER, socketPath],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const isReady = Promise.withResolvers<void>();
  const reading = (async () => {
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      if (text.includes("ready")) isReady.resolve();
      count += text.split("heard").length - 1;
    }
    isReady.resolve();
  })();
  const accepting = (async () => {
    for await (const connection of tcp) {
      count++;
      connection.close();
    }
  })();
  await isReady.promise;
  return {
    port: (tcp.addr as Deno.NetAddr).port,
    victimPid: child.pid,
    heard: () => count,
    async close() {
      tcp.close();
      channel.close();
      try {
        child.kill("SIGKILL");
      } catch {
        // an attempt has killed it, and was told
      }
      await Promise.all([reading, accepting, child.status]);
    },
  };
}

/** Writes a plugin into the place. */
export async function writePlace(place: Place, source: string): Promise<PluginLocation> {
  const manifest = { beamline: { name: "escape", title: "An attempt" } };
  await Deno.writeTextFile(join(place.plugin, "deno.json"), JSON.stringify(manifest));
  await Deno.writeTextFile(join(place.plugin, "mod.ts"), source);
  return await readManifest(place.plugin, "path");
}

/** Limits for tests: the defaults with a time for every hook. */
export function limitsOf(seconds: number, changes: Partial<SandboxLimits> = {}): SandboxLimits {
  const each = Object.fromEntries(Object.keys(DEFAULT_LIMITS.seconds).map((hook) => [hook, seconds]));
  return { ...DEFAULT_LIMITS, ...changes, seconds: each as unknown as SandboxLimits["seconds"] };
}

/** A sandbox for the place. */
export function sandboxFor(
  place: Place,
  location: PluginLocation,
  mode: Mode,
  limits: SandboxLimits,
): Promise<PluginHost> {
  return openSandbox(
    location,
    { read: [place.told], sharedDirectory: place.sharedDirectory, denoDir: place.denoDir },
    limits,
    mode.walls,
  );
}

/** Everything that a sandbox said in one hook: what it returned or threw, and its events. */
export interface Said {
  readonly returned?: { readonly source?: unknown };
  readonly error?: Error;
  readonly events: readonly HookEvent[];
  readonly seconds: number;
  /** All of it as text. */
  readonly text: string;
}

/** Calls `prepare` and gathers what is said. */
export async function say(host: PluginHost): Promise<Said> {
  const events: HookEvent[] = [];
  const started = performance.now();
  const end = (rest: Pick<Said, "returned" | "error">): Said => {
    const text = Deno.inspect({ ...rest, events }, { depth: 8, strAbbreviateSize: 1e7, iterableLimit: 1e6 });
    return { ...rest, events, seconds: (performance.now() - started) / 1000, text };
  };
  try {
    const listener = { onEvent: (event: HookEvent) => void events.push(event) };
    return end({ returned: await host.call("prepare", { config: {}, seed: 0 }, listener) as object });
  } catch (error) {
    return end({ error: error as Error });
  }
}
