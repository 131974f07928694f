/**
 * Programs and engines for the host: verify, print, hash and encode programs; run them by the engine of a name.
 *
 * Loads neither tfjs nor ONNX Runtime: `engineByName` loads an engine when it is asked for, and tracing lives in
 * `engine/trace/trace.ts` because it needs tfjs from the start.
 *
 * @module
 */
export { hashProgram } from "./program/hash.ts";
export { encodeProgram, parseProgram } from "./program/encode.ts";
export { type PrintOptions, printProgram } from "./program/print.ts";
export type {
  InputRole,
  Program,
  ProgramConstant,
  ProgramDtype,
  ProgramInput,
  ProgramNode,
  ProgramState,
  ValueId,
  ValueType,
} from "./program/types.ts";
export { PROGRAM_LIMITS, verifyProgram } from "./program/verify.ts";
export {
  checkEngineName,
  describeEngines,
  ENGINE_NAMES,
  engineByName,
  type EngineDescription,
  inspectEngine,
} from "./runtimes/engines.ts";
export type { Engine, Executable, Session, SessionOptions, Tensor, Tensors } from "./runtimes/types.ts";
export type { ColumnType, TracedModel, TraceRequest } from "./trace/trace.ts";

/** {@linkcode traceModel} of `engine/trace/trace.ts`, loaded with tfjs when called. */
export async function traceModel(
  request: import("./trace/trace.ts").TraceRequest,
): Promise<import("./trace/trace.ts").TracedModel> {
  const tracer = await import("./trace/trace.ts");
  return await tracer.traceModel(request);
}
