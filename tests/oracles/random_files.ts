/**
 * Random files of each format, written by the library that owns it (`write_random.py`), read back and compared with what
 * that library holds: bit by bit, but that any NaN is as good as another.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { NdArray, TypedArray } from "../../core/types.ts";
import { readCsv } from "../../data/csv.ts";
import { describeCsv } from "../../data/csv_columns.ts";
import { readParquet } from "../../data/parquet.ts";
import type { TableSchema } from "../../data/schema.ts";
import { createArray } from "../../formats/arrays.ts";
import { openHdf5 } from "../../formats/hdf5.ts";
import { openNpy, readNpy } from "../../formats/npy.ts";
import { openNpz, readNpz } from "../../formats/npz.ts";
import { type JaggedArray, readRootTree } from "../../formats/root.ts";
import { readSafetensors } from "../../formats/safetensors.ts";
import { findPython } from "./python.ts";

/** An array as `write_random.py` says it. */
interface StoredArray {
  readonly dtype: NdArray["dtype"];
  readonly shape: readonly number[];
  /** Little-endian elements in base64. */
  readonly data: string;
}

/** What a reader must find in a file. */
interface Expectation {
  readonly arrays: { readonly [name: string]: StoredArray };
  readonly jagged?: {
    readonly [name: string]: { readonly offsets: StoredArray; readonly values: StoredArray };
  };
  readonly texts?: { readonly [name: string]: { readonly shape: number[]; readonly values: string[] } };
  readonly attributes?: { readonly [object: string]: { readonly [name: string]: unknown } };
  readonly metadata?: { readonly [key: string]: string };
  readonly unsupported?: readonly string[];
}

/** One format: the ending of its files, and a check of one file. */
interface Format {
  readonly ending: string;
  readonly modules: readonly string[];
  check(path: string, expected: Expectation): Promise<void>;
}

/** The formats that are compared. */
export const FORMATS: { readonly [name: string]: Format } = {
  npy: { ending: "npy", modules: ["numpy"], check: checkNpy },
  npz: { ending: "npz", modules: ["numpy"], check: checkNpz },
  safetensors: { ending: "safetensors", modules: ["numpy", "safetensors"], check: checkSafetensors },
  hdf5: { ending: "h5", modules: ["numpy", "h5py"], check: checkHdf5 },
  csv: { ending: "csv", modules: ["numpy"], check: checkCsv },
  parquet: { ending: "parquet", modules: ["numpy", "pyarrow"], check: checkParquet },
  root: { ending: "root", modules: ["numpy", "uproot", "awkward"], check: checkRoot },
};

/** Registers a test per format; it is ignored, with the reason printed, where there is no Python with the libraries. */
export async function testRandomFiles(count: number, seed: number): Promise<void> {
  for (const [name, format] of Object.entries(FORMATS)) {
    const found = await findPython(format.modules);
    if ("missing" in found) console.log(`skipped: random files of ${name}: ${found.missing}`);
    Deno.test({
      name: `random files of ${name} read as its own library wrote them`,
      ignore: "missing" in found,
      fn: () => "python" in found ? checkRandomFiles(found.python, name, format, count, seed) : undefined,
    });
  }
}

const SCRIPT = new URL("./write_random.py", import.meta.url).pathname;

