/**
 * The host's side of a hook's calls: runs programs on arrays that the sandbox wrote, and keeps what shall stay here between
 * calls.
 *
 * @module
 */
import { z } from "zod";
import { NotFoundError } from "../../core/errors.ts";
import { nearestName } from "../../core/names.ts";
import type { Json, NdArray, Tables } from "../../core/types.ts";
import { readArrays, writeArrays } from "../../sandbox/protocol/call_arrays.ts";
import type { SharedDirectory, Taking } from "../../sandbox/host/taken.ts";
import { answerFolder, questionName } from "../../sandbox/protocol/shared_directory.ts";
import { DEFAULT_LIMITS } from "../../sandbox/protocol/limits.ts";
import type { LoadedModel } from "../../train/models.ts";
import type { Arrays, Sums } from "../../train/programs/run_over.ts";

const number = z.int().positive();
const names = z.array(z.string().max(200)).max(1000);

/** A call to a program. */
const programCall = z.object({
  model: z.string().max(200),
  program: z.string().max(200),
  /** Number of the call, which names the folder of its arrays. */
  call: number,
  /** Inputs that were written, in the order of their files. */
  inputs: names,
  /** Inputs that stayed here, by the number of their array. */
  uploaded: z.record(z.string().max(200), number),
  shared: names,
  sums: names,
});
type ProgramCall = z.output<typeof programCall>;
const predictCall = programCall.extend({ split: z.string().max(200).optional() });
const addCall = programCall.extend({ accumulator: number });
const uploadCall = z.object({ call: number });
const disposeCall = z.object({ handle: number });
const totalCall = z.object({ call: number, accumulator: number });

/** What an accumulator adds up. */
interface Accumulated {
  readonly model: string;
  readonly program: string;
  readonly sums: Sums;
  /** What its sums take here, as far as they are counted. */
  bytes: number;
}

/** Beside the numbers of an array: what the host needs to know of it. */
const ENTRY_BYTES = 1024;

/** Options of {@linkcode ProgramCalls}. */
export interface ProgramCallsOptions {
  /** Who calls, for messages. @default nobody */
  readonly taking?: Taking;
  /** Prepared tables, which a call may name by their split. @default none */
  readonly tables?: Tables;
  /** Bytes of arrays and sums that may stay here. @default that of the table of limits */
  readonly mostBytes?: number;
}

/** Answers the calls of one hook. What stayed here goes with it. */
export class ProgramCalls {
  readonly #uploaded = new Map<number, Promise<NdArray>>();
  readonly #accumulated = new Map<number, Accumulated>();
  readonly #tables: Tables;
  readonly #mostBytes: number;
  readonly #taking: Taking;
  /** Questions that were read and are being removed. */
  readonly #removals = new Set<Promise<void>>();
  #bytes = 0;

  constructor(
    readonly models: ReadonlyMap<string, LoadedModel>,
    readonly shared: SharedDirectory,
    options: ProgramCallsOptions = {},
  ) {
    this.#taking = options.taking ?? { plugin: "", hook: "" };
    this.#tables = options.tables ?? {};
    this.#mostBytes = options.mostBytes ?? DEFAULT_LIMITS.keptBytes;
  }

  /**
   * Answers a call by name.
   *
   * @throws {NotFoundError} If there is no such method, model, program, or nothing that stayed here under the number.
   * @throws {RangeError} If more would stay here than may.
   */
  async answer(method: string, args: Json): Promise<Json> {
    const methods: { readonly [method: string]: (args: Json) => Promise<Json> | Json } = {
      predict: (args) => this.#predict(predictCall.parse(args)),
      call: (args) => this.#run(programCall.parse(args)),
      upload: (args) => this.#upload(uploadCall.parse(args).call),
      dispose: (args) => this.#dispose(disposeCall.parse(args).handle),
      add: (args) => this.#add(addCall.parse(args)),
      total: (args) => this.#total(totalCall.parse(args)),
    };
    const answer = Object.hasOwn(methods, method) ? methods[method] : undefined;
    if (answer) {
      try {
        return await answer(args);
      } finally {
        await Promise.all(this.#removals);
      }
    }
    throw new NotFoundError(
      `Cannot answer "${method}" as there is no such method: known are ${Object.keys(methods).join(", ")}`,
      "method",
      method,
      nearestName(method, Object.keys(methods)),
    );
  }

  /** Predicts for rows that were sent, or for those of a split, which are here. */
  async #predict({ split, ...request }: z.output<typeof predictCall>): Promise<Json> {
    if (split === undefined) return await this.#run(request);
    const table = Object.hasOwn(this.#tables, split) ? this.#tables[split] : undefined;
    if (table) {
      return this.#write(request.call, await this.#model(request.model).runOver(request.program, table));
    }
    const known = Object.keys(this.#tables);
    throw new NotFoundError(
      `Cannot predict for split "${split}" as prepare gave ${
        known.join(", ") || "no tables"
      }: found no such table`,
      "split",
      split,
      nearestName(split, known),
    );
  }

  async #run(request: ProgramCall): Promise<Json> {
    const model = this.#model(request.model);
    const outputs = await model.runOver(request.program, this.#inputs(request), request);
    return this.#write(request.call, outputs);
  }

  #write(call: number, outputs: Arrays): Json {
    writeArrays(answerFolder(this.shared.path, call), outputs);
    return Object.keys(outputs);
  }

  async #upload(call: number): Promise<Json> {
    const array = this.#read(call);
    this.#uploaded.set(call, array); // at once: calls that use it may be here already
    await array;
    return null;
  }

