/**
 * ONNX Runtime called through its C interface, without the package's JavaScript binding.
 *
 * Why: the binding copies every output tensor into a fresh `ArrayBuffer` on each call, also when the caller gave one
 * (80 µs for 345 kB of weights, more than their whole Adam update), and converts every input anew (2 µs each). Here
 * tensors are wrapped once around memory of ours; a run is one foreign call whatever its number of tensors (44 in and
 * 44 out: 15 µs against 200 µs), and results lie where they are needed.
 *
 * The C interface is a struct of function pointers whose order never changes once released (rules in
 * `onnxruntime/core/session/onnxruntime_c_api.cc`: "NEVER remove or rearrange"); {@linkcode API_ORDER} is that order up to
 * API version 5, which every later library serves.
 *
 * @module
 */
import { type ArrayOf, sizeOf } from "../../../core/types.ts";
import { InternalError, UnsupportedError } from "../../../core/errors.ts";
import type { ProgramDtype } from "../../program/types.ts";
import { ARRAYS } from "../arrays.ts";
import { openWorkerPool } from "../../workers/pool.ts";
import { type FloatMode, openFloatMode } from "../../workers/float_mode.ts";
import { mapLargeArrays } from "./heap.ts";
import type { LoadOptions, Ort, OrtCall, OrtTensor } from "./ort.ts";

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
type Api = { readonly [K in keyof Signatures]: Deno.UnsafeFnPointer<Signatures[K]> };

/** `ONNXTensorElementDataType` of the element types of programs. */
const ELEMENT_TYPE: { readonly [D in ProgramDtype]: number } = { float32: 1, int32: 6, bool: 9 };
const ORT_LOGGING_LEVEL_ERROR = 3;
const ORT_SEQUENTIAL = 0;
const ORT_ENABLE_ALL = 99;
const ORT_ARENA_ALLOCATOR = 1;
const ORT_MEM_TYPE_DEFAULT = 0;

/** Start of a buffer is aligned to this many bytes: one cache line, one AVX-512 register. */
const ALIGNMENT = 64;

/**
 * Opens the shared library at `path`. Needs `--allow-ffi` without a path: calling through pointers is not granted for
 * single folders.
 *
 * @throws {UnsupportedError} If it cannot be loaded.
 */
export function openDirect(path: URL): Ort {
  let base: Deno.PointerObject;
  try {
    const library = Deno.dlopen(path, { OrtGetApiBase: { parameters: [], result: "pointer" } });
    base = present(library.symbols.OrtGetApiBase());
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UnsupportedError(
      `Cannot open engine "native" as the library of onnxruntime-node must load: ${reason.split("\n")[0]}`,
      "onnxruntime-node",
      { cause: error },
    );
  }
  const getApi = new Deno.UnsafeFnPointer(pointerAt(base, 0), { parameters: ["u32"], result: "pointer" });
  const getVersion = new Deno.UnsafeFnPointer(pointerAt(base, 1), { parameters: [], result: "pointer" });
  const table = present(getApi.call(API_VERSION));
  mapLargeArrays();
  const version = Deno.UnsafePointerView.getCString(present(getVersion.call()));
  return library(bindFunctions(table), version, openFloatMode());
}

/** The function pointers of the table, callable. */
function bindFunctions(table: Deno.PointerObject): Api {
  const entries = Object.entries(SIGNATURES).map(([name, signature]) => {
    const index = API_ORDER.indexOf(name);
    return [name, new Deno.UnsafeFnPointer(pointerAt<never>(table, index), signature)] as const;
  });
  return Object.fromEntries(entries) as unknown as Api;
}

