/** Attempts to get out of the sandbox, each behind every set of walls that this machine has. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { PluginHost } from "../../sandbox/protocol/plugin_host.ts";
import type { PluginLocation } from "../../registry/manifest.ts";
import { pluginSource } from "../support/plugins.ts";
import { ALLOWED, type Attempt, ATTEMPTS } from "./attempts.ts";
import { type Bomb, BOMBS } from "./bombs.ts";
import {
  limitsOf,
  makePlace,
  type Mode,
  modes,
  type Place,
  type Said,
  sandboxFor,
  say,
  writePlace,
} from "./harness.ts";

const { present, missing } = await modes();
for (const reason of missing) console.log(`reduced set of walls, without ${reason}`);

/** A plugin whose hook runs the attempt that the host names in a file of its folder. */
const RUNNER = pluginSource({
  name: "escape",
  body: `async prepare() {
    const { module, given } = JSON.parse(Deno.readTextFileSync(new URL("../told/now.json", import.meta.url)));
    const found = await (await import(new URL(module, import.meta.url).href)).default(given);
    return { tables: {}, simulated: true, source: String(found ?? "") };
  },`,
});

function attemptModule({ head = "", code }: Attempt): string {
  return `${head}\nexport default async function (given) {\n${code}\n}\n`;
}

/** Runs the attempts of a topic, in one sandbox as far as they leave it alive. */
class Topic {
  #host: PluginHost | undefined;

  constructor(readonly place: Place, readonly mode: Mode, readonly location: PluginLocation) {}

  /** Writes the modules of the topic and gets ready to look for changes. */
  static async prepare(place: Place, mode: Mode, attempts: readonly Attempt[]): Promise<Topic> {
    const location = await writePlace(place, RUNNER);
    for (const [i, attempt] of attempts.entries()) {
      await Deno.writeTextFile(join(place.plugin, "attempts", `${i}.ts`), attemptModule(attempt));
    }
    await place.changes();
    return new Topic(place, mode, location);
  }

