/**
 * The C interface of ONNX Runtime: its table of functions, typed, with the memory that they are called with.
 *
 * The interface is a struct of function pointers whose order never changes once released (rules in
 * `onnxruntime/core/session/onnxruntime_c_api.cc`: "NEVER remove or rearrange"); {@linkcode API_ORDER} is that order up to
 * API version 5, which every later library serves.
 *
 * @module
 */
import { InternalError, UnsupportedError } from "../../../core/errors.ts";
import type { ProgramDtype } from "../../program/types.ts";
import { refusal } from "../graphs/ort_refusal.ts";

/** Functions of `struct OrtApi` in order, up to the last one needed (all of API version 5 or older). */
const API_ORDER = (
  // version 1
  "CreateStatus GetErrorCode GetErrorMessage CreateEnv CreateEnvWithCustomLogger EnableTelemetryEvents " +
  "DisableTelemetryEvents CreateSession CreateSessionFromArray Run CreateSessionOptions SetOptimizedModelFilePath " +
  "CloneSessionOptions SetSessionExecutionMode EnableProfiling DisableProfiling EnableMemPattern DisableMemPattern " +
  "EnableCpuMemArena DisableCpuMemArena SetSessionLogId SetSessionLogVerbosityLevel SetSessionLogSeverityLevel " +
  "SetSessionGraphOptimizationLevel SetIntraOpNumThreads SetInterOpNumThreads CreateCustomOpDomain " +
  "CustomOpDomain_Add AddCustomOpDomain RegisterCustomOpsLibrary SessionGetInputCount SessionGetOutputCount " +
  "SessionGetOverridableInitializerCount SessionGetInputTypeInfo SessionGetOutputTypeInfo " +
  "SessionGetOverridableInitializerTypeInfo SessionGetInputName SessionGetOutputName " +
  "SessionGetOverridableInitializerName CreateRunOptions RunOptionsSetRunLogVerbosityLevel " +
  "RunOptionsSetRunLogSeverityLevel RunOptionsSetRunTag RunOptionsGetRunLogVerbosityLevel " +
  "RunOptionsGetRunLogSeverityLevel RunOptionsGetRunTag RunOptionsSetTerminate RunOptionsUnsetTerminate " +
  "CreateTensorAsOrtValue CreateTensorWithDataAsOrtValue IsTensor GetTensorMutableData FillStringTensor " +
  "GetStringTensorDataLength GetStringTensorContent CastTypeInfoToTensorInfo GetOnnxTypeFromTypeInfo " +
  "CreateTensorTypeAndShapeInfo SetTensorElementType SetDimensions GetTensorElementType GetDimensionsCount " +
  "GetDimensions GetSymbolicDimensions GetTensorShapeElementCount GetTensorTypeAndShape GetTypeInfo GetValueType " +
  "CreateMemoryInfo CreateCpuMemoryInfo CompareMemoryInfo MemoryInfoGetName MemoryInfoGetId MemoryInfoGetMemType " +
  "MemoryInfoGetType AllocatorAlloc AllocatorFree AllocatorGetInfo GetAllocatorWithDefaultOptions " +
  "AddFreeDimensionOverride GetValue GetValueCount CreateValue CreateOpaqueValue GetOpaqueValue " +
  "KernelInfoGetAttribute_float KernelInfoGetAttribute_int64 KernelInfoGetAttribute_string " +
  "KernelContext_GetInputCount KernelContext_GetOutputCount KernelContext_GetInput KernelContext_GetOutput " +
  "ReleaseEnv ReleaseStatus ReleaseMemoryInfo ReleaseSession ReleaseValue ReleaseRunOptions ReleaseTypeInfo " +
  "ReleaseTensorTypeAndShapeInfo ReleaseSessionOptions ReleaseCustomOpDomain " +
  // version 2
  "GetDenotationFromTypeInfo CastTypeInfoToMapTypeInfo CastTypeInfoToSequenceTypeInfo GetMapKeyType " +
  "GetMapValueType GetSequenceElementType ReleaseMapTypeInfo ReleaseSequenceTypeInfo SessionEndProfiling " +
  "SessionGetModelMetadata ModelMetadataGetProducerName ModelMetadataGetGraphName ModelMetadataGetDomain " +
  "ModelMetadataGetDescription ModelMetadataLookupCustomMetadataMap ModelMetadataGetVersion ReleaseModelMetadata " +
  // version 3
  "CreateEnvWithGlobalThreadPools DisablePerSessionThreads CreateThreadingOptions ReleaseThreadingOptions " +
  "ModelMetadataGetCustomMetadataMapKeys AddFreeDimensionOverrideByName " +
  // version 4
  "GetAvailableProviders ReleaseAvailableProviders " +
  // version 5, first part
  "GetStringTensorElementLength GetStringTensorElement FillStringTensorElement AddSessionConfigEntry"
).split(" ");

