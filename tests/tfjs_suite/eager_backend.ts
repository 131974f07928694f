/**
 * A tfjs backend that computes each kernel on an engine: the call is traced to a program of its own, with every tensor
 * as an input, which is verified, lowered and run. So tfjs code with numbers in it, tests and gradients included, goes
 * through tracer, lowering rules and engine.
 *
 * @module
 */
import { UnsupportedError } from "../../core/errors.ts";
import { type TraceBackend, traceBackend } from "../../engine/trace/backend.ts";
import type { KernelInputs } from "../../engine/trace/aliases.ts";
import type { RawAttrs } from "../../engine/trace/normalize.ts";
import { constantData, Recorder } from "../../engine/trace/recorder.ts";
import type { Program, ProgramDtype, ValueId } from "../../engine/program/types.ts";
import type { Tensor, Tensors } from "../../engine/runtimes/types.ts";
import * as tf from "../../engine/tf.ts";

/** Name of the backend. */
export const EAGER_BACKEND = "beamline";

/** Runs a program; see `SyncEngine.run`. */
export type RunProgram = (program: Program, inputs: Tensors) => Tensors;

/** What went another way than a result while kernels were called. */
export interface Incident {
  /**
   * The tracer has no rule for the kernel or the type of its tensors (`unsupported`), or for these shapes and attributes
   * (`refused`, which is right where tfjs throws too); or the engine failed on a program that the tracer had accepted.
   */
  readonly kind: "unsupported" | "refused" | "engine failed";
  readonly reason: string;
}

/** What a slot of a kernel may hold: some kernels of ragged tensors take lists. */
type Slot = tf.TensorInfo | readonly tf.TensorInfo[] | undefined;

/** A kernel call as a program. */
interface Traced {
  readonly program: Program;
  readonly results: readonly { readonly info: tf.TensorInfo; readonly input: tf.TensorInfo | undefined }[];
  readonly isList: boolean;
}

/** See the module. Tensors lie in tfjs's plain JavaScript backend. */
export class EagerBackend extends tf.MathBackendCPU {
  /** Kernels that were computed by the engine so far, by number of calls. */
  readonly calls = new Map<string, number>();
  readonly #trace: TraceBackend;
  readonly #run: RunProgram;
  #incidents: Incident[] = [];

  constructor(trace: TraceBackend, run: RunProgram) {
    super();
    (this as unknown as { firstUse: boolean }).firstUse = false;
    this.#trace = trace;
    this.#run = run;
  }

  /** What happened since this was last asked. */
  takeIncidents(): readonly Incident[] {
    return this.#incidents.splice(0);
  }

  /** Computes one kernel. */
  call(kernel: string, inputs: KernelInputs, attrs: RawAttrs): tf.TensorInfo | tf.TensorInfo[] {
    const infos = Object.values(inputs).flat().filter((info) => info !== undefined && info !== null);
    if (infos.length === 0) return this.#known(kernel, attrs);
    const traced = this.#watch("refused", () => this.#traced(kernel, inputs, attrs));
    const outputs = this.#watch("engine failed", () => this.#outputs(kernel, traced, infos));
    const results = traced.results.map(({ info, input }, i) => {
      if (input) return this.#alias(input, info.shape);
      return this.makeTensorInfo(info.shape, info.dtype, outputs[`y${i}`]!.data);
    });
    return traced.isList ? results : results[0]!;
  }

