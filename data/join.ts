/**
 * Tables one after the other.
 *
 * @module
 */
import type { Column, Table } from "../core/types.ts";
import { sizeOf } from "../core/types.ts";
import { createArray } from "../formats/arrays.ts";

/**
 * One table with the rows of several, in their order.
 *
 * @param parts At least one; all with the same columns, dtypes and shapes of rows.
 */
export function joinTables<T extends Table>(parts: readonly T[]): T {
  const [first] = parts;
  if (first === undefined || parts.length === 1) return first!;
  return Object.fromEntries(
    Object.entries(first).map(([name, column]) => {
      const rows = parts.reduce((sum, part) => sum + (part[name]!.shape[0] ?? 0), 0);
      const shape = [rows, ...column.shape.slice(1)];
      const data = createArray(column.dtype, sizeOf(shape)) as Float64Array<ArrayBuffer>;
      let at = 0;
      for (const part of parts) {
        const piece = part[name]!.data as Float64Array<ArrayBuffer>; // elements are only moved
        data.set(piece, at);
        at += piece.length;
      }
      return [name, { ...column, shape, data } as unknown as Column];
    }),
  ) as T;
}
