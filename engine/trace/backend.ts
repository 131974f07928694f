/**
 * The tfjs backend named "trace". A kernel whose inputs are all known is computed at once on tfjs's plain
 * JavaScript backend; a kernel with a symbolic input is recorded as a node.
 *
 * @module
 */
import { NoRuleError, UnsupportedError } from "../../core/errors.ts";
import {
  formatType,
  inferKernel,
  isKernel,
  isUnchanged,
  type Kernel,
  KERNELS,
  REFUSED_KERNELS,
  ruleOf,
} from "../program/kernels.ts";
import type { ProgramDtype, ValueId, ValueType } from "../program/types.ts";
import * as tf from "../tf.ts";
import { ALIASES, type KernelInputs } from "./aliases.ts";
import { checkIndices, INDICES } from "./cpu/indices.ts";
import { cpuKernel } from "./cpu/kernels.ts";
import { registerGradients } from "./gradients/gradients.ts";
import { type CpuBackend, cpuBackend, type DataId, engineInternals } from "./internals.ts";
import { type Attrs, normalizeAttrs, type RawAttrs } from "./normalize.ts";
import { constantData, type Recorder } from "./recorder.ts";

/** Name of the backend. */
export const TRACE_BACKEND = "trace";

interface Symbol {
  readonly value: ValueId;
  readonly recorder: Recorder;
  references: number;
}

/** Where recorded nodes go, and what they are called. */
export interface Session {
  readonly recorder: Recorder;
  /** The layer and operation now running. */
  scope(): string;
}

/** See the module. */
export class TraceBackend extends tf.KernelBackend {
  readonly cpu: CpuBackend;
  /** The function being traced; `undefined` between traces. */
  session: Session | undefined;
  readonly #symbols = new Map<DataId, Symbol>();
  readonly #constants = new Map<DataId, ValueId>();
  #nextId = 0;

  constructor(cpu: CpuBackend) {
    super();
    this.cpu = cpu;
  }

  /** Starts recording; forgets the constants and symbols of the function before. */
  begin(session: Session): void {
    this.session = session;
    this.#constants.clear();
    this.#symbols.clear();
  }

  /** Stops recording. */
  end(): void {
    this.session = undefined;
    this.#constants.clear();
    this.#symbols.clear();
  }

  isSymbolic(info: tf.TensorInfo): boolean {
    return this.#symbols.has(info.dataId);
  }

  /** A tensor info that stands for a value of the recorder. */
  symbol(value: ValueId): tf.TensorInfo {
    const { recorder } = this.#active();
    const { shape, dtype } = recorder.typeOf(value);
    const dataId = { id: `trace ${this.#nextId++}` };
    this.#symbols.set(dataId, { value, recorder, references: 1 });
    return { dataId, shape: [...shape], dtype };
  }

  /** The recorder's value of a tensor; a known tensor becomes a constant. */
  idOf(info: tf.TensorInfo): ValueId {
    const symbol = this.#symbols.get(info.dataId);
    const { recorder } = this.#active();
    if (symbol) {
      if (symbol.recorder === recorder) return symbol.value;
      throw new UnsupportedError(
        `Cannot trace "${this.session?.scope()}" as a tensor must not outlive the function it was made in: found ${
          formatType(symbol.recorder.typeOf(symbol.value))
        } of another function or call`,
        "tensors kept between calls",
      );
    }
    const known = this.#constants.get(info.dataId);
    // An alias may have another shape; the constant then is made anew.
    if (known !== undefined && recorder.typeOf(known).shape.join() === info.shape.join()) return known;
    const dtype = this.#dtype(info);
    const value = recorder.constant({ dtype, shape: info.shape }, this.cpu.data.get(info.dataId).values);
    this.#constants.set(info.dataId, value);
    return value;
  }

  /** Runs or records one kernel. */
  call(kernel: string, inputs: KernelInputs, attrs: RawAttrs): tf.TensorInfo | tf.TensorInfo[] {
    // Kernels of ragged tensors take lists in their slots.
    const tensors = Object.values(inputs).flat().filter((info) => info !== undefined && info !== null);
    const isSymbolic = this.session !== undefined && tensors.some((info) => this.isSymbolic(info));
    if (kernel === "Identity" && isSymbolic) return this.#alias(tensors[0]!);
    if (!isSymbolic) return this.#compute(kernel, inputs, attrs);
    const fill = fillOf(kernel, attrs);
    if (fill !== undefined) return this.#filled(tensors[0]!, fill);
    const alias = Object.hasOwn(ALIASES, kernel) ? ALIASES[kernel] : undefined;
    if (alias) return alias(this, inputs as { readonly [slot: string]: tf.TensorInfo }, attrs);
    if (!isKernel(kernel)) throw this.#refused(kernel, tensors);
    return this.#record(kernel, inputs, attrs);
  }

