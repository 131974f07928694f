/**
 * The engine `wasm`: the same graphs as `native`, on ONNX Runtime compiled to WebAssembly. For machines and sandboxes in
 * which no native library may be called.
 *
 * Deterministic: at a fixed number of threads equal inputs give equal bits, from process to process.
 *
 * @module
 */
import { GraphSession } from "../graphs/graph_session.ts";
import { openOrtWeb } from "./ort_web.ts";
import { checkThreads } from "../threads.ts";
import type { Engine } from "../types.ts";

/** ONNX Runtime as WebAssembly, on one thread unless more are asked for; see `ort_web.ts` for what speaks against it. */
export const wasmEngine: Engine = {
  name: "wasm",
  mostThreads: 1,
  async open(state, { threads = 1, graphs } = {}) {
    checkThreads(threads);
    const ort = await openOrtWeb(threads);
    return new GraphSession({ engine: "wasm", ort, threads, threadsFor: () => threads, graphs }, state);
  },
};