/** The API version whose table is asked for. */
const API_VERSION = 5;

/** Signatures of the functions used; every `pointer` result but that of `GetErrorMessage` is a status, null for success. */
const SIGNATURES = {
  GetErrorMessage: { parameters: ["pointer"], result: "pointer" },
  ReleaseStatus: { parameters: ["pointer"], result: "void" },
  CreateEnv: { parameters: ["i32", "buffer", "buffer"], result: "pointer" },
  CreateSessionOptions: { parameters: ["buffer"], result: "pointer" },
  ReleaseSessionOptions: { parameters: ["pointer"], result: "void" },
  SetSessionExecutionMode: { parameters: ["pointer", "i32"], result: "pointer" },
  SetSessionLogSeverityLevel: { parameters: ["pointer", "i32"], result: "pointer" },
  SetSessionGraphOptimizationLevel: { parameters: ["pointer", "i32"], result: "pointer" },
  SetIntraOpNumThreads: { parameters: ["pointer", "i32"], result: "pointer" },
  DisableMemPattern: { parameters: ["pointer"], result: "pointer" },
  SetInterOpNumThreads: { parameters: ["pointer", "i32"], result: "pointer" },
  AddSessionConfigEntry: { parameters: ["pointer", "buffer", "buffer"], result: "pointer" },
  EnableProfiling: { parameters: ["pointer", "buffer"], result: "pointer" },
  CreateSessionFromArray: {
    parameters: ["pointer", "buffer", "usize", "pointer", "buffer"],
    result: "pointer",
  },
  ReleaseSession: { parameters: ["pointer"], result: "void" },
  CreateCpuMemoryInfo: { parameters: ["i32", "i32", "buffer"], result: "pointer" },
  CreateTensorWithDataAsOrtValue: {
    parameters: ["pointer", "buffer", "usize", "buffer", "usize", "i32", "buffer"],
    result: "pointer",
  },
  ReleaseValue: { parameters: ["pointer"], result: "void" },
  Run: {
    parameters: ["pointer", "pointer", "buffer", "buffer", "usize", "buffer", "usize", "buffer"],
    result: "pointer",
  },
} as const satisfies Record<string, Deno.ForeignFunction>;

type Signatures = typeof SIGNATURES;
/** The functions of {@linkcode SIGNATURES}, callable. */
type Functions = { readonly [K in keyof Signatures]: Deno.UnsafeFnPointer<Signatures[K]> };

/** `ONNXTensorElementDataType` of the element types of programs. */
export const ELEMENT_TYPE: { readonly [D in ProgramDtype]: number } = { float32: 1, int32: 6, bool: 9 };
/** `ORT_LOGGING_LEVEL_FATAL` of `OrtLoggingLevel`: what goes wrong is thrown, and need not be printed too. */
export const ORT_LOGGING_LEVEL_FATAL = 4;
/** `ORT_SEQUENTIAL` of `ExecutionMode`. */
export const ORT_SEQUENTIAL = 0;
/** `ORT_ENABLE_ALL` of `GraphOptimizationLevel`. */
export const ORT_ENABLE_ALL = 99;
/** `OrtArenaAllocator` of `OrtAllocatorType`. */
export const ORT_ARENA_ALLOCATOR = 1;
/** `OrtMemTypeDefault` of `OrtMemType`. */
export const ORT_MEM_TYPE_DEFAULT = 0;

