/**
 * A hook's calls to programs of the host: arrays go out and come back as files of the shared directory. A
 * request has been sent when the function that makes it returns its promise, so a hook that continues
 * computing keeps the host busy.
 *
 * @module
 */
import type {
  Accumulator,
  DeviceArray,
  ModelProgram,
  ProgramInputs,
  ProgramOutputs,
} from "../../core/plugin.ts";
import type { Json, JsonObject, NdArray, Table } from "../../core/types.ts";
import { removeFolder } from "../../files/atomic.ts";
import { join } from "../../files/paths.ts";
import { openSource } from "../../formats/byte_source.ts";
import { readArrays, writeArrays } from "../protocol/call_arrays.ts";
import { answerFolder, questionName, RELEASE } from "../protocol/shared_directory.ts";

/** What calls need from their environment. */
export interface CallSurroundings {
  /** The shared directory; empty where the hook needs none. */
  readonly sharedDirectory: string;
  /** Asks the host for something: "predict", "call". */
  callHost(method: string, args: Json): Promise<Json>;
}

type Arrays = { readonly [name: string]: NdArray };
type Programs = { readonly [program: string]: ModelProgram };

/** Calls the host's programs. */
export class HostCalls {
  #count = 0;
  readonly #programs = new Map<string, Programs>();

  constructor(readonly surroundings: CallSurroundings) {}

  /** Says which inputs of a model's further programs are shared, and which outputs are added up. */
  declare(model: string, programs: Programs): void {
    this.#programs.set(model, programs);
  }

  /** Runs `predict` of a model over all rows of a table, or of a split, whose rows the host has. */
  predict(model: string, table: Table | string): Promise<ProgramOutputs> {
    if (typeof table === "string") {
      return this.#answered("predict", { ...this.#request(model, "predict", {}), split: table }, {});
    }
    return this.#answered("predict", this.#request(model, "predict", table), table);
  }

  /** Runs one of the model's further programs over all rows of the inputs. */
  call(model: string, program: string, inputs: ProgramInputs): Promise<ProgramOutputs> {
    return this.#answered("call", this.#request(model, program, inputs), sent(inputs));
  }

  /** Leaves an array with the host, under the number of the call. */
  upload(array: NdArray): DeviceArray {
    const { dtype, shape } = array;
    const handle = ++this.#count;
    this.#ask("upload", {}, { array }, handle).catch(() => {}); // reported by the calls that use it
    const dispose = async (): Promise<void> => void await this.surroundings.callHost("dispose", { handle });
    return { dtype, shape, handle, dispose };
  }

  /** Sums of a program over many calls. */
  accumulate(model: string, program: string): Accumulator {
    const accumulator = ++this.#count;
    let added: Promise<unknown> = Promise.resolve();
    return {
      add: async (inputs) => {
        const request = { ...this.#request(model, program, inputs), accumulator };
        const adding = this.#ask("add", request, sent(inputs));
        added = Promise.allSettled([added, adding]); // failures are reported here
        await adding;
      },
      total: async () => {
        await added;
        return await this.#answered("total", { accumulator }, {});
      },
    };
  }

  #request(model: string, program: string, inputs: ProgramInputs): JsonObject {
    const declared = this.#programs.get(model)?.[program];
    const shared = Object.entries(declared?.inputs ?? {}).filter(([, input]) => input.shared);
    const uploaded = Object.entries(inputs).filter((entry): entry is [string, DeviceArray] =>
      isOnDevice(entry[1])
    );
    return {
      model,
      program,
      uploaded: Object.fromEntries(uploaded.map(([name, array]) => [name, array.handle])),
      shared: shared.map(([name]) => name),
      sums: [...declared?.sums ?? []],
    };
  }

  /** Sends a request, and reads the arrays of the response. */
  async #answered(method: string, request: JsonObject, arrays: Arrays): Promise<ProgramOutputs> {
    const { sharedDirectory, callHost } = this.surroundings;
    const { call, answer } = await this.#ask(method, request, arrays);
    const folder = answerFolder(sharedDirectory, call);
    const outputs = readArrays((file) => openSource(join(folder, file)), answer as string[]);
    await callHost(RELEASE, { call });
    return outputs;
  }

  async #ask(
    method: string,
    request: JsonObject,
    arrays: Arrays,
    call: number = ++this.#count,
  ): Promise<{ readonly call: number; readonly answer: Json }> {
    const { sharedDirectory, callHost } = this.surroundings;
    const directory = join(sharedDirectory, questionName(call));
    const inputs = Object.keys(arrays);
    writeArrays(directory, arrays);
    try {
      return { call, answer: await callHost(method, { ...request, call, inputs }) };
    } finally {
      if (inputs.length > 0) await removeFolder(directory); // still there where the host did not take it
    }
  }
}

function isOnDevice(input: NdArray | DeviceArray): input is DeviceArray {
  return "handle" in input;
}

/** The inputs that the host does not have. */
function sent(inputs: ProgramInputs): Arrays {
  const entries = Object.entries(inputs).filter((entry): entry is [string, NdArray] => !isOnDevice(entry[1]));
  return Object.fromEntries(entries);
}
