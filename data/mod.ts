/**
 * Bytes in, arrays out: readers and writers of the files that experiments exchange, and tables of columns.
 *
 * Reading never runs code from a file, checks every length against the size of the file before taking memory, and
 * reports what is wrong as one `DataError` that names the file.
 *
 * @example
 * ```ts
 * import { column, encodeNpy, parseNpy, takeRows } from "beamline/data";
 * const energies = parseNpy(encodeNpy({ dtype: "float32", shape: [3], data: Float32Array.of(2, 4, 8) }));
 * const table = { energy: column(energies.data, { unit: "GeV" }) };
 * takeRows(table, [2, 1]).energy; // 8 and 4 GeV
 * ```
 *
 * @module
 */
export { type ArrayExpectation, checkArray, describeArray } from "../formats/arrays.ts";
export {
  type CheckedFile,
  type Defect,
  type DefectGroup,
  Defects,
  type DefectsOptions,
  type DefectsState,
} from "./defects.ts";
export { type Digest, sha256Bytes, sha256File } from "./digest.ts";
export {
  type Hdf5Attribute,
  type Hdf5Attributes,
  type Hdf5Dataset,
  type Hdf5File,
  type Hdf5Text,
  openHdf5,
} from "../formats/hdf5.ts";
export {
  createHdf5,
  type Hdf5Appender,
  type Hdf5Row,
  type Hdf5Storage,
  type Hdf5Writer,
} from "../formats/hdf5_write.ts";
export {
  encodeNpy,
  type NpyFile,
  type NpyHeader,
  openNpy,
  parseNpy,
  parseNpyHeader,
  readNpy,
  writeNpy,
} from "../formats/npy.ts";
export {
  encodeNpz,
  type NpzArrays,
  type NpzFile,
  type NpzOptions,
  type NpzResult,
  type NpzSelection,
  openNpz,
  parseNpz,
  readNpz,
  writeNpz,
  type WriteNpzOptions,
} from "../formats/npz.ts";
export {
  isJagged,
  isNested,
  type JaggedArray,
  listRootTrees,
  type NestedArray,
  type ReadRootOptions,
  readRootTree,
  type RootBranch,
  type RootColumn,
  type RootTree,
  type RootTreeInfo,
} from "../formats/root.ts";
export {
  encodeSafetensors,
  parseSafetensors,
  readSafetensors,
  type ReadSafetensorsOptions,
  type Safetensors,
  writeSafetensors,
} from "../formats/safetensors.ts";
export { type NamedArrays, parseTfjsModel } from "../formats/tfjs_model.ts";
export { readWeights } from "../formats/weights.ts";
export { type FoldRows, foldRows, type SplitRows, splitRows, type SplitShares } from "./splits.ts";
export { type CsvBlocksOptions, type CsvOptions, readCsv, readCsvBlocks } from "./csv.ts";
export { type ColumnSchema, type TableOf, type TableSchema } from "./schema.ts";
export { type ParquetBlocksOptions, type ParquetOptions, readParquet, readParquetBlocks } from "./parquet.ts";
export { joinTables } from "./join.ts";
export { blocksOf, type BlocksOptions } from "./paged.ts";
export {
  column,
  columnOf,
  type ColumnOptions,
  type DtypeOf,
  readTable,
  type ReadTableOptions,
  readTables,
  type ReadTablesOptions,
  rowCount,
  sliceRows,
  tableOf,
  takeRows,
  writeTable,
  writeTables,
} from "./tables.ts";