/** The C interface of an opened library. */
export interface OrtApi {
  readonly version: string;
  readonly functions: Functions;
  /**
   * Frees a status.
   * @throws {InternalError} If it is not success.
   * @throws {RangeError} If an index lies outside of a tensor.
   */
  check(action: string, status: Deno.PointerValue): void;
  /** Calls `make` with a place for one pointer, checks its status and returns what was put there. */
  created(action: string, make: (out: BigUint64Array<ArrayBuffer>) => Deno.PointerValue): Deno.PointerObject;
}

/**
 * Opens the shared library at `path`.
 *
 * @throws {UnsupportedError} If it cannot be loaded.
 */
export function openApi(path: URL): OrtApi {
  const base = openBase(path);
  const getApi = new Deno.UnsafeFnPointer(pointerAt(base, 0), { parameters: ["u32"], result: "pointer" });
  const getVersion = new Deno.UnsafeFnPointer(pointerAt(base, 1), { parameters: [], result: "pointer" });
  const functions = bindFunctions(present(getApi.call(API_VERSION)));
  const check: OrtApi["check"] = (action, status) => {
    if (status === null) return;
    const text = Deno.UnsafePointerView.getCString(present(functions.GetErrorMessage.call(status)));
    functions.ReleaseStatus.call(status);
    throw refusal(action, text);
  };
  return {
    version: Deno.UnsafePointerView.getCString(present(getVersion.call())),
    functions,
    check,
    created(action, make) {
      const out = new BigUint64Array(1);
      check(action, make(out));
      return present(Deno.UnsafePointer.create(out[0]!));
    },
  };
}

/** `OrtApiBase` of the library: a struct of two functions, for the table of functions and for the version. */
function openBase(path: URL): Deno.PointerObject {
  try {
    const library = Deno.dlopen(path, { OrtGetApiBase: { parameters: [], result: "pointer" } });
    return present(library.symbols.OrtGetApiBase());
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UnsupportedError(
      `Cannot open engine "native" as the library of onnxruntime-node must load: ${reason.split("\n")[0]}`,
      "onnxruntime-node",
      { cause: error },
    );
  }
}

/** The function pointers of the table, callable. */
function bindFunctions(table: Deno.PointerObject): Functions {
  const entries = Object.entries(SIGNATURES).map(([name, signature]) => {
    const index = API_ORDER.indexOf(name);
    return [name, new Deno.UnsafeFnPointer(pointerAt<never>(table, index), signature)] as const;
  });
  return Object.fromEntries(entries) as unknown as Functions;
}

/** The pointer in slot `index` of a struct of pointers. */
function pointerAt<T = unknown>(base: Deno.PointerObject, index: number): Deno.PointerObject<T> {
  return present<T>(new Deno.UnsafePointerView(base).getPointer<T>(index * 8));
}

function present<T = unknown>(pointer: Deno.PointerValue<T>): Deno.PointerObject<T> {
  if (pointer === null) {
    throw new InternalError("Cannot use ONNX Runtime as a pointer must be set: found null");
  }
  return pointer;
}

/** A word of a foreign call: a number, memory, or a pointer. */
export type CallWord = bigint | BigUint64Array<ArrayBuffer> | Deno.PointerObject;

/** A word of a foreign call: a number as it is, memory and pointers by their address. */
export function addressOf(word: CallWord): bigint {
  if (typeof word === "bigint") return word;
  return Deno.UnsafePointer.value(word instanceof BigUint64Array ? Deno.UnsafePointer.of(word) : word);
}

/** A C string: UTF-8 that ends with a zero. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text + "\0");
}

/** Words at an address that stays: V8 keeps short arrays in its heap, and moves them, unless their buffer was made first. */
export function addressable(words: readonly bigint[]): BigUint64Array<ArrayBuffer> {
  const array = new BigUint64Array(new ArrayBuffer(8 * words.length));
  array.set(words);
  return array;
}

/** A C array of C strings. */
export interface StringTable {
  readonly table: BigUint64Array<ArrayBuffer>;
  /** The texts that the table points to: keeps their memory alive. */
  readonly strings: unknown[];
}

/** The C array of these texts. */
export function stringTable(texts: readonly string[]): StringTable {
  const strings = texts.map((text) => cString(text));
  const table = addressable(strings.map((bytes) => Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes))));
  return { table, strings };
}
