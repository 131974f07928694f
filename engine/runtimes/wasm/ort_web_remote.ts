/**
 * onnxruntime-web in a worker, with a limit on the time of each call: a call that hangs ends the worker, not the process.
 *
 * @module
 */
import { UnsupportedError } from "../../../core/errors.ts";
import type { ProgramDtype } from "../../program/types.ts";
import type { Binding } from "../graphs/ort_package.ts";

/** A tensor as it travels. */
export interface PlainTensor {
  readonly dtype: ProgramDtype;
  readonly data: unknown;
  readonly shape: readonly number[];
}

/** What the worker is asked for: first to create the graph, then to run it. */
export type RemoteCall =
  | {
    readonly what: "create";
    readonly threads: number;
    readonly bytes: Uint8Array;
    readonly options: object;
  }
  | {
    readonly what: "run";
    readonly feeds: { readonly [name: string]: PlainTensor };
    readonly fetches: readonly string[];
  };

/** What the worker answers, one for each call, in order: a result, or the message of what was thrown. */
export type RemoteAnswer = { readonly result: unknown } | { readonly error: string };

/** What is used of a worker. */
export type RemoteWorker = Pick<Worker, "postMessage" | "terminate" | "onmessage" | "onerror">;

/** Milliseconds that a call may take: the slowest step that was measured takes one second. */
const LIMIT_MS = 60_000;

/** The class as it is now: onnxruntime-web puts the one of `node:worker_threads` in its place. */
const WebWorker = Worker;

/** Starts the worker of `ort_web_worker.ts`. */
export function startWorker(): RemoteWorker {
  return new WebWorker(new URL("./ort_web_worker.ts", import.meta.url), { type: "module" });
}

/**
 * The package with a worker for each graph, which lives as long as the graph.
 *
 * @param start Starts a worker.
 * @param threads 2 or more.
 */
export function remoteBinding(
  start: () => RemoteWorker,
  threads: number,
  { limitMs = LIMIT_MS }: { readonly limitMs?: number } = {},
): Binding {
  return {
    Tensor: class {
      constructor(readonly dtype: ProgramDtype, readonly data: unknown, readonly shape: readonly number[]) {}
    },
    InferenceSession: {
      async create(bytes, options) {
        const graph = new RemoteGraph(start, threads, limitMs);
        await graph.ask({ what: "create", threads, bytes, options });
        return {
          run: async (feeds, fetches) =>
            await graph.ask({ what: "run", feeds: feeds as never, fetches }) as never,
          release: () => Promise.resolve(graph.end()),
        };
      },
    },
  };
}

/** A graph in a worker of its own. Calls are made one after the other; after one that failed there is no worker. */
class RemoteGraph {
  readonly #threads: number;
  readonly #limitMs: number;
  #worker: RemoteWorker | undefined;

  constructor(start: () => RemoteWorker, threads: number, limitMs: number) {
    this.#threads = threads;
    this.#limitMs = limitMs;
    try {
      this.#worker = start();
    } catch (error) {
      throw this.#hopeless(`no worker started, ${(error as Error).message}`);
    }
  }

  end(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
  }

  async ask(call: RemoteCall): Promise<unknown> {
    const worker = this.#worker;
    if (!worker) throw this.#hopeless("its worker has ended");
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      return await new Promise((resolve, reject) => {
        const hopeless = (found: string) => reject(this.#hopeless(found));
        timer = setTimeout(() => hopeless(`"${call.what}" did not`), this.#limitMs);
        worker.onmessage = ({ data }: MessageEvent<RemoteAnswer>) =>
          "error" in data ? reject(new Error(data.error)) : resolve(data.result);
        worker.onerror = (event) => {
          event.preventDefault();
          hopeless(`its worker ended, ${event.message}`);
        };
        worker.postMessage(call);
      });
    } catch (error) {
      this.end();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  #hopeless(found: string): UnsupportedError {
    return new UnsupportedError(
      `Cannot run engine "wasm" on ${this.#threads} threads as each call must end within ${
        this.#limitMs / 1000
      } s: ${found}; use --threads 1`,
      "wasm threads",
    );
  }
}
