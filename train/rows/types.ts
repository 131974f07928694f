/**
 * Rows in an order, and rows side by side.
 *
 * @module
 */
import type { RandomKey } from "../../core/random.ts";
import type { BatchBuffer, ProgramColumns } from "../batches.ts";

/** The random numbers of one epoch's order. */
export type OrderKey = Required<Pick<RandomKey, "seed" | "purpose" | "epoch">>;

/** The order of the rows in one epoch. */
export interface RowOrder {
  /** Whether rows are being read meanwhile, which needs turns of the event loop. */
  readonly isReading: boolean;
  /**
   * Fills a batch with the rows at positions `from`, `from + 1`, ... of the order.
   *
   * @returns A promise where they must be waited for.
   */
  fill(batch: BatchBuffer, from: number): Promise<void> | undefined;
}

/** Adjacent rows. */
export interface Chunk {
  /** The first of them, counted in the table. */
  readonly from: number;
  readonly columns: ProgramColumns;
}
