/**
 * ONNX Runtime: the only file that imports onnxruntime-node 1.30.0.
 *
 * Why the package: it ships the C++ library for Linux, macOS and Windows and needs no build step. Two ways lead to it,
 * with the same library and the same numbers: the C interface (`ort_direct.ts`, when foreign calls are granted without a
 * path) and the package's own binding (when they are granted for `node_modules` only), which copies each output. What
 * would replace it: onnxruntime-web, five times slower.
 *
 * @module
 */
import { UnsupportedError } from "../../../core/errors.ts";
import { openDirect } from "./ort_direct.ts";
import { type Binding, type PackageOptions, packageOrt } from "../graphs/ort_package.ts";
import type { Ort } from "../graphs/ort_types.ts";

let opened: Promise<Ort> | undefined;

/**
 * The library of this machine, opened on the first call.
 *
 * @throws {UnsupportedError} If the package brings no library for this system, or it cannot be opened.
 */
export function openOrt(): Promise<Ort> {
  return opened ??= open();
}

async function open(): Promise<Ort> {
  const path = libraryPath();
  const { state } = await Deno.permissions.query({ name: "ffi" });
  return state === "granted" ? openDirect(path) : await openPackage();
}

/** Library by `os/arch` of Deno, below `bin/napi-v6` of the package. */
const LIBRARIES: { readonly [system: string]: string | undefined } = {
  "linux/x86_64": "linux/x64/libonnxruntime.so.1",
  "linux/aarch64": "linux/arm64/libonnxruntime.so.1",
  "darwin/aarch64": "darwin/arm64/libonnxruntime.1.dylib",
  "windows/x86_64": "win32/x64/onnxruntime.dll",
  "windows/aarch64": "win32/arm64/onnxruntime.dll",
};

/** Path of the shared library inside the package. */
function libraryPath(): URL {
  const system = `${Deno.build.os}/${Deno.build.arch}`;
  const file = LIBRARIES[system];
  if (file) return new URL(`../bin/napi-v6/${file}`, import.meta.resolve("onnxruntime-node"));
  throw new UnsupportedError(
    `Cannot open engine "native" as onnxruntime-node brings no library for this system: found "${system}"`,
    system,
  );
}

/** The library through the package's own binding. */
export async function openPackage(): Promise<Ort> {
  try {
    return packageOrt(...await importPackage(["cpu"]));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UnsupportedError(
      `Cannot open engine "native" as onnxruntime-node must load: ${reason.split("\n")[0]}`,
      "onnxruntime-node",
      { cause },
    );
  }
}

/** What {@linkcode packageOrt} takes: the package's binding, to run on these providers. */
export async function importPackage(
  providers: PackageOptions["providers"],
): Promise<[Binding, PackageOptions]> {
  const binding = await import("onnxruntime-node");
  return [binding as unknown as Binding, { version: binding.env.versions.node ?? "", providers }];
}
