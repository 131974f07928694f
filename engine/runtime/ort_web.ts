/**
 * ONNX Runtime compiled to WebAssembly: the only file that imports onnxruntime-web 1.30.0.
 *
 * Why the package: it runs the same ONNX bytes where no native library may be called: the process needs
 * `--allow-read=node_modules` and no `--allow-ffi`. Of the package we use `InferenceSession` and `Tensor` with the
 * provider "wasm". What would replace it: onnxruntime-node, 1.5 to 5 times faster, where foreign calls are granted.
 *
 * One thread, always. With two, graphs of a transformer's size hung for ten minutes; and since a run blocks the thread of
 * JavaScript while it computes, no timer of this process could end it: a watchdog would have to be another process, as
 * the host is for its box. With one thread no run has hung.
 *
 * @module
 */
import { UnsupportedError } from "../../core/errors.ts";
import { type Binding, type PackageOrt, packageOrt } from "./ort_package.ts";

let opened: Promise<PackageOrt> | undefined;

/**
 * The library, opened on the first call; its 14 MB of WebAssembly are compiled with the first graph.
 *
 * @throws {UnsupportedError} If the package cannot be loaded.
 */
export function openOrtWeb(): Promise<PackageOrt> {
  return opened ??= open();
}

async function open(): Promise<PackageOrt> {
  try {
    const package_ = await import("onnxruntime-web");
    package_.env.wasm.numThreads = 1;
    package_.env.logLevel = "error";
    return packageOrt(package_ as unknown as Binding, {
      version: package_.env.versions.web ?? "",
      providers: ["wasm"],
    });
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
