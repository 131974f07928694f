/**
 * ONNX Runtime called through its C interface, without the package's JavaScript binding.
 *
 * Why: the binding copies every output tensor into a fresh `ArrayBuffer` on each call, also when the caller gave one
 * (80 µs for 345 kB of weights, more than their whole Adam update), and converts every input anew (2 µs each). Here
 * tensors are wrapped once around memory of ours; a run is one foreign call whatever its number of tensors (44 in and
 * 44 out: 15 µs against 200 µs), and results lie where they are needed.
 *
 * @module
 */
import { type ArrayOf, sizeOf } from "../../../core/types.ts";
import { InternalError } from "../../../core/errors.ts";
import type { ProgramDtype } from "../../program/types.ts";
import { ARRAYS } from "../arrays.ts";
import type { GraphNames, LoadOptions, Ort, OrtCall, OrtModel, OrtTensor } from "../graphs/ort_types.ts";
import { openWorkerPool } from "../../workers/pool.ts";
import { type FloatMode, openFloatMode } from "../../workers/float_mode.ts";
import { mapLargeArrays } from "./heap.ts";
import {
  addressable,
  addressOf,
  type CallWord,
  cString,
  ELEMENT_TYPE,
  openApi,
  ORT_ARENA_ALLOCATOR,
  ORT_ENABLE_ALL,
  ORT_LOGGING_LEVEL_FATAL,
  ORT_MEM_TYPE_DEFAULT,
  ORT_SEQUENTIAL,
  type OrtApi,
  type StringTable,
  stringTable,
} from "./ort_c_api.ts";

/** Start of a buffer is aligned to this many bytes: one cache line, one AVX-512 register. */
const ALIGNMENT = 64;

/**
 * Opens the shared library at `path`. Needs `--allow-ffi` without a path: calling through pointers is not granted for
 * single folders.
 *
 * @throws {UnsupportedError} If it cannot be loaded.
 */
export function openDirect(path: URL): Ort {
  const api = openApi(path);
  mapLargeArrays();
  return new DirectOrt(api, openFloatMode());
}

/** Words of calls of `Run`, in the order of its parameters but for the run options, which are null. */
type CallWords = WeakMap<OrtCall, readonly CallWord[]>;

/** The library through its C interface. */
class DirectOrt implements Ort {
  readonly binding = "direct";
  readonly version: string;
  readonly #api: OrtApi;
  readonly #floatMode: FloatMode;
  readonly #environment: Deno.PointerObject;
  /** Describes memory of ours. */
  readonly #cpu: Deno.PointerObject;
  readonly #words: CallWords = new WeakMap();

