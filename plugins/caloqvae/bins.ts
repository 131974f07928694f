/**
 * Bin arrays in HDF5 files.
 *
 * @module
 */
import type { Hdf5Writer } from "beamline/data";
import { type BinArrays, type Geometry, geometryFromBins } from "./geometry.ts";
import { BIN_KEYS, type Layout } from "./layout.ts";

/** Bin arrays of one layer, as ATLAS files hold them. */
export function writeBinArrays(
  { id, rStart, rSize, alphaStart, alphaSize }: BinArrays,
  writer: Hdf5Writer,
): void {
  [rStart, rSize, alphaStart, alphaSize].forEach((values, i) => {
    const data = Float32Array.from(values);
    writer.write(`${BIN_KEYS[i]}_layer_${id}`, { dtype: "float32", shape: [data.length], data });
  });
}

/** Bin arrays of a geometry. */
export function writeBins({ layers }: Geometry, writer: Hdf5Writer): void {
  for (const { id, ring, sector, rEdges, alphaEdges, voxels } of layers) {
    const each = (value: (i: number) => number) => Array.from({ length: voxels }, (_, i) => value(i));
    writeBinArrays({
      id,
      rStart: each((i) => rEdges[ring[i]!]!),
      rSize: each((i) => rEdges[ring[i]! + 1]! - rEdges[ring[i]!]!),
      alphaStart: each((i) => alphaEdges[sector[i]!]!),
      alphaSize: each((i) => alphaEdges[sector[i]! + 1]! - alphaEdges[sector[i]!]!),
    }, writer);
  }
}

/** The geometry of an ATLAS file's layers. */
export function geometryOf({ layers, file }: Layout): Geometry {
  return geometryFromBins(layers.flatMap(({ bins }) => bins ?? []), file.path);
}
