/**
 * An engine that answers before the call returns. tfjs's kernels are synchronous and engines are not, so the engine
 * lives in a worker and the caller sleeps until it has answered.
 *
 * @module
 */
import { receiveMessageOnPort } from "node:worker_threads";
import type { Program } from "../../engine/program/types.ts";
import type { Tensors } from "../../engine/runtimes/types.ts";

/** What the worker is given first. */
export interface Introduction {
  readonly engine: string;
  readonly port: MessagePort;
  /** Counts answers; the caller sleeps on it. */
  readonly answered: Int32Array<SharedArrayBuffer>;
}

/** One program to be run once; nothing ends the worker, which thus is in no call of a library when it goes. */
export type Question =
  | { readonly id: number; readonly program: Program; readonly inputs: Tensors }
  | undefined;

/** The outputs, or the message of what was thrown. */
export type Answer =
  & { readonly id: number }
  & ({ readonly outputs: Tensors } | { readonly error: string });

/** Milliseconds that one kernel may take; the slowest of the suite takes a second. */
const LIMIT_MS = 60_000;

/** Milliseconds after which the caller looks by itself whether an answer has come. */
const POLL_MS = 100;

function outputsOf(answer: Answer): Tensors {
  if ("outputs" in answer) return answer.outputs;
  throw new Error(answer.error);
}

/** The class as it is now: onnxruntime-web puts the one of `node:worker_threads` in its place. */
const WebWorker = Worker;

/** See the module. */
export class SyncEngine {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #answered = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

  readonly #never = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  #asked = 0;

  /** @param engine Name of an engine, such as "native". */
  constructor(readonly engine: string) {
    this.#worker = new WebWorker(new URL("./engine_worker.ts", import.meta.url), { type: "module" });
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#worker.postMessage({ engine, port: port2, answered: this.#answered } satisfies Introduction, [
      port2,
    ]);
  }

  /**
   * Verifies, lowers, loads and runs a program.
   *
   * @throws {Error} If the engine fails, with its message.
   */
  run(program: Program, inputs: Tensors): Tensors {
    const id = ++this.#asked;
    this.#port.postMessage({ id, program, inputs } satisfies Question);
    const end = Date.now() + LIMIT_MS;
    while (Date.now() < end) {
      const received = receiveMessageOnPort(this.#port as never) as { readonly message: Answer } | undefined;
      // An answer to a question before this one came after its time.
      if (received && received.message.id === id) return outputsOf(received.message);
      // The signal may come a moment before the message can be received: look again soon.
      if (!received) Atomics.wait(this.#answered, 0, id - 1, POLL_MS);
      if (!received && Atomics.load(this.#answered, 0) >= id) Atomics.wait(this.#never, 0, 0, 1);
    }
    throw new Error(`Cannot run "${program.name}" as an answer must come in ${LIMIT_MS} ms: none came`);
  }

  /** Lets the worker end. */
  dispose(): void {
    this.#port.postMessage(undefined satisfies Question);
    this.#port.close();
  }
}
