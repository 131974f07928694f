/**
 * Execution providers of onnxruntime-node beside the CPU: `native:webgpu` and `native:cuda`.
 *
 * They are reached through the package's binding. The same graphs run; operators that a provider does not have stay on
 * the CPU, with copies between. WebGPU is part of the package and called experimental by it; CUDA is fetched by the
 * package's install script.
 *
 * @module
 */
import { InternalError, UnsupportedError } from "../../../core/errors.ts";
import { Builder, type OnnxNode } from "../../onnx/builder.ts";
import { encodeOnnx } from "../../onnx/encode.ts";
import { GraphSession } from "../graphs/graph_session.ts";
import { importPackage } from "./ort.ts";
import { type PackageOrt, packageOrt } from "../graphs/ort_package.ts";
import { defaultThreads } from "../threads.ts";
import type { Engine } from "../types.ts";

/** A provider, as the library knows it. */
export type Provider = "webgpu" | "cuda";

interface ProviderEntry {
  /** What the machine must have, and how to get it. */
  readonly needs: string;
  /** How the package is told of the provider. */
  option(cpuNodes: readonly string[]): unknown;
  /** Nodes that the provider computes wrongly or not at all; they stay on the CPU. */
  readonly onCpu: (node: OnnxNode) => boolean;
  /** Says cheaply what is missing; undefined when only a trial can tell. */
  missing(): Promise<string | undefined>;
}

const PROVIDERS: { readonly [P in Provider]: ProviderEntry } = {
  webgpu: {
    needs:
      "a GPU with a Vulkan, Metal or Direct3D 12 driver (on Debian: libvulkan1 and the driver's package; " +
      "mesa-vulkan-drivers computes on the CPU)",
    option: (cpuNodes) => cpuNodes.length > 0 ? { name: "webgpu", forceCpuNodeNames: cpuNodes } : "webgpu",
    onCpu: isUnfitForWebGpu,
    missing() {
      if (Deno.build.os !== "linux") return Promise.resolve(undefined);
      try {
        Deno.dlopen("libvulkan.so.1", {}).close();
        return Promise.resolve(undefined);
      } catch (error) {
        // Without leave to look, the trial tells.
        return Promise.resolve(error instanceof Deno.errors.NotCapable ? undefined : "no libvulkan.so.1");
      }
    },
  },
  cuda: {
    needs: "Linux x64, CUDA 12, cuDNN 9 and the provider's libraries (run " +
      "ONNXRUNTIME_NODE_INSTALL=cuda12 deno install --allow-scripts=npm:onnxruntime-node)",
    option: () => "cuda",
    onCpu: () => false,
    async missing() {
      const file = "libonnxruntime_providers_cuda.so";
      if (`${Deno.build.os}/${Deno.build.arch}` !== "linux/x86_64") {
        return `${Deno.build.os}/${Deno.build.arch}`;
      }
      const folder = new URL("../bin/napi-v6/linux/x64/", import.meta.resolve("onnxruntime-node"));
      try {
        await Deno.stat(new URL(file, folder));
        return undefined;
      } catch (error) {
        return error instanceof Deno.errors.NotFound ? `no ${file}` : undefined;
      }
    },
  },
};

/**
 * What the WebGPU provider of onnxruntime-node 1.30.0 gets wrong, as the conformance suite found with Mesa 25.0.7's
 * software Vulkan. Refused: three-dimensional transposed convolutions, maxima with their positions, some powers. Wrong
 * numbers: transposed convolutions in groups, convolutions of 9 channels (a multiple of 3 but not of 4). Off by 3e-4:
 * arc sines and cosines.
 */
function isUnfitForWebGpu({ op, inputs, outputs, attrs }: OnnxNode): boolean {
  const [x] = inputs;
  switch (op) {
    case "Acos":
    case "Asin":
    case "Pow":
      return true;
    case "Conv":
      return x!.shape[1]! % 3 === 0 && x!.shape[1]! % 4 !== 0;
    case "ConvTranspose":
      return x!.shape.length > 4 || attrs["group"] !== 1;
    case "MaxPool":
      return outputs.length > 1;
    default:
      return false;
  }
}

const opened = new Map<Provider, Promise<PackageOrt>>();

/**
 * The library on a provider, opened and tried on the first call.
 *
 * @throws {UnsupportedError} If the provider is not present: what is missing, and how to get it.
 */
export function openProvider(provider: Provider): Promise<PackageOrt> {
  const known = opened.get(provider);
  if (known) return known;
  const opening = open(provider);
  opened.set(provider, opening);
  return opening;
}

async function open(provider: Provider): Promise<PackageOrt> {
  const missing = await PROVIDERS[provider].missing();
  if (missing !== undefined) throw notPresent(provider, missing);
  try {
    const ort = packageOrt(
      ...await importPackage((cpuNodes) => [PROVIDERS[provider].option(cpuNodes), "cpu"]),
    );
    await tryOut(ort);
    return ort;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw notPresent(provider, reason, cause);
  }
}

function notPresent(provider: Provider, found: string, cause?: unknown): UnsupportedError {
  const { needs } = PROVIDERS[provider];
  const text = `Cannot open engine "native:${provider}" as it needs ${needs}: found ${found}`;
  return new UnsupportedError(text, `native:${provider}`, { cause });
}

/** A product of two matrices: what is not present shows here rather than after the data are prepared. */
async function tryOut(ort: PackageOrt): Promise<void> {
  const builder = new Builder();
  const type = { dtype: "float32", shape: [2, 2] } as const;
  const x = builder.input("x", type);
  const graph = builder.finish("trial", [{ name: "y", value: builder.node("MatMul", [x, x]) }]);
  const model = await ort.load(encodeOnnx(graph), { inputs: ["x"], outputs: ["y"] }, { threads: 1 });
  const [input, output] = [ort.tensor("float32", [2, 2]), ort.tensor("float32", [2, 2])];
  input.data.set([1, 2, 3, 4]);
  await model.bind([input], [output])();
  await model.dispose();
  const product = output.data.join();
  if (product === "7,10,15,22") return;
  throw new InternalError(`Cannot use provider as [1, 2; 3, 4] squared is [7, 10; 15, 22]: found ${product}`);
}

/** The engine of a provider. Threads are those of the operators that stay on the CPU. */
export function providerEngine(provider: Provider): Engine {
  const engine = `native:${provider}`;
  return {
    name: engine,
    async open(state, { threads = defaultThreads(), graphs } = {}) {
      const ort = await openProvider(provider);
      const { onCpu } = PROVIDERS[provider];
      return new GraphSession({ engine, ort, threads, threadsFor: () => threads, onCpu, graphs }, state);
    },
  };
}