  constructor(api: OrtApi, floatMode: FloatMode) {
    [this.#api, this.#floatMode, this.version] = [api, floatMode, api.version];
    const { functions, created } = api;
    this.#environment = created(
      "start ONNX Runtime",
      (out) => functions.CreateEnv.call(ORT_LOGGING_LEVEL_FATAL, cString("beamline"), out),
    );
    this.#cpu = created(
      "describe memory",
      (out) => functions.CreateCpuMemoryInfo.call(ORT_ARENA_ALLOCATOR, ORT_MEM_TYPE_DEFAULT, out),
    );
  }

  tensor<D extends ProgramDtype>(
    dtype: D,
    shape: readonly number[],
    within?: { readonly tensor: OrtTensor<D>; readonly offset: number },
  ): OrtTensor<D> {
    const size = sizeOf(shape);
    const data = within
      ? within.tensor.data.subarray(within.offset, within.offset + size) as ArrayOf[D]
      : zeros(dtype, size);
    const value = this.#api.created(
      `wrap ${dtype}[${shape}]`,
      (out) =>
        this.#api.functions.CreateTensorWithDataAsOrtValue.call(
          this.#cpu,
          data,
          BigInt(data.byteLength),
          BigInt64Array.from(shape, BigInt),
          BigInt(shape.length),
          ELEMENT_TYPE[dtype],
          out,
        ),
    );
    return { dtype, shape, data, handle: Deno.UnsafePointer.value(value) };
  }

  release({ handle }: OrtTensor): void {
    this.#api.functions.ReleaseValue.call(Deno.UnsafePointer.create(handle as bigint));
  }

  // deno-lint-ignore require-await
  async load(onnx: Uint8Array<ArrayBuffer>, names: GraphNames, options: LoadOptions): Promise<OrtModel> {
    const { functions, created } = this.#api;
    const settings = this.#sessionOptions(options);
    const session = created(
      "load graph",
      (out) =>
        functions.CreateSessionFromArray.call(
          this.#environment,
          onnx,
          BigInt(onnx.byteLength),
          settings,
          out,
        ),
    );
    functions.ReleaseSessionOptions.call(settings);
    this.#floatMode.restore();
    return new DirectModel(this.#api, this.#floatMode, session, names, this.#words);
  }

  #sessionOptions(options: LoadOptions): Deno.PointerObject {
    const { functions, check, created } = this.#api;
    const pointer = created("make session options", (out) => functions.CreateSessionOptions.call(out));
    const entry = (key: string, value: string) =>
      check(`set "${key}"`, functions.AddSessionConfigEntry.call(pointer, cString(key), cString(value)));
    check("set threads", functions.SetIntraOpNumThreads.call(pointer, options.threads));
    check("set threads", functions.SetInterOpNumThreads.call(pointer, 1));
    check("set execution mode", functions.SetSessionExecutionMode.call(pointer, ORT_SEQUENTIAL));
    check("set optimization", functions.SetSessionGraphOptimizationLevel.call(pointer, ORT_ENABLE_ALL));
    check("set log level", functions.SetSessionLogSeverityLevel.call(pointer, ORT_LOGGING_LEVEL_FATAL));
    if (options.sharesCores) {
      entry("session.intra_op.allow_spinning", "0");
      // One block for all of a run comes beside the pieces of the first run, which are kept.
      check("plan no memory", functions.DisableMemPattern.call(pointer));
    }
    // For the threads of ONNX Runtime; the calling thread is switched by `#floatMode`.
    if (this.#floatMode.canFlush) entry("session.set_denormal_as_zero", "1");
    if (options.profile !== undefined) {
      check("start profile", functions.EnableProfiling.call(pointer, cString(options.profile)));
    }
    return pointer;
  }

  async together(most: number): Promise<(calls: readonly OrtCall[]) => void> {
    const pool = await openWorkerPool(most - 1);
    const addresses = new WeakMap<OrtCall, BigUint64Array>();
    const addressesOf = (call: OrtCall) => {
      const known = addresses.get(call);
      if (known) return known;
      const made = BigUint64Array.from(
        [this.#api.functions.Run.pointer, ...this.#words.get(call)!],
        addressOf,
      );
      addresses.set(call, made);
      return made;
    };
    return ([own, ...others]) => {
      const statuses = pool(own!, others.map(addressesOf));
      for (const status of statuses) this.#api.check("run graph", Deno.UnsafePointer.create(status));
    };
  }
}

/** A loaded graph. */
class DirectModel implements OrtModel {
  readonly #api: OrtApi;
  readonly #floatMode: FloatMode;
  readonly #session: Deno.PointerObject;
  readonly #inputs: StringTable;
  readonly #outputs: StringTable;
  readonly #words: CallWords;
  #isOpen = true;

  constructor(
    api: OrtApi,
    floatMode: FloatMode,
    session: Deno.PointerObject,
    names: GraphNames,
    words: CallWords,
  ) {
    [this.#api, this.#floatMode, this.#session, this.#words] = [api, floatMode, session, words];
    [this.#inputs, this.#outputs] = [stringTable(names.inputs), stringTable(names.outputs)];
  }

  bind(inputs: readonly OrtTensor[], outputs: readonly OrtTensor[]): OrtCall {
    const { functions, check } = this.#api;
    const words = [
      this.#session,
      this.#inputs.table,
      addressable(inputs.map((t) => t.handle as bigint)),
      BigInt(inputs.length),
      this.#outputs.table,
      BigInt(outputs.length),
      addressable(outputs.map((t) => t.handle as bigint)),
    ] as const;
    const [session, inputNames, inputValues, inputCount, outputNames, outputCount, outputValues] = words;
    // ONNX Runtime holds bare addresses: keeping the tensors here keeps their memory alive.
    const alive = [inputs, outputs];
    const call = () => {
      if (!this.#isOpen || alive.length === 0) {
        throw new InternalError("Cannot run graph as it must be loaded: it was disposed");
      }
      this.#floatMode.flush();
      const status = functions.Run.call(
        session,
        null,
        inputNames,
        inputValues,
        inputCount,
        outputNames,
        outputCount,
        outputValues,
      );
      this.#floatMode.restore();
      check("run graph", status);
    };
    this.#words.set(call, words);
    return call;
  }

  dispose(): Promise<void> {
    if (this.#isOpen) this.#api.functions.ReleaseSession.call(this.#session);
    this.#isOpen = false;
    return Promise.resolve();
  }
}

/** Zeros that begin on a cache line. V8 neither moves nor copies memory that an `ArrayBuffer` was made for. */
function zeros<D extends ProgramDtype>(dtype: D, size: number): ArrayOf[D] {
  const array = ARRAYS[dtype];
  const buffer = new ArrayBuffer(size * array.BYTES_PER_ELEMENT + ALIGNMENT);
  const address = Deno.UnsafePointer.value(Deno.UnsafePointer.of(new Uint8Array(buffer)));
  const offset = (ALIGNMENT - Number(address % BigInt(ALIGNMENT))) % ALIGNMENT;
  return new array(buffer, offset, size) as ArrayOf[D];
}