  // deno-lint-ignore require-await
  async #read(call: number): Promise<NdArray> {
    const { array } = this.#arrays(call, ["array"]);
    this.#take(array!.data.byteLength);
    return array!;
  }

  /** The arrays of a call, whose folder is taken out of the sandbox's reach first. */
  #arrays(call: number, names: readonly string[]): Arrays {
    if (names.length === 0) return {};
    const folder = this.shared.take(questionName(call), this.#taking);
    try {
      return readArrays((file) => folder.source(file), names);
    } finally {
      const removal = folder.remove().finally(() => this.#removals.delete(removal));
      this.#removals.add(removal);
    }
  }

  async #dispose(handle: number): Promise<Json> {
    const array = this.#found(handle);
    this.#uploaded.delete(handle);
    this.#bytes -= (await array).data.byteLength + ENTRY_BYTES;
    return null;
  }

  async #add({ accumulator, ...request }: z.output<typeof addCall>): Promise<Json> {
    const { model, program } = request;
    const found = this.#accumulated.get(accumulator) ?? { model, program, sums: new Map(), bytes: 0 };
    if (found.model !== model || found.program !== program) {
      throw new TypeError(
        `Cannot add to accumulator ${accumulator} as it is for program "${found.program}" of model "${found.model}": found "${program}" of "${model}"`,
      );
    }
    if (!this.#accumulated.has(accumulator)) {
      this.#take(0);
      this.#accumulated.set(accumulator, found);
    }
    try {
      await this.#model(model).runOver(program, this.#inputs(request), { ...request, into: found.sums });
    } finally {
      this.#countSums(accumulator, found);
    }
    return null;
  }

  /**
   * Counts what an accumulator takes after each addition: sums come with the first rows, which need not be in the first
   * addition, and part of them may be there when an addition fails.
   */
  #countSums(accumulator: number, found: Accumulated): void {
    if (this.#accumulated.get(accumulator) !== found) return; // its total was taken meanwhile
    const bytes = [...found.sums.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
    try {
      this.#grow(bytes - found.bytes);
      found.bytes = bytes;
    } catch (error) {
      this.#forget(accumulator, found);
      throw error;
    }
  }

  #forget(accumulator: number, found: Accumulated): void {
    this.#accumulated.delete(accumulator);
    this.#bytes -= found.bytes + ENTRY_BYTES;
  }

  #total({ call, accumulator }: z.output<typeof totalCall>): Json {
    const found = this.#accumulated.get(accumulator);
    if (!found) throw this.#absent("accumulator", accumulator);
    this.#forget(accumulator, found);
    return this.#write(call, Object.fromEntries(found.sums));
  }

  async #inputs({ call, inputs, uploaded }: ProgramCall): Promise<Arrays> {
    const here = Object.entries(uploaded).map(async ([name, number]) =>
      [name, await this.#found(number)] as const
    );
    const found = Promise.all(here);
    found.catch(() => {}); // reported below, unless the arrays that were sent fail first
    const sent = this.#arrays(call, inputs);
    return { ...Object.fromEntries(await found), ...sent };
  }

  #model(name: string): LoadedModel {
    const model = this.models.get(name);
    if (model) return model;
    const known = [...this.models.keys()];
    throw new NotFoundError(
      `Cannot call model "${name}" as it was not trained: known are ${known.join(", ") || "none"}`,
      "model",
      name,
      nearestName(name, known),
    );
  }

  #found(number: number): Promise<NdArray> {
    const array = this.#uploaded.get(number);
    if (!array) throw this.#absent("device array", number);
    return array;
  }

  #absent(what: string, number: number): NotFoundError {
    return new NotFoundError(
      `Cannot use ${what} ${number} as it must be here: it was let go of, or never came`,
      what,
      String(number),
    );
  }

  /** Counts something new. */
  #take(bytes: number): void {
    this.#grow(bytes + ENTRY_BYTES);
  }

  #grow(bytes: number): void {
    const sum = this.#bytes + bytes;
    if (sum > this.#mostBytes) {
      throw new RangeError(
        `Cannot keep more for a sandbox as its arrays and sums may have at most ${this.#mostBytes} bytes: with these they have ${sum}`,
      );
    }
    this.#bytes = sum;
  }
}
