/**
 * The engine `wasm`: the same graphs as `native`, on ONNX Runtime compiled to WebAssembly. For machines and sandboxes in
 * which no native library may be called.
 *
 * Deterministic: on its one thread equal inputs give equal bits, from process to process.
 *
 * @module
 */
import { GraphSession } from "./graph_session.ts";
import { openOrtWeb } from "./ort_web.ts";
import type { Engine } from "./types.ts";

/** Threads of one operation; see `ort_web.ts` for why there are no more. */
const THREADS = 1;

/** ONNX Runtime as WebAssembly; `threads` other than 1 are not used. */
export const wasmEngine: Engine = {
  name: "wasm",
  async open(state, { graphs } = {}) {
    const ort = await openOrtWeb();
    const backend = { engine: "wasm", ort, threads: THREADS, threadsFor: () => THREADS, graphs };
    return new GraphSession(backend, state);
  },
};
