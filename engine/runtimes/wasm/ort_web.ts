/**
 * ONNX Runtime compiled to WebAssembly: the only file that imports onnxruntime-web 1.30.0.
 *
 * Why the package: it runs the same ONNX bytes where no native library may be called: the process needs
 * `--allow-read=node_modules` and no `--allow-ffi`. Of the package we use `InferenceSession` and `Tensor` with the
 * provider "wasm". What would replace it: onnxruntime-node, 1.5 to 5 times faster, where foreign calls are granted.
 *
 * One thread is the default. With two, the transformer and the convolutions of `bench/` hung in each of five tries, with
 * threads that wait rather than spin in two of six, and were never quicker. A run blocks its thread of JavaScript, so that
 * no timer beside it could end it: more threads run in a worker, which is ended when a call takes too long
 * (`ort_web_remote.ts`).
 *
 * @module
 */
import { UnsupportedError } from "../../../core/errors.ts";
import { type Binding, type PackageOptions, type PackageOrt, packageOrt } from "../graphs/ort_package.ts";
import { remoteBinding, startWorker } from "./ort_web_remote.ts";

const opened = new Map<number, Promise<PackageOrt>>();

/**
 * The library with so many threads, opened on the first call; its 14 MB of WebAssembly are compiled with the first graph.
 *
 * @throws {UnsupportedError} If the package cannot be loaded.
 */
export function openOrtWeb(threads = 1): Promise<PackageOrt> {
  const known = opened.get(threads);
  if (known) return known;
  const opening = open(threads);
  opened.set(threads, opening);
  return opening;
}

async function open(threads: number): Promise<PackageOrt> {
  const [binding, options] = await importWeb(1);
  if (threads === 1) return packageOrt(binding, options);
  return packageOrt(remoteBinding(startWorker, threads), { ...options, session: PATIENT });
}

/** Threads that wait rather than spin: they hang less. */
const PATIENT = { extra: { session: { intra_op: { allow_spinning: "0" } } } };

/** What {@linkcode packageOrt} takes, with so many threads in this thread of JavaScript. */
export async function importWeb(threads: number): Promise<[Binding, PackageOptions]> {
  try {
    const package_ = await import("onnxruntime-web");
    package_.env.wasm.numThreads = threads;
    package_.env.logLevel = "fatal";
    return [package_ as unknown as Binding, {
      version: package_.env.versions.web ?? "",
      providers: ["wasm"],
    }];
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UnsupportedError(
      `Cannot open engine "wasm" as onnxruntime-web must load: ${
        reason.split("\n")[0]
      }; it needs --allow-read=node_modules`,
      "onnxruntime-web",
      { cause },
    );
  }
}
