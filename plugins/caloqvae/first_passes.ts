/**
 * First passes over all files of a run, several at a time: to unpack and to look at voxels is work for one core each.
 *
 * @module
 */
import { DataError, type HookContext } from "beamline";
import type { Config } from "./config.ts";
import { firstPass, type Pass } from "./first_pass.ts";
import type { ShowerSource } from "./showers.ts";

/** What a worker is asked for: the source at a place, the reference first. */
export interface PassRequest {
  readonly config: Config;
  readonly at: number;
}

/** What a worker says. */
export type PassMessage =
  | { readonly rows: number }
  | { readonly pass: Pass }
  | {
    readonly error: {
      readonly message: string;
      readonly isData?: boolean;
      readonly file?: string | undefined;
    };
  };

/** Fewer rows in all are read sooner than threads are started. */
const FEW_ROWS = 20_000;
/** Files that are read at the same time: each takes some hundred megabytes of memory. */
const MOST_WORKERS = 4;

/**
 * The passes in the order of the sources.
 *
 * @param fewRows Fewer in all are read in this thread.
 * @throws {DataError} The first thing that cannot be read.
 */
export async function firstPasses(
  sources: readonly ShowerSource[],
  config: Config,
  context: HookContext,
  fewRows: number = FEW_ROWS,
): Promise<Pass[]> {
  const total = sources.reduce((sum, { rows }) => sum + rows, 0);
  const read = sources.map(() => 0);
  const progress = (at: number) => (rows: number): void => {
    read[at] = rows;
    context.progress(read.reduce((sum, count) => sum + count, 0), total, sources[at]!.label);
  };
  const isOnDisk = sources.every(({ format }) => format !== "simulated");
  const workers = Math.min(sources.length, navigator.hardwareConcurrency, MOST_WORKERS);
  if (!isOnDisk || total < fewRows || workers < 2) {
    return sources.map((source, at) => firstPass(source, config, at === 0, progress(at)));
  }
  const passes: Pass[] = [];
  const waiting = [...sources.keys()];
  const stop = new AbortController();
  await Promise.all(Array.from({ length: workers }, async () => {
    for (let at = waiting.shift(); at !== undefined && !stop.signal.aborted; at = waiting.shift()) {
      try {
        passes[at] = await inWorker({ config, at }, progress(at), stop.signal);
      } catch (error) {
        stop.abort(error); // the others need not go on
        throw error;
      }
    }
  }));
  return passes;
}

function inWorker(
  request: PassRequest,
  progress: (rows: number) => void,
  signal: AbortSignal,
): Promise<Pass> {
  const worker = new Worker(new URL("./first_pass_worker.ts", import.meta.url), { type: "module" });
  const found = new Promise<Pass>((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(`Cannot read showers as the thread must live: ${event.message}`));
    };
    worker.onmessage = ({ data }: MessageEvent<PassMessage>) => {
      if ("rows" in data) progress(data.rows);
      else if ("pass" in data) resolve(data.pass);
      else reject(errorOf(data.error));
    };
    worker.postMessage(request);
  });
  return found.finally(() => worker.terminate());
}

function errorOf(
  { message, isData, file }: { message: string; isData?: boolean; file?: string | undefined },
): Error {
  return isData ? new DataError(message, file) : new Error(message);
}
