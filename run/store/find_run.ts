/**
 * The run that a user means: by path, id, name, the beginning of an id, or as the last one that serves a command.
 *
 * @module
 */
import { NotFoundError } from "../../core/errors.ts";
import { LATEST } from "../../core/labels.ts";
import { exists } from "../../files/atomic.ts";
import { basename, dirname, join } from "../../files/paths.ts";
import { type BrokenRun, listRuns, openRun, type RunDirectory } from "./run_directory.ts";

/** What a command needs of a run. */
export interface Service {
  /** As in "no run of the folder ...". */
  readonly rule: string;
  readonly serves: (run: RunDirectory) => Promise<boolean>;
}

const FINISHED: Service = {
  rule: "is finished",
  serves: ({ record }) => Promise.resolve(record.status === "finished"),
};

const TRAINED: Service = {
  rule: "has a trained model",
  serves: (run) => exists(run.file("checkpoints", "best.json")),
};

/** A run that was cut off, also while its report was written; not one that goes on. */
const UNFINISHED: Service = {
  rule: "was interrupted, killed or failed",
  async serves(run) {
    const state = await run.state();
    if (state === "finished") return !await exists(run.file("ro-crate-metadata.json"));
    return state !== "running";
  },
};

/** What commands need of a run, by what they do to it; the others take any. */
export const SERVICES: { readonly [action: string]: Service } = {
  resume: UNFINISHED,
  extend: FINISHED,
  verify: FINISHED,
  predict: TRAINED,
  export: TRAINED,
  evaluate: TRAINED,
  "begin with": {
    rule: "has a checkpoint",
    serves: async (run) =>
      await exists(run.file("checkpoints", "best.json")) ||
      await exists(run.file("checkpoints", "last.json")),
  },
};

/** How a run is looked for. */
export interface FindOptions {
  /** What is to be done with it, a key of {@linkcode SERVICES}: `latest` is the last run that serves that. */
  readonly action?: string;
  /** Hears of runs that were passed over as their record cannot be read. */
  readonly onBroken?: (broken: BrokenRun) => void;
}

/**
 * The run meant by a path, an id, a name, a unique prefix of an id, or `latest`.
 *
 * @param out The folder of runs.
 * @throws {NotFoundError} If none or more than one fits; the message lists them.
 * @throws {SyntaxError | DataError} If the record of the run that is meant cannot be read.
 */
export async function findRun(
  reference: string,
  out: string,
  { action = "", onBroken = () => {} }: FindOptions = {},
): Promise<RunDirectory> {
  if (await exists(join(reference, "run.json"))) return await openRun(reference);
  if (reference.endsWith("run.json") && await exists(reference)) return await openRun(dirname(reference));
  const broken: BrokenRun[] = [];
  const runs = await listRuns(out, (one) => broken.push(one));
  if (reference === LATEST) {
    broken.forEach(onBroken);
    return await latestRun(runs, out, SERVICES[action]);
  }
  const { fitting, meant, rule } = candidates(reference, runs, broken);
  if (fitting.length + meant.length === 1 && meant[0]) return await openRun(meant[0].path); // throws why not
  broken.forEach(onBroken);
  if (fitting.length === 1 && meant.length === 0) return fitting[0]!;
  throw notFound(
    reference,
    fitting.length + meant.length === 0
      ? `no run in "${out}" has this path, id, name or prefix: ${counted(runs)}`
      : `${rule}: ${listed([...fitting.map(longName), ...meant.map(({ path }) => basename(path))])}`,
  );
}

/** The last run that a command can work on. */
async function latestRun(
  runs: readonly RunDirectory[],
  out: string,
  service: Service | undefined,
): Promise<RunDirectory> {
  for (const run of runs.toReversed()) {
    if (service === undefined || await service.serves(run)) return run;
  }
  const rule = service === undefined ? "can be read" : service.rule;
  throw notFound(LATEST, `no run in "${out}" ${rule}: ${counted(runs)}`);
}

interface Candidates {
  readonly fitting: readonly RunDirectory[];
  /** Those whose record cannot be read. */
  readonly meant: readonly BrokenRun[];
  /** What is wrong where there are several. */
  readonly rule: string;
}

/** Whoever has the whole id is meant before one of that name, and that before those whose id begins so. */
function candidates(
  reference: string,
  runs: readonly RunDirectory[],
  broken: readonly BrokenRun[],
): Candidates {
  const whole = runs.filter((run) => run.record.id === reference || longName(run) === reference);
  if (whole.length > 0) {
    return {
      fitting: whole,
      meant: [],
      rule: "several have this id; name one with its plugin or by its path",
    };
  }
  const name = reference.normalize("NFC");
  const named = runs.filter(({ record }) => record.name === name);
  if (named.length > 0) {
    return { fitting: named, meant: [], rule: `${named.length} runs have this name, and one must be meant` };
  }
  const isMeant = (path: string): boolean => basename(path).startsWith(reference);
  const fitting = runs.filter(({ path }) => isMeant(path));
  const meant = broken.filter(({ path }) => isMeant(path));
  return {
    fitting,
    meant,
    rule: `the prefix must be unique: ${fitting.length + meant.length} runs begin with it`,
  };
}

function counted({ length }: readonly RunDirectory[]): string {
  return length === 0 ? "none is there" : length === 1 ? "1 run is there" : `${length} runs are there`;
}

/** Plugin and id of a run. */
function longName({ record }: RunDirectory): string {
  return `${record.plugin.name}/${record.id}`;
}

/** Names that are listed in a message. */
const LISTED = 8;

function listed(names: readonly string[]): string {
  const rest = names.length > LISTED ? `, and ${names.length - LISTED} more` : "";
  return names.slice(-LISTED).join(", ") + rest;
}

function notFound(reference: string, why: string): NotFoundError {
  return new NotFoundError(`Cannot find run "${reference}" as ${why}`, "run", reference);
}