  /** A kernel without inputs is a constant of a program: tfjs computes it while tracing. */
  #known(kernel: string, attrs: RawAttrs): tf.TensorInfo | tf.TensorInfo[] {
    const config = tf.getKernel(kernel, "cpu");
    return config.kernelFunc({ inputs: {}, attrs: attrs as unknown as tf.NamedAttrMap, backend: this });
  }

  #outputs(kernel: string, { program }: Traced, infos: readonly tf.TensorInfo[]): Tensors {
    if (program.nodes.length + program.constants.length === 0) return {};
    this.calls.set(kernel, (this.calls.get(kernel) ?? 0) + 1);
    const named = program.inputs.map(({ name }): [string, Tensor] => {
      const info = infos[Number(name.slice(1))]!;
      const dtype = info.dtype as ProgramDtype;
      const data = constantData(this.readSync(info.dataId) as Float32Array, dtype);
      return [name, { dtype, shape: info.shape, data } as Tensor];
    });
    return this.#run(program, Object.fromEntries(named));
  }

  #traced(kernel: string, inputs: KernelInputs, attrs: RawAttrs): Traced {
    const trace = this.#trace;
    const recorder = new Recorder();
    const given = new Map<ValueId, tf.TensorInfo>();
    trace.begin({ recorder, scope: () => kernel });
    try {
      const symbolOf = (info: Slot): Slot => {
        if (!info) return undefined;
        if (Array.isArray(info)) return info.map((one) => symbolOf(one) as tf.TensorInfo);
        // The pixels of an image are no tensor; the kernel that takes them has no rule.
        if (!("dataId" in info)) return info;
        const { shape } = info as tf.TensorInfo;
        const type = { dtype: programDtype(kernel, info as tf.TensorInfo), shape };
        const value = recorder.input(`x${given.size}`, shape.length === 0 ? "scalar" : "batch", type);
        given.set(value, info as tf.TensorInfo);
        return trace.symbol(value);
      };
      const symbols = Array.isArray(inputs)
        ? symbolOf(inputs)
        : Object.fromEntries(Object.entries(inputs).map(([slot, info]) => [slot, symbolOf(info)]));
      const result = trace.call(kernel, symbols as KernelInputs, attrs);
      const results = (Array.isArray(result) ? result : [result])
        .map((info) => ({ info, value: trace.idOf(info) }));
      return {
        program: recorder.finish(kernel, {
          outputs: results.flatMap(({ value }, i) => (given.has(value) ? [] : [{ name: `y${i}`, value }])),
          updates: [],
        }),
        results: results.map(({ info, value }) => ({ info, input: given.get(value) })),
        isList: Array.isArray(result),
      };
    } finally {
      trace.end();
    }
  }

  #alias({ dataId, dtype }: tf.TensorInfo, shape: number[]): tf.TensorInfo {
    this.incRef(dataId);
    return { dataId, dtype, shape };
  }

  /** Notes what is thrown. */
  #watch<T>(kind: Incident["kind"], work: () => T): T {
    try {
      return work();
    } catch (error) {
      const isPlain = error instanceof UnsupportedError && error.cause === undefined;
      this.#incidents.push(
        isPlain && kind === "refused"
          ? { kind: "unsupported", reason: error.feature }
          : { kind, reason: reasonOf(error) },
      );
      throw error;
    }
  }
}

function programDtype(kernel: string, { dtype }: tf.TensorInfo): ProgramDtype {
  if (dtype === "float32" || dtype === "int32" || dtype === "bool") return dtype;
  throw new UnsupportedError(
    `Cannot trace kernel "${kernel}" as programs hold float32, int32 and bool: found ${dtype}`,
    dtype,
  );
}

/** A message without what differs from shape to shape. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/(: found |; reached from ).*/s, "").replaceAll(/\s+/g, " ").trim();
}

/** Registers the backend with all kernels. */
export async function registerEagerBackend(run: RunProgram): Promise<EagerBackend> {
  const trace = await traceBackend();
  const backend = new EagerBackend(trace, run);
  tf.registerBackend(EAGER_BACKEND, () => backend, -1);
  for (const { kernelName } of tf.getKernelsForBackend("trace")) {
    tf.registerKernel({
      kernelName: kernelName as "Add",
      backendName: EAGER_BACKEND,
      kernelFunc: ({ inputs, attrs }) =>
        backend.call(kernelName as string, inputs as KernelInputs, (attrs ?? {}) as unknown as RawAttrs),
    });
  }
  return backend;
}
