/**
 * The parts of tfjs's global engine that tracing needs and that its public types hide. Checked against
 * tfjs 4.22.0; `trace_test.ts` fails when a later version renames one.
 *
 * @module
 */
import * as tf from "../tf.ts";

/** Identity of a tensor's data; compared by reference. */
export type DataId = object;

/** A node of the gradient tape. */
export interface TapeNode {
  gradient?: (dys: unknown) => { [input: string]: () => tf.Tensor };
}

/** tfjs's engine with what it hides. */
export interface EngineInternals {
  backendName: string | null;
  backend: tf.KernelBackend;
  state: {
    registeredVariables: { [name: string]: tf.Variable };
    activeTape?: TapeNode[] | null;
    scopeStack: { name: string }[];
    gradientDepth: number;
    kernelDepth: number;
    activeScope: { name: string } | null;
    tensorInfo: WeakMap<DataId, { backend: tf.KernelBackend }>;
  };
  startScope(name?: string): void;
  endScope(result?: tf.TensorContainer): void;
  makeTensor(values: unknown, shape: number[], dtype: tf.DataType, backend?: tf.KernelBackend): tf.Tensor;
  makeTensorFromTensorInfo(info: tf.TensorInfo, backend?: tf.KernelBackend): tf.Tensor;
  makeVariable(initial: tf.Tensor, trainable?: boolean, name?: string, dtype?: tf.DataType): tf.Variable;
  getTensorsForGradient(kernel: string, inputs: unknown, outputs: tf.Tensor[]): (tf.Tensor | undefined)[];
  addTapeNode(...args: unknown[]): void;
  disposeVariable(variable: tf.Variable): void;
}

/** The global engine. */
export function engineInternals(): EngineInternals {
  return tf.engine() as unknown as EngineInternals;
}

/** tfjs's plain JavaScript backend with what it hides. */
export interface CpuBackend extends tf.KernelBackend {
  /** Set to false, tfjs does not advise to install its Node package. */
  firstUse: boolean;
  data: { has(id: DataId): boolean; get(id: DataId): { values: ArrayLike<number>; refCount: number } };
  makeTensorInfo(shape: readonly number[], dtype: tf.DataType, values?: unknown): tf.TensorInfo;
  incRef(id: DataId): void;
}

/** tfjs's plain JavaScript backend, quiet. */
export function cpuBackend(): CpuBackend {
  const backend = tf.findBackend("cpu") as CpuBackend;
  backend.firstUse = false;
  return backend;
}

/** A variable whose data can be exchanged. */
export interface OpenVariable {
  dataId: DataId;
}
