/**
 * `kill -9` at three hundred seeded moments of every command that writes, on three plugins, with space on the disk and
 * without: nothing is lost, nothing half written, and the same command afterwards gives the bytes of one that was let alone.
 */
import assert from "node:assert/strict";
import { randomFor } from "beamline";
import {
  checkFull,
  empty,
  fill,
  isInNamespace,
  KIB,
  PAGE,
  spaceOn,
  withSmallDisk,
} from "../support/disks.ts";
import {
  commandsOf,
  type KilledCommand,
  makePlace,
  type Place,
  pluginAt,
  whole,
} from "../support/kill_points.ts";
import { type Ended, killCommandAt, type Victim } from "../support/killing.ts";
import { withTempDir } from "../support/plugins.ts";

const SEED = 20_261_201;
const VICTIMS: readonly Victim[] = ["host", "tree", "sandbox"];

/** Plugins, the flags that make a run of them tiny, and whether they simulate files and read them. */
const PLUGINS: {
  readonly [plugin: string]: { readonly flags: readonly string[]; readonly hasFiles: boolean };
} = {
  ecal: { flags: ["--events", "3000", "--epochs", "2"], hasFiles: true },
  hcal: { flags: ["--rows", "200", "--epochs", "1"], hasFiles: true },
  "examples/peak": { flags: ["--events", "2000", "--epochs", "2"], hasFiles: false },
};

/** Moments of each command of each plugin, with space on the disk and on one that is nearly full. */
const MOMENTS: { readonly [command: string]: { readonly space: number; readonly full: number } } = {
  run: { space: 10, full: 8 },
  resume: { space: 8, full: 6 },
  "cache --clean": { space: 8, full: 4 },
  report: { space: 8, full: 6 },
  export: { space: 8, full: 5 },
  trust: { space: 8, full: 6 },
  predict: { space: 8, full: 5 },
  "data simulate": { space: 8, full: 5 },
};

/** Commands that need files. */
const NEED_FILES: ReadonlySet<string> = new Set(["predict", "data simulate"]);

/** Commands that only remove: a full disk must not keep them from it. */
const NEEDS_NO_SPACE: ReadonlySet<string> = new Set(["cache --clean"]);

type Disk = "space" | "full";

/** Kill points of a plugin. */
function pointsOf(name: string, disk: Disk): number {
  return Object.entries(MOMENTS).reduce(
    (sum, [command, moments]) =>
      sum + (PLUGINS[name]!.hasFiles || !NEED_FILES.has(command) ? moments[disk] : 0),
    0,
  );
}

Deno.test("there are at least 300 kill points", () => {
  const counts = Object.keys(PLUGINS).map((name) => pointsOf(name, "space") + pointsOf(name, "full"));
  assert.ok(counts.reduce((sum, count) => sum + count) >= 300, String(counts));
});

/** How often a moment is tried at which the command had ended before. */
const TRIES = 4;

/** A command that finds the disk full ends soon: how long after that it is killed, at most. */
const WHEN_FULL_MS = 40;

/** What became of the moments of one command. */
interface Count {
  moments: number;
  /** Moments at which a process was running. */
  killed: number;
  /** Moments at which it could not be killed as it had found the disk full, and ended with that error. */
  ended: number;
  /** Moments at which the command had taken the last page of the disk, or had ended as there was none. */
  full: number;
  /** What else must be met, and how often it was. */
  readonly met: { readonly [thing: string]: number };
}

/** When a command is killed. */
interface Moment {
  readonly delayMs: number;
  /** Bytes left on a disk that is nearly full. */
  readonly left: number;
  /** The delay counts from when the disk has become full. */
  readonly isWhenFull: boolean;
}

/** Kills one command at all its moments. */
class Killing {
  readonly count: Count;
  /** Milliseconds that the command took the last time. */
  #lasts = 0;
  /** Bytes that it writes. */
  #needs = 0;

  constructor(
    readonly name: string,
    readonly place: Place,
    readonly command: KilledCommand,
    readonly random: ReturnType<typeof randomFor>,
    readonly disk: string | undefined,
  ) {
    this.count = { moments: 0, killed: 0, ended: 0, full: 0, met: command.met ?? {} };
  }

  /** Lets it run twice: what it needs, and how long it takes. */
  async measure(): Promise<void> {
    for (const _ of [1, 2]) {
      await this.command.prepare(0);
      const before = this.disk === undefined ? 0 : spaceOn(this.disk);
      this.#lasts = (await whole(this.place, this.command.args)).ms;
      if (this.disk !== undefined) this.#needs = before - spaceOn(this.disk);
    }
  }

  /** @param part Its number among all moments: they are spread over the time that the command takes. */
  async killAt(part: number, of: number): Promise<void> {
    this.count.moments++;
    const { delayMs: first, left, isWhenFull } = this.#moment(part, of);
    let delayMs = first;
    let [isFull, isKilled] = [false, false];
    for (let i = 0; i < TRIES; i++) {
      const ended = await this.#attempt(part, { delayMs, left, isWhenFull });
      isFull ||= ended.isFull;
      isKilled = ended.isKilled;
      if (isKilled) break;
      delayMs = isWhenFull ? delayMs / 4 : 0.8 * Math.min(delayMs, ended.ms);
    }
    if (isKilled) this.count.killed++;
    else if (isFull) this.count.ended++;
    if (isFull) this.count.full++;
  }