async function checkRandomFiles(
  python: string,
  name: string,
  format: Format,
  count: number,
  seed: number,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const args = [SCRIPT, name, String(seed), String(count), folder];
    const { success, stderr } = await new Deno.Command(python, { args }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    for (let n = 0; n < count; n++) {
      const expected = JSON.parse(await Deno.readTextFile(`${folder}/${n}.json`)) as Expectation;
      try {
        await format.check(`${folder}/${n}.${format.ending}`, expected);
      } catch (cause) {
        throw new Error(`Cannot read file ${n} of seed ${seed} as ${name} wrote it: ${cause}`, { cause });
      }
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function arrayOf({ dtype, shape, data }: StoredArray): NdArray {
  const bytes = Uint8Array.fromBase64(data);
  const array = createArray(dtype, shape.reduce((size, length) => size * length, 1));
  new Uint8Array(array.buffer).set(bytes);
  return { dtype, shape, data: array } as NdArray;
}

/** Equal in dtype, shape and each element; -0 is not 0. */
function same(found: NdArray, wanted: NdArray, name: string): void {
  assert.deepEqual([found.dtype, found.shape], [wanted.dtype, wanted.shape], name);
  const [is, should] = [found.data, wanted.data] as Float64Array[];
  const wrong = should!.findIndex((value, i) => !Object.is(is![i], value));
  assert.equal(is!.length, should!.length, name);
  assert.ok(wrong < 0, `element ${wrong} of ${name}: ${is![wrong]} for ${should![wrong]}`);
}

/** The columns to read, each as it was written. */
function schemaOf({ arrays }: Expectation): TableSchema {
  return Object.fromEntries(
    Object.entries(arrays).map(([name, { dtype }]) => [
      name,
      { dtype, unit: "1", ...(dtype.startsWith("float") ? { missing: NaN } : {}) },
    ]),
  );
}

async function checkCsv(path: string, expected: Expectation): Promise<void> {
  const delimiter = expected.metadata!.delimiter!;
  const table = await readCsv(path, schemaOf(expected), { delimiter });
  for (const [name, array] of Object.entries(expected.arrays)) same(table[name]!, arrayOf(array), name);
  assert.equal(describeCsv(path).columns.length, Object.keys(expected.arrays).length + 1);
}

async function checkParquet(path: string, expected: Expectation): Promise<void> {
  const table = await readParquet(path, schemaOf(expected));
  for (const [name, array] of Object.entries(expected.arrays)) same(table[name]!, arrayOf(array), name);
}

/** Some range of rows: the same for the same array. */
function someRows(shape: readonly number[]): readonly [number, number] {
  const rows = shape[0]!;
  return [Math.floor(rows / 3), Math.max(Math.floor(rows / 3), rows - Math.floor(rows / 5))];
}

function rowsOf({ dtype, shape, data }: NdArray, [from, to]: readonly [number, number]): NdArray {
  const width = shape.slice(1).reduce((size, length) => size * length, 1);
  const part = (data as Float64Array).slice(from * width, to * width) as TypedArray;
  return { dtype, shape: [to - from, ...shape.slice(1)], data: part } as NdArray;
}

async function checkNpy(path: string, expected: Expectation): Promise<void> {
  const wanted = arrayOf(expected.arrays[""]!);
  same(await readNpy(path), wanted, "all");
  if (wanted.shape.length === 0) return;
  const rows = someRows(wanted.shape);
  const file = await openNpy(path);
  same(await file.readRows(...rows), rowsOf(wanted, rows), "rows");
  file.close();
}

async function checkNpz(path: string, expected: Expectation): Promise<void> {
  const arrays = await readNpz(path);
  assert.deepEqual(Object.keys(arrays).sort(), Object.keys(expected.arrays).sort());
  using file = await openNpz(path);
  assert.deepEqual([...(await file.unsupported()).keys()].sort(), expected.unsupported);
  for (const [name, stored] of Object.entries(expected.arrays)) {
    const wanted = arrayOf(stored);
    same(arrays[name]!, wanted, name);
    if (wanted.shape.length === 0) continue;
    const rows = someRows(wanted.shape);
    same(await file.readRows(name, ...rows), rowsOf(wanted, rows), `rows of ${name}`);
  }
}

async function checkSafetensors(path: string, expected: Expectation): Promise<void> {
  const { tensors, metadata } = await readSafetensors(path);
  assert.deepEqual(metadata, expected.metadata);
  assert.deepEqual(Object.keys(tensors).sort(), Object.keys(expected.arrays).sort());
  for (const [name, stored] of Object.entries(expected.arrays)) same(tensors[name]!, arrayOf(stored), name);
}

async function checkHdf5(path: string, expected: Expectation): Promise<void> {
  const file = await openHdf5(path);
  try {
    const names = [...Object.keys(expected.arrays), ...Object.keys(expected.texts ?? {})].sort();
    assert.deepEqual(file.keys(), names);
    for (const [name, stored] of Object.entries(expected.arrays)) {
      const wanted = arrayOf(stored);
      const dataset = file.dataset(name);
      same(dataset.read(), wanted, name);
      if (wanted.shape.length === 0) continue;
      const rows = someRows(wanted.shape);
      same(dataset.readRows(...rows), rowsOf(wanted, rows), `rows of ${name}`);
    }
    for (const [name, { shape, values }] of Object.entries(expected.texts ?? {})) {
      const text = file.text(name);
      assert.deepEqual([text.shape, text.read()], [shape, values], name);
    }
    for (const [object, attributes] of Object.entries(expected.attributes ?? {})) {
      assert.deepEqual(file.attributesOf(object), exactIntegers(attributes), `attributes of ${object}`);
    }
  } finally {
    file.close();
  }
}

async function checkRoot(path: string, { arrays, jagged = {} }: Expectation): Promise<void> {
  const { columns, skipped } = await readRootTree(path);
  assert.deepEqual([...skipped], []);
  assert.deepEqual(Object.keys(columns).sort(), [...Object.keys(arrays), ...Object.keys(jagged)].sort());
  for (const [name, stored] of Object.entries(arrays)) same(columns[name] as NdArray, arrayOf(stored), name);
  for (const [name, { offsets, values }] of Object.entries(jagged)) {
    const column = columns[name] as JaggedArray;
    same(column.offsets, arrayOf(offsets), `offsets of ${name}`);
    same(column.values as NdArray, arrayOf(values), `values of ${name}`);
  }
}

/** Integers are written as text in JSON, which has no bigint. */
function exactIntegers(attributes: { readonly [name: string]: unknown }): { [name: string]: unknown } {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => {
      if (typeof value !== "object" || value === null || !("integer" in value)) return [name, value];
      const number = Number(value.integer);
      return [name, Number.isSafeInteger(number) ? number : BigInt(value.integer as string)];
    }),
  );
}
