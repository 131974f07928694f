/**
 * The tables that a hook writes in parts, below the folder of its tables.
 *
 * @module
 */
import type { TableWriter, TableWriterOptions } from "../../core/plugin.ts";
import type { Table, Tables } from "../../core/types.ts";
import { isPaged } from "../../data/paged.ts";
import { FolderTableWriter } from "../../data/table_writer.ts";
import { join } from "../../files/paths.ts";

/** Writers by the name of their table. */
export class TableWriters {
  readonly #writers = new Map<string, FolderTableWriter>();

  /**
   * @param directory The folder of tables.
   * @param only The one name that a table may have. @default any
   */
  constructor(readonly directory: string, readonly only?: string) {}

  /** As `writer` of the contract. */
  open(split: string, options?: TableWriterOptions): TableWriter {
    if (this.only !== undefined && split !== this.only) {
      throw new RangeError(
        `Cannot write table "${split}" as the hook gives one, "${this.only}": found another`,
      );
    }
    if (this.#writers.has(split)) {
      throw new RangeError(`Cannot write table "${split}" as a table has one writer: found a second one`);
    }
    const writer = new FolderTableWriter(join(this.directory, split), split, options);
    this.#writers.set(split, writer);
    return writer;
  }

  /**
   * The names of the returned tables that writers wrote.
   *
   * @throws {TypeError} If a table that was begun was not returned as it was finished, under its name.
   */
  async settle(tables: Tables): Promise<ReadonlySet<string>> {
    for (const [split, writer] of this.#writers) {
      const given = Object.hasOwn(tables, split) ? tables[split] : undefined;
      if (given !== undefined && given === await writer.finish()) continue;
      throw new TypeError(
        `Cannot use table "${split}" as what its writer finished must be returned under its name: found ${
          given === undefined ? "no such table" : "another table"
        }`,
      );
    }
    for (const [split, table] of Object.entries(tables)) {
      if (!this.#writers.has(split)) refusePaged(split, table);
    }
    return new Set(this.#writers.keys());
  }
}

/** Columns on disk belong to the table that was written. */
function refusePaged(split: string, table: Table): void {
  const name = Object.keys(table).find((name) => isPaged(table[name]!));
  if (name === undefined) return;
  throw new TypeError(
    `Cannot use table "${split}" as a column that a writer wrote belongs to its table: found "${name}"`,
  );
}