  /** Every other moment is at the end of the space; the others are spread over the whole time. */
  #moment(part: number, of: number): Moment {
    const [share, space] = [(part + this.random.uniform()) / of, this.random.uniform()];
    const isAtEnd = this.disk !== undefined && part % 2 === 0;
    // who writes one page finds the disk full before it has taken any: it ends with an error, and is then killed earlier
    if (this.#needs <= PAGE) {
      return { delayMs: (isAtEnd ? 2 : share) * this.#lasts, left: 0, isWhenFull: false };
    }
    const left = PAGE * Math.max(1, Math.floor(space * this.#needs / PAGE));
    return { delayMs: share * (isAtEnd ? WHEN_FULL_MS : this.#lasts), left, isWhenFull: isAtEnd };
  }

  async #attempt(
    part: number,
    { delayMs, left, isWhenFull }: Moment,
  ): Promise<Ended & { readonly isFull: boolean }> {
    const { command, place: { home, state }, disk } = this;
    const victim = VICTIMS[part % VICTIMS.length]!;
    await command.prepare(part);
    if (disk !== undefined) await fill(disk, left);
    const isTaken = (): boolean => disk !== undefined && spaceOn(disk) < PAGE;
    const task = { args: command.args, cwd: home, env: { BEAMLINE_STATE: state, NO_COLOR: "1" } };
    const ended = await killCommandAt(task, delayMs, victim, isWhenFull ? isTaken : undefined);
    const isFull = (left > 0 && isTaken()) || /no space left/i.test(ended.stderr);
    if (disk !== undefined) await empty(disk);
    const moment = `${this.name}, ${victim} killed after ${delayMs.toFixed(0)} ms` +
      (disk === undefined ? "" : `${isWhenFull ? " on a full disk" : ""}, ${left / KIB} KiB were left`);
    if (!ended.isKilled && ended.code !== 0) checkFull({ ...ended, stdout: "" }, moment);
    const isWhole = !ended.isKilled && ended.code === 0;
    this.#lasts = await command.check(`${moment}: ${ended.stderr}`, isWhole) || this.#lasts;
    return { ...ended, isFull };
  }
}

/** Kills every command of a plugin that writes. */
async function killCommands(name: string, home: string, disk?: string): Promise<void> {
  const { flags, hasFiles } = PLUGINS[name]!;
  const kind = disk === undefined ? "space" : "full";
  const random = randomFor({ seed: SEED, purpose: `${kind}/${name}` });
  const place = await makePlace(home, pluginAt(name), flags, disk !== undefined);
  const counts: { [command: string]: Count } = {};
  for (const [title, command] of Object.entries(await commandsOf(place, hasFiles))) {
    const killing = new Killing(`${title} of ${name}`, place, command, random, disk);
    await killing.measure();
    const moments = MOMENTS[title]![kind];
    for (let i = 0; i < moments; i++) await killing.killAt(i, moments);
    counts[title] = killing.count;
  }
  checkCounts(name, kind, counts);
}

/** What became of the moments of one command, for a person. */
function lineOf(command: string, { moments, killed, ended, full, met }: Count, disk: Disk): string {
  const parts = [`${command} ${killed} of ${moments}`];
  if (disk === "full") parts.push(`${full} found it full, of which ${ended} ended before`);
  return [...parts, ...Object.entries(met).map(([thing, times]) => `${times} ${thing}`)].join(", ");
}

/** Nearly all moments must have met a running process, or one that the full disk has ended; many the end of the space. */
function checkCounts(name: string, disk: Disk, counts: { readonly [command: string]: Count }): void {
  const lines = Object.entries(counts).map(([command, count]) => lineOf(command, count, disk));
  console.log(`${name}, killed ${disk === "full" ? "on a full disk" : "with space"}: ${lines.join("; ")}`);
  const all = Object.values(counts);
  const sum = (key: "moments" | "killed" | "ended"): number =>
    all.reduce((total, count) => total + count[key], 0);
  assert.equal(sum("moments"), pointsOf(name, disk));
  assert.ok(
    sum("killed") + sum("ended") >= 0.95 * sum("moments"),
    `${name}: ${sum("killed")} of ${sum("moments")} were running, ${sum("ended")} had found the disk full`,
  );
  for (const [command, { moments, killed, ended, full, met }] of Object.entries(counts)) {
    const isMet = killed + ended >= 0.8 * moments && killed >= 0.5 * moments;
    assert.ok(isMet, `${command} of ${name} was killed at ${killed} of ${moments} moments`);
    // the first tenth of the time is before run.json; on a full disk the moments are elsewhere
    for (const [thing, times] of disk === "space" ? Object.entries(met) : []) {
      assert.ok(times > 0, `${command} of ${name} was never killed ${thing}`);
    }
    if (disk === "full" && !NEEDS_NO_SPACE.has(command)) {
      assert.ok(
        full >= moments / 3,
        `${command} of ${name} found the disk full at ${full} of ${moments} moments`,
      );
    }
  }
}

/** Bytes of the disk that becomes full: caches, runs and data of one plugin. */
const DISK_BYTES = 192 * 1024 * KIB;

for (const name of Object.keys(PLUGINS)) {
  Deno.test(`kill -9 of any command of ${name} loses nothing, with space on the disk and without`, async (t) => {
    const skipped = `${pointsOf(name, "full")} kill points on a full disk`;
    await Promise.all([
      ...isInNamespace() ? [] : [withTempDir((directory) => killCommands(name, directory))],
      withSmallDisk(t, DISK_BYTES, (disk) => killCommands(name, disk, disk), skipped),
    ]);
  });
}