  /** Records a kernel as it is, past the aliases. */
  recordPlain(kernel: Kernel, inputs: KernelInputs, attrs: RawAttrs): tf.TensorInfo | tf.TensorInfo[] {
    return this.#record(kernel, inputs, attrs);
  }

  #compute(kernel: string, inputs: KernelInputs, attrs: RawAttrs): tf.TensorInfo | tf.TensorInfo[] {
    const run = cpuKernel(kernel);
    if (!run) throw this.#refused(kernel, Object.values(inputs));
    return run({ inputs: inputs as { readonly [slot: string]: tf.TensorInfo }, attrs, cpu: this.cpu });
  }

  #record(kernel: Kernel, inputs: KernelInputs, attrs: RawAttrs): tf.TensorInfo | tf.TensorInfo[] {
    const slots = KERNELS[kernel].inputs;
    const infos = slots === "variadic"
      ? Object.values(inputs)
      : slots.map((name) => (inputs as { readonly [slot: string]: tf.TensorInfo | undefined })[name]);
    const types = infos.map((info) => (info ? { dtype: this.#dtype(info), shape: info.shape } : null));
    if (kernel === "Cast") this.#dtype({ ...infos[0]!, dtype: attrs["dtype"] as tf.DataType });
    const normal = this.#normalize(kernel, attrs, types);
    const { recorder, scope } = this.#active();
    let results: tf.TensorInfo[];
    try {
      this.#checkIndices(kernel, infos, attrs);
      if (passesThrough(kernel, normal, types)) results = [this.#alias(infos[0]!)];
      else {
        const values = infos.map((info) => (info ? this.idOf(info) : null));
        results = recorder.node(kernel, values, normal, scope()).map((value) => this.symbol(value));
      }
    } catch (cause) {
      if (!(cause instanceof TypeError || cause instanceof RangeError)) throw cause;
      throw new (cause instanceof TypeError ? TypeError : RangeError)(
        `${cause.message}; reached from "${scope()}"`,
        { cause },
      );
    }
    return KERNELS[kernel].returnsList ? results : results[0]!;
  }

  /** Indices that are known must lie inside; others are checked when the program runs. */
  #checkIndices(kernel: Kernel, infos: readonly (tf.TensorInfo | undefined)[], attrs: RawAttrs): void {
    const own = INDICES[kernel];
    if (!own) return;
    const slots = KERNELS[kernel].inputs as readonly string[];
    const indices = infos[slots.indexOf(own.slot)];
    if (!indices || this.isSymbolic(indices)) return;
    const shapes = Object.fromEntries(slots.map((slot, i) => [slot, infos[i]!.shape]));
    checkIndices(kernel, shapes, attrs, this.cpu.data.get(indices.dataId).values);
  }

  #normalize(
    kernel: Kernel,
    attrs: RawAttrs,
    types: readonly (ValueType | null)[],
  ): ReturnType<typeof normalizeAttrs> {
    try {
      return normalizeAttrs(kernel, attrs, types);
    } catch (cause) {
      throw new UnsupportedError(
        `Cannot trace kernel "${kernel}" as ${
          (cause as Error).message
        }; reached from "${this.session?.scope()}"`,
        kernel,
        { cause },
      );
    }
  }

  #alias(info: tf.TensorInfo): tf.TensorInfo {
    this.incRef(info.dataId);
    return { dataId: info.dataId, shape: info.shape, dtype: info.dtype };
  }

  #filled(info: tf.TensorInfo, value: number): tf.TensorInfo {
    const data = constantData(
      new Uint8Array(tf.util.sizeFromShape(info.shape)).fill(value),
      this.#dtype(info),
    );
    return this.cpu.makeTensorInfo(info.shape, info.dtype, data);
  }

  #dtype(info: tf.TensorInfo): ProgramDtype {
    if (info.dtype === "float32" || info.dtype === "int32" || info.dtype === "bool") return info.dtype;
    throw new UnsupportedError(
      `Cannot trace "${this.session?.scope()}" as programs hold float32, int32 and bool: found ${info.dtype}`,
      info.dtype,
    );
  }

  #refused(kernel: string, infos: readonly (tf.TensorInfo | undefined)[]): Error {
    const types = infos.map((info) => (info ? `${info.dtype}[${info.shape}]` : "nothing")).join(", ");
    const scope = this.session?.scope() ?? "";
    if (Object.hasOwn(REFUSED_KERNELS, kernel)) {
      return new UnsupportedError(
        `Cannot trace kernel "${kernel}" as ${
          REFUSED_KERNELS[kernel]
        }: reached from "${scope}" with ${types}`,
        kernel,
      );
    }
    return new NoRuleError(
      `Cannot trace kernel "${kernel}" as it has no rule: reached from "${scope}" with ${types}`,
      kernel,
      scope,
    );
  }

  #active(): Session {
    if (!this.session) {
      throw new TypeError("Cannot use a traced tensor as the trace must be running: it has ended");
    }
    return this.session;
  }

  override write(values: tf.BackendValues, shape: number[], dtype: tf.DataType): DataId {
    return this.cpu.write(values, shape, dtype);
  }

  override move(
    id: DataId,
    values: tf.BackendValues,
    shape: number[],
    dtype: tf.DataType,
    refCount: number,
  ): void {
    this.cpu.move(id, values, shape, dtype, refCount);
  }

  override readSync(id: DataId): tf.BackendValues {
    if (this.#symbols.has(id)) throw this.#unreadable();
    return this.cpu.readSync(id);
  }

  override read(id: DataId): Promise<tf.BackendValues> {
    if (this.#symbols.has(id)) return Promise.reject(this.#unreadable());
    return this.cpu.read(id);
  }

  #unreadable(): Error {
    return new UnsupportedError(
      `Cannot read a tensor in "${
        this.session?.scope() ?? ""
      }" as a model function is traced once, before there are numbers: found dataSync, data, arraySync or print; ` +
        "use tensor operations, such as tf.where instead of if",
      "reading a tensor while tracing",
    );
  }

  override refCount(id: DataId): number {
    return this.#symbols.get(id)?.references ?? this.cpu.refCount(id);
  }

  override incRef(id: DataId): void {
    const symbol = this.#symbols.get(id);
    if (symbol) symbol.references++;
    else if (this.cpu.data.has(id)) this.cpu.incRef(id);
  }

  /** Symbols are only counted: their values stay known until the trace ends. */
  override disposeData(id: DataId, force?: boolean): boolean {
    const symbol = this.#symbols.get(id);
    if (!symbol) return this.cpu.disposeData(id, force);
    symbol.references--;
    return force === true || symbol.references <= 0;
  }

  disposeIntermediateTensorInfo(info: tf.TensorInfo): void {
    this.disposeData(info.dataId);
  }

  override numDataIds(): number {
    return this.cpu.numDataIds() + this.#symbols.size;
  }

  override memory(): { unreliable: boolean } {
    return { unreliable: true };
  }

  override floatPrecision(): 16 | 32 {
    return 32;
  }

  override epsilon(): number {
    return this.cpu.epsilon();
  }

  override timerAvailable(): boolean {
    return false;
  }

  override time(run: () => void): Promise<tf.BackendTimingInfo> {
    run();
    return Promise.resolve({ kernelMs: 0 } as tf.BackendTimingInfo);
  }

  override dispose(): void {
    this.#symbols.clear();
  }
}

