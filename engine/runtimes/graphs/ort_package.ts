/**
 * ONNX Runtime through `onnxruntime-common`, the JavaScript interface that onnxruntime-node and onnxruntime-web share.
 *
 * Every call copies: inputs go into the library's memory, results come back in fresh arrays and are copied to where they
 * are wanted.
 *
 * @module
 */
import { type ArrayOf, sizeOf } from "../../../core/types.ts";
import { UnsupportedError } from "../../../core/errors.ts";
import { refusal } from "./ort_refusal.ts";
import type { ProgramDtype } from "../../program/types.ts";
import { zeros } from "../arrays.ts";
import type { GraphNames, LoadOptions, Ort, OrtModel, OrtTensor } from "./ort_types.ts";

/** A tensor of the package. */
interface BindingTensor {
  readonly data: unknown;
}

/** Options of a run of the package. */
interface RunOptions {
  readonly logSeverityLevel: number;
}

/** A loaded graph of the package. */
interface BindingSession {
  run(
    feeds: { readonly [name: string]: BindingTensor },
    fetches: readonly string[],
    options: RunOptions,
  ): Promise<{ readonly [name: string]: BindingTensor }>;
  release(): Promise<void>;
}

/** What is used of either package. */
export interface Binding {
  readonly InferenceSession: {
    create(bytes: Uint8Array, options: { readonly [option: string]: unknown }): Promise<BindingSession>;
  };
  readonly Tensor: new (dtype: ProgramDtype, data: unknown, shape: readonly number[]) => BindingTensor;
}

/** Options of {@linkcode packageOrt}. */
export interface PackageOptions {
  readonly version: string;
  /** Execution providers in the order of preference, or their choice by the names of nodes that must run on the CPU. */
  readonly providers: readonly unknown[] | ((cpuNodes: readonly string[]) => readonly unknown[]);
  /** Further options of every session. @default none */
  readonly session?: { readonly [option: string]: unknown };
}

/** A library that can be told which nodes of a graph run on the CPU. */
export interface PackageOrt extends Ort {
  load(
    onnx: Uint8Array<ArrayBuffer>,
    names: GraphNames,
    options: LoadOptions & { readonly cpuNodes?: readonly string[] },
  ): Promise<OrtModel>;
}

/** A package as the library that sessions run on. Runs of all its graphs take turns, whoever asks for them. */
export function packageOrt(
  binding: Binding,
  { version, providers, session = {} }: PackageOptions,
): PackageOrt {
  const tensor: Ort["tensor"] = (dtype, shape, within) => {
    const size = sizeOf(shape);
    const data =
      (within
        ? within.tensor.data.subarray(within.offset, within.offset + size)
        : zeros(dtype, size)) as ArrayOf[typeof dtype];
    return { dtype, shape, data, handle: new binding.Tensor(dtype, data, [...shape]) };
  };
  let last: Promise<unknown> = Promise.resolve();
  const turn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(work);
    last = result.catch(() => {});
    return result;
  };
  const load: PackageOrt["load"] = async (onnx, names, { threads, cpuNodes = [] }) => {
    const graph = await turn(() =>
      refusals("load", () =>
        binding.InferenceSession.create(onnx, {
          executionProviders: typeof providers === "function" ? providers(cpuNodes) : providers,
          intraOpNumThreads: threads,
          interOpNumThreads: 1,
          executionMode: "sequential",
          graphOptimizationLevel: "all",
          logSeverityLevel: SILENT,
          ...session,
        }))
    );
    return modelOf(graph, names, turn);
  };
  return { version, binding: "package", tensor, release: () => {}, load };
}

/** Only what ends the process is logged: other failures are thrown, and need not be printed too. */
const SILENT = 4;
/** How graphs are run. */
export const QUIETLY: RunOptions = { logSeverityLevel: SILENT };

type Turn = <T>(work: () => Promise<T>) => Promise<T>;

function modelOf(session: BindingSession, names: GraphNames, turn: Turn): OrtModel {
  const handleOf = (tensor: OrtTensor) => tensor.handle as BindingTensor;
  return {
    bind(inputs, outputs) {
      const feeds = Object.fromEntries(names.inputs.map((name, i) => [name, handleOf(inputs[i]!)]));
      return () =>
        turn(async () => {
          const results = await refusals("run", () => session.run(feeds, names.outputs, QUIETLY));
          names.outputs.forEach((name, i) => outputs[i]!.data.set(results[name]!.data as Float32Array));
        });
    },
    dispose: () => turn(() => session.release()),
  };
}

/** Turns what the package throws into an error of ours. */
async function refusals<T>(action: "load" | "run", work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof UnsupportedError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw refusal(`${action} graph`, reason, cause);
  }
}
