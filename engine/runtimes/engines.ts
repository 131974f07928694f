/**
 * The engines by name.
 *
 * @module
 */
import { NotFoundError } from "../../core/errors.ts";
import { nearestName } from "../../core/names.ts";
import type { Provider } from "./native/ort_providers.ts";
import type { Engine } from "./types.ts";

/** What `doctor` tells of an engine. */
export interface EngineDescription {
  readonly name: string;
  readonly description: string;
  readonly available: boolean;
  /** Version of the library behind it. */
  readonly version?: string;
  /** How the library is reached, or why the engine is not available. */
  readonly note?: string;
}

interface Entry {
  readonly description: string;
  load(): Promise<Engine>;
  inspect(): Promise<{ readonly version: string; readonly note: string }>;
}

/** Every engine; nothing is loaded before it is asked for. */
const ENGINES: { readonly [name: string]: Entry } = {
  native: {
    description: "ONNX Runtime, C++ on the CPU",
    load: async () => (await import("./native/native.ts")).nativeEngine,
    async inspect() {
      const ort = await (await import("./native/ort.ts")).openOrt();
      const note = ort.binding === "direct"
        ? "called directly"
        : "called through the package's binding, which copies results; --allow-ffi without a path is faster";
      return { version: ort.version, note };
    },
  },
  wasm: {
    description: "ONNX Runtime as WebAssembly; needs no foreign calls",
    load: async () => (await import("./wasm/wasm.ts")).wasmEngine,
    async inspect() {
      const ort = await (await import("./wasm/ort_web.ts")).openOrtWeb();
      return { version: ort.version, note: "one thread by default, 1.5 to 5 times slower than native" };
    },
  },
  "native:webgpu": providerEntry("webgpu", "ONNX Runtime on the GPU through WebGPU; experimental"),
  "native:cuda": providerEntry("cuda", "ONNX Runtime on the GPU through CUDA"),
  reference: {
    description: "tfjs's plain JavaScript kernels; slow, for tests",
    load: async () => (await import("./reference/reference.ts")).referenceEngine,
    async inspect() {
      const { version_core: version } = await import("../tf.ts");
      return { version, note: "one kernel after the other" };
    },
  },
};

function providerEntry(provider: Provider, description: string): Entry {
  return {
    description,
    load: async () => (await import("./native/ort_providers.ts")).providerEngine(provider),
    async inspect() {
      const ort = await (await import("./native/ort_providers.ts")).openProvider(provider);
      return { version: ort.version, note: "tried out; operators that it lacks run on the CPU" };
    },
  };
}

/** Names of all engines, the default first. */
export const ENGINE_NAMES: readonly string[] = Object.keys(ENGINES);

/**
 * Checks the name of an engine without loading it.
 *
 * @throws {NotFoundError} If there is none; `nearest` is the closest name.
 */
export function checkEngineName(name: string): void {
  if (Object.hasOwn(ENGINES, name)) return;
  const nearest = nearestName(name, ENGINE_NAMES);
  const known = new Intl.ListFormat("en-US").format(ENGINE_NAMES.map((known) => `"${known}"`));
  throw new NotFoundError(
    `Cannot open engine "${name}" as the engines are ${known}: found no such name` +
      (nearest ? `; did you mean "${nearest}"?` : ""),
    "engine",
    name,
    nearest,
  );
}

/**
 * The engine of that name.
 *
 * @throws {NotFoundError} If there is none; `nearest` is the closest name.
 */
export async function engineByName(name: string): Promise<Engine> {
  checkEngineName(name);
  return await ENGINES[name]!.load();
}

/**
 * Loads the library of an engine and tries it out, so that a run learns at once what the machine lacks.
 *
 * @returns The version of the library.
 *
 * @throws {NotFoundError} If there is no engine of that name.
 * @throws {UnsupportedError} If it cannot be used here: what is missing, and how to get it.
 */
export async function inspectEngine(name: string): Promise<string> {
  checkEngineName(name);
  return (await ENGINES[name]!.inspect()).version;
}

/** Every engine with its version, or why it cannot be used here. */
export function describeEngines(): Promise<readonly EngineDescription[]> {
  return Promise.all(
    Object.entries(ENGINES).map(async ([name, { description, inspect }]) => {
      try {
        return { name, description, available: true, ...await inspect() };
      } catch (error) {
        const note = error instanceof Error ? error.message : String(error);
        return { name, description, available: false, note };
      }
    }),
  );
}