function library(api: Api, version: string, floatMode: FloatMode): Ort {
  const check = (action: string, status: Deno.PointerValue) => {
    if (status === null) return;
    const text = Deno.UnsafePointerView.getCString(present(api.GetErrorMessage.call(status)));
    api.ReleaseStatus.call(status);
    throw new InternalError(`Cannot ${action} as ONNX Runtime refused: ${text.replaceAll("\n", " ")}`);
  };
  /** Calls `make` with a place for one pointer and returns what was put there. */
  const created = (action: string, make: (out: BigUint64Array<ArrayBuffer>) => Deno.PointerValue) => {
    const out = new BigUint64Array(1);
    check(action, make(out));
    return present(Deno.UnsafePointer.create(out[0]!));
  };
  const environment = created(
    "start ONNX Runtime",
    (out) => api.CreateEnv.call(ORT_LOGGING_LEVEL_ERROR, cString("beamline"), out),
  );
  const cpu = created(
    "describe memory",
    (out) => api.CreateCpuMemoryInfo.call(ORT_ARENA_ALLOCATOR, ORT_MEM_TYPE_DEFAULT, out),
  );

  /** Words of calls of `Run`, in the order of its parameters but for the run options, which are null. */
  const described = new WeakMap<
    OrtCall,
    readonly (bigint | BigUint64Array<ArrayBuffer> | Deno.PointerObject)[]
  >();

  const sessionOptions = (options: LoadOptions) => {
    const pointer = created("make session options", (out) => api.CreateSessionOptions.call(out));
    const entry = (key: string, value: string) =>
      check(`set "${key}"`, api.AddSessionConfigEntry.call(pointer, cString(key), cString(value)));
    check("set threads", api.SetIntraOpNumThreads.call(pointer, options.threads));
    check("set threads", api.SetInterOpNumThreads.call(pointer, 1));
    check("set execution mode", api.SetSessionExecutionMode.call(pointer, ORT_SEQUENTIAL));
    check("set optimization", api.SetSessionGraphOptimizationLevel.call(pointer, ORT_ENABLE_ALL));
    check("set log level", api.SetSessionLogSeverityLevel.call(pointer, ORT_LOGGING_LEVEL_ERROR));
    if (options.sharesCores) {
      entry("session.intra_op.allow_spinning", "0");
      // One block for all of a run comes beside the pieces of the first run, which are kept.
      check("plan no memory", api.DisableMemPattern.call(pointer));
    }
    // For the threads of ONNX Runtime; the calling thread is switched by `floatMode`.
    if (floatMode.canFlush) entry("session.set_denormal_as_zero", "1");
    if (options.profile !== undefined) {
      check("start profile", api.EnableProfiling.call(pointer, cString(options.profile)));
    }
    return pointer;
  };

  const tensor: Ort["tensor"] = (dtype, shape, within) => {
    const size = sizeOf(shape);
    const data = within
      ? within.tensor.data.subarray(within.offset, within.offset + size) as ArrayOf[typeof dtype]
      : zeros(dtype, size);
    const value = created(
      `wrap ${dtype}[${shape}]`,
      (out) =>
        api.CreateTensorWithDataAsOrtValue.call(
          cpu,
          data,
          BigInt(data.byteLength),
          BigInt64Array.from(shape, BigInt),
          BigInt(shape.length),
          ELEMENT_TYPE[dtype],
          out,
        ),
    );
    return { dtype, shape, data, handle: Deno.UnsafePointer.value(value) };
  };

  // deno-lint-ignore require-await
  const load: Ort["load"] = async (onnx, names, options) => {
    const settings = sessionOptions(options);
    const session = created(
      "load graph",
      (out) => api.CreateSessionFromArray.call(environment, onnx, BigInt(onnx.byteLength), settings, out),
    );
    api.ReleaseSessionOptions.call(settings);
    floatMode.restore();
    const inputNames = stringTable(names.inputs);
    const outputNames = stringTable(names.outputs);
    let isOpen = true;
    return {
      bind(inputs, outputs) {
        const inputValues = addressable(inputs.map((t) => t.handle as bigint));
        const outputValues = addressable(outputs.map((t) => t.handle as bigint));
        // ONNX Runtime holds bare addresses: keeping the tensors here keeps their memory alive.
        const alive = [inputs, outputs, inputNames, outputNames];
        const call = () => {
          if (!isOpen || alive.length === 0) {
            throw new InternalError("Cannot run graph as it must be loaded: it was disposed");
          }
          floatMode.flush();
          const status = api.Run.call(
            session,
            null,
            inputNames.table,
            inputValues,
            BigInt(inputs.length),
            outputNames.table,
            BigInt(outputs.length),
            outputValues,
          );
          floatMode.restore();
          check("run graph", status);
        };
        described.set(call, [
          session,
          inputNames.table,
          inputValues,
          BigInt(inputs.length),
          outputNames.table,
          BigInt(outputs.length),
          outputValues,
        ]);
        return call;
      },
      dispose() {
        if (isOpen) api.ReleaseSession.call(session);
        isOpen = false;
        return Promise.resolve();
      },
    };
  };

  const together: Ort["together"] = async (most) => {
    const pool = await openWorkerPool(most - 1);
    const words = new WeakMap<OrtCall, BigUint64Array>();
    const wordsOf = (call: OrtCall) => {
      const known = words.get(call);
      if (known) return known;
      const made = BigUint64Array.from([api.Run.pointer, ...described.get(call)!], addressOf);
      words.set(call, made);
      return made;
    };
    return ([own, ...others]) => {
      const statuses = pool(own!, others.map(wordsOf));
      for (const status of statuses) check("run graph", Deno.UnsafePointer.create(status));
    };
  };

  const release = (t: OrtTensor) => api.ReleaseValue.call(Deno.UnsafePointer.create(t.handle as bigint));
  return { version, binding: "direct", tensor, release, load, together };
}

/** A word of a foreign call: a number as it is, memory and pointers by their address. */
function addressOf(word: bigint | BigUint64Array<ArrayBuffer> | Deno.PointerObject): bigint {
  if (typeof word === "bigint") return word;
  return Deno.UnsafePointer.value(word instanceof BigUint64Array ? Deno.UnsafePointer.of(word) : word);
}

/** Zeros that begin on a cache line. V8 neither moves nor copies memory that an `ArrayBuffer` was made for. */
function zeros<D extends ProgramDtype>(dtype: D, size: number): ArrayOf[D] {
  const array = ARRAYS[dtype];
  const buffer = new ArrayBuffer(size * array.BYTES_PER_ELEMENT + ALIGNMENT);
  const address = Deno.UnsafePointer.value(Deno.UnsafePointer.of(new Uint8Array(buffer)));
  const offset = (ALIGNMENT - Number(address % BigInt(ALIGNMENT))) % ALIGNMENT;
  return new array(buffer, offset, size) as ArrayOf[D];
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

function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text + "\0");
}

/** Words at an address that stays: V8 keeps short arrays in its heap, and moves them, unless their buffer was made first. */
function addressable(words: readonly bigint[]): BigUint64Array<ArrayBuffer> {
  const array = new BigUint64Array(new ArrayBuffer(8 * words.length));
  array.set(words);
  return array;
}

/** A C array of C strings; `strings` keeps their memory. */
function stringTable(texts: readonly string[]): { table: BigUint64Array<ArrayBuffer>; strings: unknown[] } {
  const strings = texts.map((text) => cString(text));
  const table = addressable(strings.map((bytes) => Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes))));
  return { table, strings };
}
