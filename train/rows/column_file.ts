/**
 * The file of a column, read without waiting, as the numbers that programs take.
 *
 * @module
 */
import type { TypedArray } from "../../core/types.ts";
import { sizeOf } from "../../core/types.ts";
import type { PagedColumn } from "../../data/paged.ts";
import { bytesOf, createArray } from "../../formats/arrays.ts";
import { withFileAsync } from "../../formats/byte_source.ts";
import { type ColumnDtype, type ProgramColumn, programColumn } from "../batches.ts";

/** An open file. One read at a time: seeking and reading are two steps. */
export class ColumnFile {
  readonly shape: readonly number[];
  readonly rowSize: number;
  readonly #file: Deno.FsFile;
  /** Elements as they are stored, where programs take others. */
  #stored: TypedArray | undefined;

  constructor(readonly name: string, readonly column: PagedColumn, readonly dtype: ColumnDtype) {
    this.shape = column.shape.slice(1);
    this.rowSize = sizeOf(this.shape);
    this.#file = Deno.openSync(column.path, { read: true });
  }

  /**
   * Reads rows `from` up to, not including, `to` into a window, from its row `at` on.
   *
   * @throws {DataError} If the file has become shorter, or a number does not fit what programs take.
   */
  async read(from: number, to: number, window: ProgramColumn["data"], at: number): Promise<void> {
    const [start, count] = [at * this.rowSize, (to - from) * this.rowSize];
    const target = window.subarray(start, start + count);
    if (this.column.dtype === this.dtype) return await this.#readBytes(from, bytesOf(target));
    if (this.#stored === undefined || this.#stored.length < count) {
      this.#stored = createArray(this.column.dtype, count);
    }
    const stored = this.#stored.subarray(0, count) as TypedArray;
    await this.#readBytes(from, bytesOf(stored));
    const { dims, unit, dtype } = this.column;
    const rows = { dtype, dims, unit, shape: [to - from, ...this.shape], data: stored };
    target.set(programColumn(rows, this.name, this.dtype, from).data);
  }

  async #readBytes(row: number, target: Uint8Array): Promise<void> {
    const { path, header, rowBytes } = this.column;
    await withFileAsync(path, async () => {
      this.#file.seekSync(header.dataOffset + row * rowBytes, Deno.SeekMode.Start);
      for (let filled = 0; filled < target.length;) {
        const count = await this.#file.read(target.subarray(filled));
        if (count === null) {
          throw new SyntaxError(
            `Cannot read "${path}" as ${target.length} bytes of row ${row} and those after it must be there: found ${filled}`,
          );
        }
        filled += count;
      }
    });
  }

  close(): void {
    this.#file.close();
  }
}
