/**
 * `deno task data inspect <file>`: the arrays of a file.
 *
 * @module
 */
import { DataError } from "../../core/errors.ts";
import { isJagged, isNested, openHdf5, openNpy, openNpz, readRootTree } from "../../data/mod.ts";
import { describeCsv } from "../../data/csv_columns.ts";
import { exists } from "../../files/atomic.ts";
import { resolve } from "../../files/paths.ts";
import { openSource } from "../../formats/byte_source.ts";
import { openParquet } from "../../formats/parquet.ts";
import { inspectSafetensors } from "../../formats/safetensors.ts";
import { withCommand } from "../shared/command.ts";
import { userPath } from "../finding/user_paths.ts";
import { EXIT } from "../terminal/exit_codes.ts";
import { print, printJson } from "../terminal/print.ts";
import { textTable } from "../terminal/text_table.ts";

/** Arrays of a file: name, dtype, shape. A name of a plugin may stand before the file. */
export function inspect(path: string, args: readonly string[]): Promise<number> {
  const command = { name: `data inspect ${path}`, summary: "Lists the arrays of a file.", taskFlags: [] };
  return withCommand(command, args, async ({ positionals, task }) => {
    const file = userPath(positionals[0] ?? path);
    if (!await exists(file)) throw new DataError(`Cannot read "${file}" as there is no such file`, file);
    const arrays = await arraysOf(file);
    const rows = arrays.map(({ name, dtype, shape }) => [name, dtype, `[${shape.join(",")}]`]);
    if ("json" in task) printJson({ file: resolve(file), arrays });
    else print(textTable(["array", "dtype", "shape"], rows));
    return EXIT.ok;
  });
}

/** One array of a file. */
export interface ArrayInfo {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
}

/**
 * The arrays of a file.
 *
 * @throws {DataError} If its ending is none that is known.
 */
export async function arraysOf(file: string): Promise<ArrayInfo[]> {
  const kind = file.split(".").at(-1)?.toLowerCase() ?? "";
  const reader = READERS[kind];
  if (reader) return await reader(file);
  throw new DataError(
    `Cannot inspect "${file}" as its ending must be one of ${
      Object.keys(READERS).join(", ")
    }: found "${kind}"`,
    file,
  );
}

/** An array that the file has but that is not read. */
function notRead(name: string, reason: string): ArrayInfo {
  // What was found comes last in a message.
  return { name, dtype: `not read: ${reason.slice(reason.lastIndexOf(": ") + 2)}`, shape: [] };
}

/** Numbers with their dtype, texts as such. */
async function hdf5Arrays(path: string): Promise<ArrayInfo[]> {
  const file = await openHdf5(path);
  const describe = (name: string): ArrayInfo => {
    try {
      const { dtype, shape } = file.dataset(name);
      return { name, dtype, shape };
    } catch (error) {
      try {
        return { name, dtype: "text", shape: file.text(name).shape };
      } catch {
        return notRead(name, (error as Error).message);
      }
    }
  };
  try {
    return file.keys().map(describe);
  } finally {
    file.close();
  }
}

/** Columns of text, with what their first rows look like. */
function csvColumns(file: string): Promise<ArrayInfo[]> {
  const { rows, columns } = describeCsv(file);
  return Promise.resolve(
    columns.map(({ name, kind, missing }) => ({
      name,
      dtype: `${kind ?? "no values"}${missing > 0 ? `, ${missing} missing` : ""}`,
      shape: [rows],
    })),
  );
}

/** Columns of a Parquet file, those that are not read included. */
async function parquetColumns(file: string): Promise<ArrayInfo[]> {
  using parquet = await openParquet(openSource(file));
  return parquet.columns.map(({ name, kind, refused }) => ({
    name,
    dtype: kind ?? `not read: ${refused}`,
    shape: [parquet.rows],
  }));
}

const READERS: { readonly [ending: string]: (file: string) => Promise<ArrayInfo[]> } = {
  npy: async (file) => {
    const npy = await openNpy(file);
    const { dtype, shape } = npy;
    await npy.close();
    return [{ name: "", dtype, shape }];
  },
  npz: async (file) => {
    const npz = await openNpz(file);
    try {
      const found: ArrayInfo[] = [];
      const unsupported = await npz.unsupported();
      for (const name of npz.names) {
        const reason = unsupported.get(name);
        found.push(reason === undefined ? { name, ...await npz.header(name) } : notRead(name, reason));
      }
      return found.map(({ name, dtype, shape }) => ({ name, dtype, shape }));
    } finally {
      await npz.close();
    }
  },
  safetensors: (file) => {
    const { entries, unsupported } = inspectSafetensors(file);
    return Promise.resolve([
      ...[...entries].map(([name, { dtype, shape }]) => ({ name, dtype, shape })),
      ...[...unsupported].map(([name, { message }]) => notRead(name, message)),
    ]);
  },
  csv: csvColumns,
  tsv: csvColumns,
  parquet: parquetColumns,
  h5: hdf5Arrays,
  hdf5: hdf5Arrays,
  root: async (file) => {
    const tree = await readRootTree(file);
    return Object.entries(tree.columns).map(([name, column]) => {
      const form = isNested(column) ? " (nested)" : isJagged(column) ? " (jagged)" : "";
      let values = column;
      while ("values" in values) values = values.values;
      return {
        name: `${name}${form}`,
        dtype: values.dtype,
        shape: values.shape,
      };
    });
  },
};