  async run(attempt: Attempt, number: number): Promise<Said> {
    const { place } = this;
    const { root: _root, secret: _secret, ...given } = place;
    const now = { module: `./attempts/${number}.ts`, given };
    await Deno.writeTextFile(join(place.told, "now.json"), JSON.stringify(now));
    if (attempt.alone) await this.close();
    this.#host ??= await sandboxFor(place, this.location, this.mode, limitsOf(10));
    const said = await say(this.#host);
    const isAlive = said.error === undefined ||
      !/must live|at most 10 s|frames of the protocol|plain files/.test(said.error.message);
    if (attempt.alone || !isAlive) await this.close();
    return said;
  }

  async close(): Promise<void> {
    await this.#host?.close();
    this.#host = undefined;
    await Deno.remove(this.place.sharedDirectory, { recursive: true });
    await Deno.mkdir(this.place.sharedDirectory);
  }
}

/** What of an attempt was seen outside; empty if nothing. */
async function seen(attempt: Attempt, said: Said, place: Place, heardBefore: number): Promise<string> {
  const source = String(said.returned?.source ?? "");
  if (attempt.proof?.test(source)) return `it returned ${source.slice(0, 200)}`;
  if (said.text.includes(place.secret)) return "the secret was told";
  const changed = await place.changes();
  if (changed !== "") return `changed: ${changed}`;
  if (place.heard() > heardBefore) return "the host heard it";
  for await (const { name, isFile } of Deno.readDir(place.sharedDirectory)) {
    if (isFile && (await Deno.readTextFile(join(place.sharedDirectory, name))).includes(place.secret)) {
      return `the secret is in ${name}`;
    }
  }
  if (({} as { polluted?: string }).polluted !== undefined) return "prototypes of the host are polluted";
  return "";
}

for (const mode of present) {
  Deno.test({
    name: `no attempt gets out of the sandbox behind ${mode.name}`,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async (t) => {
      const place = await makePlace(true);
      try {
        for (const [topic, attempts] of Object.entries(ATTEMPTS)) {
          const sandbox = await Topic.prepare(place, mode, attempts);
          for (const [i, attempt] of attempts.entries()) {
            await t.step(`${topic}: ${attempt.name}`, async () => {
              const heard = place.heard();
              const evidence = await seen(attempt, await sandbox.run(attempt, i), place, heard);
              if (evidence !== "") await place.restore();
              const isResidual = attempt.residual !== undefined && mode.name === "permissions alone";
              assert.ok(evidence === "" || isResidual, evidence);
            });
          }
          await sandbox.close();
        }
        const sandbox = await Topic.prepare(place, mode, ALLOWED);
        for (const [i, attempt] of ALLOWED.entries()) {
          await t.step(`allowed: ${attempt.name}`, async () => {
            const said = await sandbox.run(attempt, i);
            assert.match(String(said.returned?.source), attempt.proof!, said.text);
          });
        }
        await sandbox.close();
      } finally {
        await place.close();
      }
    },
  });
}

/** What remains of a bomb. */
interface Crater {
  readonly said: Said;
  readonly evidence: string;
  /** Processes of the sandbox that still live after it was closed. */
  readonly leftovers: string;
}

/** Runs a bomb in a place and a sandbox of its own. */
async function explode(bomb: Bomb, mode: Mode): Promise<Crater> {
  const place = await makePlace();
  try {
    const { root: _root, secret: _secret, ...given } = place;
    const body =
      `async prepare() { ${bomb.code}; return { tables: {}, simulated: true, source: "survived" }; },`;
    const head = `${bomb.head ?? ""}\nconst given = ${JSON.stringify(given)};\nvoid given;`;
    const location = await writePlace(place, pluginSource({ name: "escape", head, body }));
    await place.changes();
    const host = await sandboxFor(place, location, mode, limitsOf(bomb.seconds ?? 20, bomb.limits));
    const said = await say(host);
    await host.close();
    const evidence = await place.changes();
    return { said, evidence, leftovers: await processesOf(place.root) };
  } finally {
    await place.close();
  }
}

/** Processes whose command line names a folder; waits a moment for them to go. */
async function processesOf(root: string): Promise<string> {
  for (let i = 0;; i++) {
    const { stdout } = await new Deno.Command("ps", { args: ["-A", "-o", "pid=,args="] }).output();
    const lines = new TextDecoder().decode(stdout).split("\n").filter((line) => line.includes(root));
    if (lines.length === 0 || i === 20) return lines.join("; ").slice(0, 300);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Starts work on all items, at most `width` at a time; their promises in order. */
function pool<T, R>(items: readonly T[], width: number, work: (item: T) => Promise<R>): Promise<R>[] {
  const gates = items.map(() => Promise.withResolvers<R>());
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let i = next++; i < items.length; i = next++) {
      await work(items[i]!).then(gates[i]!.resolve, gates[i]!.reject);
    }
  };
  for (let i = 0; i < width; i++) void worker();
  return gates.map(({ promise }) => promise);
}

/** Sandboxes at the same time; many of them wait for their limit. */
const WIDTH = 4;

for (const mode of present.filter(({ name }) => name !== "Landlock")) {
  Deno.test({
    name: `no bomb reaches the host behind ${mode.name}`,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async (t) => {
      const bombs = Object.entries(BOMBS).flatMap(([topic, list]) => list.map((bomb) => ({ topic, bomb })));
      const before = Deno.memoryUsage().rss;
      const craters = pool(bombs, WIDTH, ({ bomb }) => explode(bomb, mode));
      for (const [i, { topic, bomb }] of bombs.entries()) {
        await t.step(`${topic}: ${bomb.name}`, async () => checkCrater(bomb, await craters[i]!, mode));
      }
      const grown = Deno.memoryUsage().rss - before;
      assert.ok(grown < 600 * 2 ** 20, `the host grew by ${grown} bytes`);
    },
  });
}

function checkCrater(bomb: Bomb, { said, evidence, leftovers }: Crater, mode: Mode): void {
  assert.equal(evidence, "");
  assert.equal(leftovers, "");
  const isResidual = bomb.residual !== undefined && mode.name === "permissions alone";
  if (bomb.ends && !isResidual) {
    assert.match(said.error?.message ?? `it returned: ${said.text.slice(0, 300)}`, bomb.ends);
  }
  if (!bomb.ends) assert.equal(said.error?.message, undefined);
  const most = (bomb.seconds ?? 20) + 10;
  assert.ok(said.seconds < most, `it took ${said.seconds} s`);
  const characters = said.events.reduce(
    (sum, event) => sum + (event.event === "log" ? event.text.length : 0),
    0,
  );
  assert.ok(characters <= 2 ** 20, `${characters} characters of log`);
  const warnings = said.events.filter(({ event }) => event === "warn").length;
  assert.ok(warnings <= 201, `${warnings} warnings`);
  assert.doesNotMatch(
    said.events.map((event) => JSON.stringify(Object.values(event))).join(),
    /\\u001b|[\u009b\u202e]/,
  );
}
