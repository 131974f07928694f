/**
 * How long a run will still take, from what it has done and from how long an earlier run of the plugin took.
 *
 * @module
 */
import { canonicalJson } from "../../core/json.ts";
import type { ConfigRecord, DataRecord, RunRecord } from "../../core/records.ts";
import type { Json } from "../../core/types.ts";
import { dirname } from "../../files/paths.ts";
import { readRunJson } from "../../run/replay/replay.ts";
import type { Phase, RunPosition } from "../../run/stages/request.ts";
import { newestRuns, type RunDirectory } from "../../run/store/run_directory.ts";

/** An earlier run, as far as it tells how long this one takes. */
export interface EarlierRun {
  /** Of each phase. */
  readonly seconds: { readonly [phase: string]: number };
  /** Steps of each model. */
  readonly steps: { readonly [model: string]: number };
  /** Rows of all tables; 0 where nothing was prepared. */
  readonly rows: number;
  /** Whether it had the same configuration, but for the seed. */
  readonly isSame: boolean;
}

/** What is left, and whether that is the whole run or only the training of a model. */
export interface TimeLeft {
  readonly seconds: number;
  readonly of: "run" | "training";
}

/** Phases that take time, in order. */
const PHASES: readonly Phase[] = ["prepare", "trace", "train", "evaluate", "report"];

/** Share of the training from which on its own rate counts. */
const ENOUGH = 0.01;

/** Estimates what is left of one run. */
export class Estimate {
  /** The run to go by. */
  earlier: EarlierRun | undefined;
  /** Rows of all tables of this run, once they are prepared. */
  rows = 0;
  #phase: Phase = "prepare";
  #began: number;
  #position: RunPosition | undefined;
  #first = { step: 0, at: 0 };
  readonly #models = new Set<string>();

  /** @param now Milliseconds. */
  constructor(readonly now: () => number = () => performance.now()) {
    this.#began = now();
  }

  /** A phase begins. */
  begin(phase: Phase): void {
    this.#phase = phase;
    this.#began = this.now();
  }

  /** Training is there now. */
  step(position: RunPosition): void {
    if (position.model !== this.#position?.model) this.#first = { step: position.step, at: this.now() };
    this.#models.add(position.model);
    this.#position = position;
  }

  /** What is left now; undefined where nothing is known. */
  left(): TimeLeft | undefined {
    const later = this.#later();
    const current = this.#phase === "train" ? this.#training() : this.#expected(this.#phase, true);
    if (later !== undefined && current !== undefined) return { seconds: current + later, of: "run" };
    const own = this.#phase === "train" ? this.#own() : undefined;
    return own === undefined ? undefined : { seconds: own, of: "training" };
  }

  /** Seconds of the phases that follow. */
  #later(): number | undefined {
    let sum = 0;
    for (const phase of PHASES.slice(PHASES.indexOf(this.#phase) + 1)) {
      const seconds = this.#expected(phase, false);
      if (seconds === undefined) return undefined;
      sum += seconds;
    }
    return sum;
  }

  /** Seconds of a phase by the earlier run; what has passed of it is taken off. */
  #expected(phase: Phase, hasBegun: boolean): number | undefined {
    const { earlier } = this;
    if (!earlier || (!earlier.isSame && this.rows === 0)) return undefined;
    const perRow = phase === "train" || phase === "evaluate";
    const scale = perRow && this.rows > 0 && earlier.rows > 0 ? this.rows / earlier.rows : 1;
    const passed = hasBegun ? (this.now() - this.#began) / 1000 : 0;
    return Math.max(0, (earlier.seconds[phase] ?? 0) * scale - passed);
  }

  /** Seconds that are left of the training of all models. */
  #training(): number | undefined {
    const own = this.#own();
    if (own === undefined) return this.#expected("train", true);
    const { earlier } = this;
    if (!earlier) return undefined;
    const { model, totalSteps } = this.#position!;
    const before = earlier.steps[model] ?? 0;
    const all = Object.values(earlier.steps).reduce((sum, steps) => sum + steps, 0);
    const others = Object.entries(earlier.steps).filter(([name]) => !this.#models.has(name));
    const share = others.reduce((sum, [, steps]) => sum + steps, 0) / Math.max(1, all);
    return own + share * (earlier.seconds.train ?? 0) * (before > 0 ? totalSteps / before : 1);
  }

  /** Seconds that are left of the model that trains, by its own rate. */
  #own(): number | undefined {
    if (!this.#position) return undefined;
    const { step, totalSteps } = this.#position;
    const done = step - this.#first.step;
    if (done < ENOUGH * totalSteps) return undefined;
    return (this.now() - this.#first.at) / 1000 / done * (totalSteps - step);
  }
}

/** Runs that are looked through for an earlier one. */
const LOOKED_AT = 20;

/** The run of the same plugin to go by: the last that finished, with the same configuration where there is one. */
export async function earlierRun(run: RunDirectory): Promise<EarlierRun | undefined> {
  const { action, id } = run.record;
  const isAlike = ({ record }: RunDirectory): boolean =>
    record.id !== id && record.action === action && record.status === "finished" && !record.repeat;
  const found = (await newestRuns(dirname(run.path), LOOKED_AT)).filter(isAlike);
  const values = await valuesOf(run);
  for (const other of found) if (await valuesOf(other) === values) return await asEarlier(other, true);
  return found[0] && await asEarlier(found[0], false);
}

async function valuesOf(run: RunDirectory): Promise<string | undefined> {
  const config = await readRunJson<ConfigRecord>(run, "config.json").catch(() => undefined);
  return config && canonicalJson(config.values as Json);
}

async function asEarlier(run: RunDirectory, isSame: boolean): Promise<EarlierRun> {
  const { seconds, training = {} } = run.record as RunRecord;
  const steps = Object.entries(training).map(([model, found]) => [model, Number(found.steps) || 0] as const);
  return { seconds, steps: Object.fromEntries(steps), rows: await rowsOf(run), isSame };
}

/** Rows of all tables of a run; 0 where there are none. */
export async function rowsOf(run: RunDirectory): Promise<number> {
  const data = await readRunJson<DataRecord>(run, "data.json").catch(() => undefined);
  return Object.values(data?.tables ?? {}).reduce((sum, { rows }) => sum + rows, 0);
}
