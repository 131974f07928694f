/**
 * The regular binning of the ATLAS files, for simulated showers.
 *
 * @module
 */
import { type BinArrays, type Geometry, geometryFromBins } from "./geometry.ts";

/** Rings and sectors: 24 and 14 where photons go, less elsewhere. */
const REGULAR: { readonly [layer: number]: readonly [number, number] } = {
  ...Object.fromEntries([0, 1, 2, 3, 12].map((id) => [id, [24, 14]])),
  ...Object.fromEntries([5, 6].map((id) => [id, [31, 4]])),
  7: [15, 4],
};
/** Layers of the detector. */
export const DETECTOR_LAYERS = 24;
/** Layers that photons reach in complete files. */
export const ACTIVE_LAYERS: readonly number[] = [0, 1, 2, 3, 12];

/** Outermost radius in mm, and how much wider than the first ring the last is, as an exponent. */
const RIM = 600;
const GROWTH = 5;

/** Edges of rings that grow with radius, from 0 to the rim. */
function ringEdges(rings: number): Float64Array {
  return Float64Array.from(
    { length: rings + 1 },
    (_, i) => RIM * (Math.exp(GROWTH * i / rings) - 1) / (Math.exp(GROWTH) - 1),
  );
}

/** Bin arrays of a layer of rings and equal sectors, radius fastest; `refine` cuts bins in (r, alpha). */
export function ringBins(
  id: number,
  rings: number,
  sectors: number,
  refine: readonly [number, number],
): BinArrays {
  const coarse = ringEdges(rings);
  const [byRing, bySector] = refine;
  const edges = Float64Array.from({ length: rings * byRing + 1 }, (_, i) => {
    const ring = Math.min(rings - 1, Math.floor(i / byRing));
    return coarse[ring]! +
      (coarse[ring + 1]! - coarse[ring]!) * (i - ring * byRing) / byRing;
  });
  const [r, a] = [rings * byRing, sectors * bySector];
  const each = (value: (ring: number, sector: number) => number): Float32Array =>
    Float32Array.from({ length: r * a }, (_, i) => value(i % r, Math.floor(i / r)));
  return {
    id,
    rStart: each((ring) => edges[ring]!),
    rSize: each((ring) => edges[ring + 1]! - edges[ring]!),
    alphaStart: each((_, sector) => -Math.PI + sector * 2 * Math.PI / a),
    alphaSize: each(() => 2 * Math.PI / a),
  };
}

/** Bin arrays of the regular binning; the fine one halves the bins, of layers 5 and 6 in alpha only, by four. */
export function regularBins(id: number, isFine: boolean): BinArrays {
  const [rings, sectors] = REGULAR[id] ?? [9, 4];
  const refine: readonly [number, number] = !isFine ? [1, 1] : id === 5 || id === 6 ? [1, 4] : [2, 2];
  return ringBins(id, rings, sectors, refine);
}

/** The five layers of the regular binning that photons reach. */
export function regularGeometry(): Geometry {
  return geometryFromBins(ACTIVE_LAYERS.map((id) => regularBins(id, false)), "the regular binning");
}
