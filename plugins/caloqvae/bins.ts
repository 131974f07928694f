/**
 * Bin arrays in HDF5 files.
 *
 * @module
 */
import type { Hdf5Writer } from "beamline/data";
import { type Geometry, geometryFromBins } from "./geometry.ts";
import type { Layout } from "./showers.ts";

/** Bin arrays of a geometry, as ATLAS files hold them. */
export function writeBins({ layers }: Geometry, writer: Hdf5Writer): void {
  for (const { id, ring, sector, rEdges, alphaEdges, voxels } of layers) {
    const write = (key: string, value: (i: number) => number): void =>
      writer.write(`${key}_layer_${id}`, {
        dtype: "float32",
        shape: [voxels],
        data: Float32Array.from({ length: voxels }, (_, i) => value(i)),
      });
    write("binstart_radius", (i) => rEdges[ring[i]!]!);
    write("binsize_radius", (i) => rEdges[ring[i]! + 1]! - rEdges[ring[i]!]!);
    write("binstart_alpha", (i) => alphaEdges[sector[i]!]!);
    write("binsize_alpha", (i) => alphaEdges[sector[i]! + 1]! - alphaEdges[sector[i]!]!);
  }
}

/** The geometry of an ATLAS file's layers. */
export function geometryOf({ layers, file }: Layout): Geometry {
  return geometryFromBins(layers.flatMap(({ bins }) => bins ?? []), file.path);
}
