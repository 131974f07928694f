/**
 * Means of a program's outputs over all rows of a table.
 *
 * @module
 */
import type { Executable, Tensors } from "../engine/runtimes/types.ts";
import { BatchBuffer } from "./batches.ts";
import { batchSizeOf, columnsOf, type ProgramColumns } from "./programs/inputs.ts";

/** Programs that give a mean over the rows of a batch. */
export interface MeanPrograms {
  /** For whole batches. */
  readonly whole: Executable;
  /** For the rows that are left; without it they are left out of the sum. */
  readonly tail?: Executable | undefined;
  /** Inputs beside the columns, for the batch that begins with row `from`. @default none */
  readonly extra?: (executable: Executable, from: number) => Tensors;
}

/**
 * Mean of each output over all rows, each row counted once: whole batches, then the rest, weighted by their rows.
 *
 * @param columns Shape [row, ...] each.
 */
export async function meanOverRows(
  columns: ProgramColumns,
  { whole, tail, extra = () => ({}) }: MeanPrograms,
): Promise<{ [name: string]: number }> {
  const used = columnsOf(whole, columns);
  const rows = Object.values(columns)[0]?.rows ?? 0;
  const sums: { [name: string]: number } = {};
  const add = async (executable: Executable, buffer: BatchBuffer, from: number): Promise<void> => {
    buffer.fillRange(from);
    const outputs = await executable.run({ ...buffer.tensors, ...extra(executable, from) });
    for (const [name, output] of Object.entries(outputs)) {
      sums[name] = (sums[name] ?? 0) + (output.data as Float32Array)[0]! * buffer.batchSize;
    }
  };
  const batchSize = batchSizeOf(whole);
  const buffer = new BatchBuffer(used, batchSize);
  let from = 0;
  for (; from + batchSize <= rows; from += batchSize) await add(whole, buffer, from);
  if (from < rows && tail) await add(tail, new BatchBuffer(used, rows - from), from);
  return Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum / rows]));
}
