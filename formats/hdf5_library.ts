/**
 * The one place that loads h5wasm 0.10.3 (the HDF5 2.0.0 library as WebAssembly) and h5wasm-plugins 0.2.1 (filters).
 *
 * By itself the library returns whatever lies in memory when a read fails. Its throwing error handler is switched on
 * here, before the first file is opened, so that **a read that fails never returns data**. What would replace it: any
 * binding of the HDF5 C library.
 *
 * @module
 */
import { DataError, UnsupportedError } from "../core/errors.ts";
import { oneLine } from "./byte_source.ts";

type Package = typeof import("h5wasm/node");
/** The functions of the library. */
export type H5Module = Awaited<Package["default"]["ready"]>;
/** How the library describes a dataset. */
export type H5Metadata = ReturnType<H5Module["get_dataset_metadata"]>;

/** The loaded library. */
export interface H5Library {
  readonly package: Package;
  readonly module: H5Module;
  readonly memory: Scratch;
}

let loading: Promise<H5Library> | undefined;

/** Loads the library, once. */
export function loadLibrary(): Promise<H5Library> {
  return loading ??= load();
}

async function load(): Promise<H5Library> {
  const found = await import("h5wasm/node");
  const module = await found.default.ready;
  module.activate_throwing_error_handler();
  keepReasonsInMemory(module as unknown as { readonly FS: FileSystem });
  // The paths of the machine where the library was built; looking there would need a permission.
  for (let count = module.get_plugin_search_paths().length; count > 0; count--) {
    module.remove_plugin_search_path(0);
  }
  const { base_url: url } = await import("h5wasm-plugins") as { base_url: string };
  const plugins = decodeURIComponent(new URL(`${url}/plugins`).pathname);
  const { state } = await Deno.permissions.query({ name: "read", path: plugins });
  if (state === "granted") module.insert_plugin_search_path(plugins, 0);
  return { package: found, module, memory: new Scratch(module) };
}

/** An open file of the library; only what is used here. */
interface FileStream {
  position: number;
}

/** How the library sees files; see Emscripten's File System API. */
interface FileSystem {
  open(path: string, flags: number, mode: number): FileStream;
  unlink(path: string): void;
  createStream(stream: object): FileStream;
}

/** What C's `tmpfile` asks for: the error handler writes its reasons there and reads them back. */
const TEMPORARY = /^\/tmp\/tmpfile_/;
/** Longest text of reasons; what comes after is lost. */
const REASON_BYTES = 2 ** 16;
/** Mode of a regular file that its owner reads and writes. */
const PLAIN_FILE = 0o100600;

/** Gives the error handler a file in memory: a process that may not write files must tell reasons as well. */
function keepReasonsInMemory({ FS }: { readonly FS: FileSystem }): void {
  const [open, unlink] = [FS.open, FS.unlink];
  FS.open = (path, flags, mode) =>
    TEMPORARY.test(path) ? memoryStream(FS, path, flags) : open(path, flags, mode);
  FS.unlink = (path) => {
    if (!TEMPORARY.test(path)) unlink(path);
  };
}

function memoryStream(FS: FileSystem, path: string, flags: number): FileStream {
  const bytes = new Uint8Array(REASON_BYTES);
  let size = 0;
  return FS.createStream({
    position: 0,
    path,
    flags,
    seekable: true,
    node: { mode: PLAIN_FILE },
    stream_ops: {
      llseek: ({ position }: FileStream, offset: number, whence: 0 | 1 | 2) =>
        offset + (whence === 0 ? 0 : whence === 1 ? position : size),
      read(_stream: FileStream, target: Uint8Array, offset: number, length: number, position: number) {
        const part = bytes.subarray(position, Math.min(size, position + length));
        target.set(part, offset);
        return part.length;
      },
      write(_stream: FileStream, source: Uint8Array, offset: number, length: number, position: number) {
        const end = Math.min(REASON_BYTES, position + length);
        if (position < end) bytes.set(source.subarray(offset, offset + end - position), position);
        size = Math.max(size, end);
        return length;
      },
    },
  });
}

/** Memory of the library, reused from call to call. */
export class Scratch {
  #pointer = 0;
  #size = 0;

  constructor(readonly module: H5Module) {}

  /**
   * The address of at least `size` bytes.
   *
   * @throws {RangeError} If the memory is not there.
   */
  take(size: number): bigint {
    if (size <= this.#size) return BigInt(this.#pointer);
    const heap = this.module as unknown as { _malloc(size: number): number; _free(pointer: number): void };
    if (this.#size > 0) heap._free(this.#pointer);
    this.#size = 0;
    this.#pointer = heap._malloc(size) >>> 0;
    if (this.#pointer === 0) {
      throw new RangeError(`Cannot use HDF5 as ${size} bytes of memory must be free: they are not`);
    }
    this.#size = size;
    return BigInt(this.#pointer);
  }

  /** The first bytes at the address; valid until the library runs again. */
  view(size: number): Uint8Array {
    return this.module.HEAPU8.subarray(this.#pointer, this.#pointer + size);
  }
}

/**
 * Runs the library.
 *
 * @throws {DataError} With the library's reason, naming the file.
 */
export function guard<T>(action: "read" | "write", path: string, rule: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof DataError || cause instanceof UnsupportedError || cause instanceof RangeError) {
      throw cause;
    }
    throw new DataError(`Cannot ${action} "${path}" as ${rule}: ${reasonOf(cause)}`, path, { cause });
  }
}

/** The innermost reason in the library's stack of errors, in one line. */
function reasonOf(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  const lines = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const inner = lines.findLast((line) => line.startsWith("#")) ?? lines.at(-1) ??
    "the library gave no reason";
  // "#003: H5Zdeflate.c line 140 in H5Z__filter_deflate(): inflate() failed"
  return oneLine(inner.replace(/^#\d+:?\s*/, "").replace(/^.*?\(\)\s*:\s*/, "")).slice(0, 200);
}
