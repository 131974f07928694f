/**
 * The engine `native`: programs as ONNX graphs on ONNX Runtime's C++ kernels.
 *
 * Deterministic: at a fixed number of threads equal inputs give equal bits, from process to process.
 *
 * @module
 */
import { GraphSession } from "../graphs/graph_session.ts";
import type { Ort } from "../graphs/ort_types.ts";
import { openOrt } from "./ort.ts";
import { checkThreads, defaultThreads, shardsFor, threadsFor } from "../threads.ts";
import type { Engine } from "../types.ts";

/** ONNX Runtime on the CPU. */
export const nativeEngine: Engine = nativeEngineOn(openOrt);

/** The engine on a library that is reached in a certain way. */
export function nativeEngineOn(open: () => Promise<Ort>): Engine {
  return {
    name: "native",
    async open(state, { threads, graphs } = {}) {
      if (threads !== undefined) checkThreads(threads);
      const most = threads ?? defaultThreads();
      const backend = {
        engine: "native",
        ort: await open(),
        threads: most,
        threadsFor: (multiplications: number) => threads ?? threadsFor(multiplications, most),
        shardsFor: (multiplications: number, numbers: number) => shardsFor(multiplications, numbers, most),
        graphs,
      };
      return new GraphSession(backend, state);
    },
  };
}
