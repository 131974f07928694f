/**
 * Means of a program's outputs over all rows of a table.
 *
 * @module
 */
import type { Executable, Tensors } from "../engine/runtimes/types.ts";
import { BatchBuffer } from "./batches.ts";
import { batchSizeOf, columnsOf } from "./programs/inputs.ts";
import { chunksOf, columnsIn, rowsIn, type TrainRows } from "./rows/rows.ts";

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
 * @param rows Columns of shape [row, ...] each.
 */
export async function meanOverRows(
  rows: TrainRows,
  { whole, tail, extra = () => ({}) }: MeanPrograms,
): Promise<{ [name: string]: number }> {
  const names = Object.keys(columnsOf(whole, columnsIn(rows)));
  const total = rowsIn(rows);
  const sums: { [name: string]: number } = {};
  const add = async (executable: Executable, buffer: BatchBuffer, at: number, from: number) => {
    buffer.fillRange(at);
    const outputs = await executable.run({ ...buffer.tensors, ...extra(executable, from) });
    for (const [name, output] of Object.entries(outputs)) {
      sums[name] = (sums[name] ?? 0) + (output.data as Float32Array)[0]! * buffer.batchSize;
    }
  };
  const batchSize = batchSizeOf(whole);
  for (const { from, columns } of chunksOf(rows, names, batchSize)) {
    const buffer = new BatchBuffer(columns, batchSize);
    const end = Math.min(total, from + (Object.values(columns)[0]?.rows ?? 0)) - from;
    let at = 0;
    for (; at + batchSize <= end; at += batchSize) await add(whole, buffer, at, from + at);
    if (at < end && tail) await add(tail, new BatchBuffer(columns, end - at), at, from + at);
  }
  return Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum / total]));
}
