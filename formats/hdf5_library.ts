/**
 * The one place that loads h5wasm 0.10.3 (the HDF5 2.0.0 library as WebAssembly) and h5wasm-plugins 0.2.1 (filters).
 *
 * By itself the library returns whatever lies in memory when a read fails. Its throwing error handler is switched on
 * here, before the first file is opened, so that **a read that fails never returns data**. What would replace it: any
 * binding of the HDF5 C library.
 *
 * Readers have an instance of their own. A filter that breaks down on damaged data takes the whole instance along; the
 * next file is then opened with a new one, and writers do not notice.
 *
 * @module
 */
import { DataError, UnsupportedError } from "../core/errors.ts";
import { isOurMessage, oneLine } from "./byte_source.ts";
import { type HeapWatch, type ReadFileSystem, watchHeaps } from "./hdf5_heaps.ts";

type Package = typeof import("h5wasm/node");
/** The functions of the library. */
export type H5Module = Awaited<Package["default"]["ready"]>;
/** How the library describes a dataset or an attribute. */
export type H5Metadata = ReturnType<H5Module["get_dataset_metadata"]>;

/** How the library describes a filter. */
export type H5Filter = ReturnType<H5Module["get_dataset_filters"]>[number];

/** The loaded library, for writing. */
export interface WritingLibrary {
  readonly package: Package;
  readonly library: H5Library;
}

let writing: Promise<WritingLibrary> | undefined;
let reading: Promise<H5Library> | undefined;

/** Loads the library for writing, once. */
export function loadWriter(): Promise<WritingLibrary> {
  return writing ??= (async () => {
    const found = await import("h5wasm/node");
    return { package: found, library: await prepare(await found.default.ready) };
  })();
}

/** Loads the library for reading: once, and again after it broke down. */
export async function loadReader(): Promise<H5Library> {
  const library = await (reading ??= instantiate());
  if (!library.isBroken) return library;
  reading = instantiate();
  return await reading;
}

/**
 * A new instance, which prints nothing when it breaks down. The package makes one of its own by this function, which it
 * does not export.
 */
async function instantiate(): Promise<H5Library> {
  const beside = import.meta.resolve("h5wasm/node");
  const { default: make } = await import(new URL("./hdf5_util.js", beside).href) as {
    default(options: object): Promise<H5Module>;
  };
  return await prepare(await make({ noInitialRun: true, printErr() {} }));
}

async function prepare(module: H5Module): Promise<H5Library> {
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
  const { FS } = module as unknown as { readonly FS: ReadFileSystem };
  return new H5Library(module, watchHeaps(FS));
}

/** An open file of the library; only what is used here. */
interface FileStream {
  position: number;
  fd?: number;
}

/** How the library sees files; see Emscripten's File System API. */
interface FileSystem {
  open(path: string, flags: number, mode: number): FileStream;
  unlink(path: string): void;
  createStream(stream: object): FileStream;
  write(stream: FileStream, bytes: Uint8Array, offset: number, length: number, position?: number): number;
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

/** Standard error of the library, where its usual error handler prints. */
const STDERR = 2;

/** One instance of the library. */
export class H5Library {
  readonly memory: Scratch;
  #isBroken = false;

  constructor(readonly module: H5Module, readonly heaps: HeapWatch) {
    this.memory = new Scratch(module);
  }

  /** Its code broke down: nothing works any more. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /**
   * Runs the library.
   *
   * @throws {DataError} With the library's reason, naming the file.
   */
  guard<T>(action: "read" | "write", path: string, rule: string, work: () => T): T {
    if (this.#isBroken) {
      throw new DataError(
        `Cannot ${action} "${path}" as the HDF5 library must be whole: damaged data stopped it; open the file again`,
        path,
      );
    }
    this.heaps.forget();
    try {
      return work();
    } catch (cause) {
      if (isBreakdown(cause)) this.#isBroken = true;
      else if (!(cause instanceof Error) || isOurs(cause)) throw cause;
      const { fault } = this.heaps;
      const what = fault === undefined ? `${rule}: ${reasonOf(cause)}` : fault;
      throw new DataError(`Cannot ${action} "${path}" as ${what}`, path, { cause });
    }
  }

  /**
   * Runs the library with its usual error handler, which prints and goes on; what it prints is lost. For work that
   * checks by itself whether all went well.
   */
  silently<T>(work: () => T): T {
    const { FS } = this.module as unknown as { readonly FS: FileSystem };
    const { write } = FS;
    FS.write = (stream, bytes, offset, length, position) =>
      stream.fd === STDERR ? length : write(stream, bytes, offset, length, position);
    this.module.deactivate_throwing_error_handler();
    try {
      return work();
    } finally {
      this.module.activate_throwing_error_handler();
      FS.write = write;
    }
  }
}

/** Errors that say already what is wrong with which file. */
function isOurs(cause: Error): boolean {
  return cause instanceof DataError || cause instanceof UnsupportedError || cause instanceof RangeError ||
    isOurMessage(cause.message);
}

/** The code stopped where it must not: a trap of WebAssembly, or `abort()`. */
function isBreakdown(cause: unknown): boolean {
  return cause instanceof WebAssembly.RuntimeError ||
    cause instanceof Error && cause.message.startsWith("Aborted(");
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