/** The number of all elements of a tensor that only takes its shape from its operand. */
function fillOf(kernel: string, attrs: RawAttrs): number | undefined {
  if (!isKernel(kernel)) return undefined;
  const { kind } = ruleOf(kernel).traits;
  return kind.is === "creation" ? kind.number?.(attrs) : undefined;
}

/** Whether a kernel gives its first operand back, so that no node is needed. */
function passesThrough(kernel: Kernel, attrs: Attrs, types: readonly (ValueType | null)[]): boolean {
  const { traits } = ruleOf(kernel);
  const [x] = types;
  if (traits.unchanged === "never" || !x) return false;
  return isUnchanged(traits, attrs, x, inferKernel(kernel, types, attrs));
}

/** Registers the backend with all kernels, once. */
export async function traceBackend(): Promise<TraceBackend> {
  if (tf.findBackend("cpu") === null) await tf.setBackend("cpu");
  if (!engineInternals().backendName) await tf.setBackend("cpu");
  const known = tf.findBackend(TRACE_BACKEND);
  if (known instanceof TraceBackend) return known;
  const backend = new TraceBackend(cpuBackend());
  registerGradients();
  // A negative priority: tfjs never chooses it by itself.
  tf.registerBackend(TRACE_BACKEND, () => backend, -1);
  const names = new Set([
    ...Object.keys(KERNELS),
    ...Object.keys(REFUSED_KERNELS),
    ...tf.getKernelsForBackend("cpu").map((config) => config.kernelName as string),
  ]);
  for (const kernelName of names) {
    tf.registerKernel({
      kernelName: kernelName as "Add",
      backendName: TRACE_BACKEND,
      kernelFunc: ({ inputs, attrs }) =>
        backend.call(kernelName, inputs as KernelInputs, (attrs ?? {}) as unknown as RawAttrs),
    });
  }
  return backend;
}
