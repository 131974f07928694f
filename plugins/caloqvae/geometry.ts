/**
 * Where the voxels of a shower lie. One object, built from the bin arrays of an ATLAS file or from the binning XML of
 * the CaloChallenge; the order of the voxels in memory is derived from it, never assumed.
 *
 * @module
 */
import { DataError } from "beamline";

/** Voxels of one layer: rings in r, cut into sectors in alpha. */
export interface Layer {
  /** Number of the layer in the detector. */
  readonly id: number;
  /** Index of its first voxel in a shower. */
  readonly from: number;
  readonly voxels: number;
  /** Edges in mm, increasing; `rings + 1` of them. */
  readonly rEdges: Float64Array;
  /** Edges in rad, increasing; `sectors + 1` of them. */
  readonly alphaEdges: Float64Array;
  readonly rings: number;
  readonly sectors: number;
  /** Ring and sector of each voxel of the layer, in memory order. */
  readonly ring: Int32Array;
  readonly sector: Int32Array;
  /** Center of each voxel: radius in mm, angle in rad, and `eta = r cos(alpha)`, `phi = r sin(alpha)` in mm. */
  readonly r: Float64Array;
  readonly alpha: Float64Array;
  readonly eta: Float64Array;
  readonly phi: Float64Array;
}

/** The layers of a shower in memory order. */
export interface Geometry {
  readonly layers: readonly Layer[];
  /** Voxels of all layers together. */
  readonly voxels: number;
  /** Where it was read. */
  readonly source: string;
}

/** Bin arrays of one layer, one entry per voxel. */
export interface BinArrays {
  readonly id: number;
  readonly rStart: ArrayLike<number>;
  readonly rSize: ArrayLike<number>;
  readonly alphaStart: ArrayLike<number>;
  readonly alphaSize: ArrayLike<number>;
}

/** Starts of bins that differ by less than this share of the smallest bin are one. */
const SAME_BIN = 1e-3;

/**
 * A geometry from bin arrays.
 *
 * @throws {DataError} If the arrays of a layer do not fit each other, or do not fill rings and sectors once each.
 */
export function geometryFromBins(
  bins: readonly BinArrays[],
  source: string,
): Geometry {
  let from = 0;
  const layers = bins.map((arrays) => {
    const layer = layerFromBins(arrays, from, source);
    from += layer.voxels;
    return layer;
  });
  return { layers, voxels: from, source };
}

function layerFromBins(arrays: BinArrays, from: number, source: string): Layer {
  const { id, rStart, rSize, alphaStart, alphaSize } = arrays;
  const voxels = rStart.length;
  const sizes = [rSize, alphaStart, alphaSize].map(({ length }) => length);
  if (sizes.some((length) => length !== voxels)) {
    throw new DataError(
      `Cannot use the geometry of "${source}" as the bin arrays of layer ${id} must be of one length: found ${
        [voxels, ...sizes].join(", ")
      }`,
      source,
    );
  }
  const radial = axisOf(rStart, rSize);
  const angular = axisOf(alphaStart, alphaSize);
  const taken = new Set(
    radial.index.map((ring, voxel) => ring * angular.bins + angular.index[voxel]!),
  );
  if (taken.size !== voxels) {
    throw new DataError(
      `Cannot use the geometry of "${source}" as each voxel of layer ${id} must have a place of its own: ${voxels} voxels share ${taken.size} places`,
      source,
    );
  }
  return makeLayer(id, from, radial, angular);
}

interface BinAxis {
  readonly edges: Float64Array;
  readonly bins: number;
  /** Bin of each voxel. */
  readonly index: Int32Array;
  readonly center: Float64Array;
}

function axisOf(starts: ArrayLike<number>, sizes: ArrayLike<number>): BinAxis {
  const smallest = Array.from(sizes).reduce(
    (least, size) => Math.min(least, size),
    Infinity,
  );
  const sorted = Float64Array.from(starts).sort();
  const distinct: number[] = [];
  for (const start of sorted) {
    if (
      distinct.length === 0 || start - distinct.at(-1)! > SAME_BIN * smallest
    ) distinct.push(start);
  }
  const index = Int32Array.from(
    starts,
    (start) => nearestIndex(distinct, start),
  );
  const last = index.indexOf(distinct.length - 1);
  const edges = Float64Array.of(
    ...distinct,
    (starts[last] ?? 0) + (sizes[last] ?? 0),
  );
  const center = Float64Array.from(
    starts,
    (start, voxel) => start + sizes[voxel]! / 2,
  );
  return { edges, bins: distinct.length, index, center };
}

function nearestIndex(sorted: readonly number[], value: number): number {
  let best = 0;
  for (let i = 1; i < sorted.length; i++) {
    if (Math.abs(sorted[i]! - value) < Math.abs(sorted[best]! - value)) {
      best = i;
    }
  }
  return best;
}

function makeLayer(
  id: number,
  from: number,
  radial: BinAxis,
  angular: BinAxis,
): Layer {
  const { center: r } = radial;
  const { center: alpha } = angular;
  return {
    id,
    from,
    voxels: r.length,
    rEdges: radial.edges,
    alphaEdges: angular.edges,
    rings: radial.bins,
    sectors: angular.bins,
    ring: radial.index,
    sector: angular.index,
    r,
    alpha,
    eta: r.map((radius, i) => radius * Math.cos(alpha[i]!)),
    phi: r.map((radius, i) => radius * Math.sin(alpha[i]!)),
  };
}

/** The description of a layer by edges; voxels are ordered radius fastest, as the CaloChallenge writes them. */
export interface LayerEdges {
  readonly id: number;
  /** mm; fewer than two edges: the layer is inactive and left out. */
  readonly rEdges: readonly number[];
  /** Equal bins from -π to π. */
  readonly sectors: number;
}

/** A geometry from edges. */
export function geometryFromEdges(
  layers: readonly LayerEdges[],
  source: string,
): Geometry {
  const active = layers.filter(({ rEdges }) => rEdges.length >= 2);
  const bins = active.map(({ id, rEdges, sectors }): BinArrays => {
    const rings = rEdges.length - 1;
    const width = 2 * Math.PI / sectors;
    const each = (
      value: (ring: number, sector: number) => number,
    ): Float64Array =>
      Float64Array.from(
        { length: rings * sectors },
        (_, i) => value(i % rings, Math.floor(i / rings)),
      );
    return {
      id,
      rStart: each((ring) => rEdges[ring]!),
      rSize: each((ring) => rEdges[ring + 1]! - rEdges[ring]!),
      alphaStart: each((_, sector) => -Math.PI + sector * width),
      alphaSize: each(() => width),
    };
  });
  return geometryFromBins(bins, source);
}

const ELEMENT = /<(\/?)([A-Za-z_][\w.-]*)((?:\s+[\w.-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>/g;
const ATTRIBUTE = /([\w.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;

/** Bigger files are no binning. */
const MAX_XML = 2 ** 22;

/**
 * A geometry from the binning XML of the CaloChallenge: `<Bins><Bin pid name><Layer id r_edges n_bin_alpha/></Bin></Bins>`.
 *
 * @param particle The `name` or `pid` of the bin to take; the first one by default.
 * @throws {DataError} If the text is no binning, or has no such particle.
 */
export function geometryFromXml(
  text: string,
  source: string,
  particle?: string,
): Geometry {
  const refuse = (found: string): never => {
    throw new DataError(
      `Cannot use "${source}" as it must be a binning of layers in XML: ${found}`,
      source,
    );
  };
  if (text.length > MAX_XML) refuse(`${text.length} characters are too many`);
  const bins: {
    readonly attributes: Record<string, string>;
    readonly layers: LayerEdges[];
  }[] = [];
  for (
    const [, end, name, list] of text.replace(/<!--[\s\S]*?-->/g, "").matchAll(
      ELEMENT,
    )
  ) {
    if (end === "/") continue;
    const attributes = attributesOf(list ?? "");
    if (name === "Bin") bins.push({ attributes, layers: [] });
    if (name === "Layer") {
      const bin = bins.at(-1) ?? refuse("a Layer stands outside of a Bin");
      bin.layers.push(layerFromXml(attributes, refuse));
    }
  }
  const chosen = particle === undefined
    ? bins[0]
    : bins.find(({ attributes }) => attributes.name === particle || attributes.pid === particle);
  if (!chosen) {
    const known = bins.map(({ attributes }) => attributes.name ?? attributes.pid ?? "?").join(", ");
    return refuse(
      particle === undefined ? "found no Bin" : `no Bin for "${particle}", only ${known}`,
    );
  }
  if (chosen.layers.length === 0) refuse("the Bin has no Layer");
  return geometryFromEdges(chosen.layers, source);
}

function attributesOf(list: string): Record<string, string> {
  return Object.fromEntries(
    [...list.matchAll(ATTRIBUTE)].map((
      [, key, double, single],
    ) => [key!, double ?? single ?? ""]),
  );
}

function layerFromXml(
  attributes: Record<string, string>,
  refuse: (found: string) => never,
): LayerEdges {
  const id = Number(attributes.id);
  const rEdges = (attributes.r_edges ?? "").split(",").map(Number);
  const sectors = Number(attributes.n_bin_alpha);
  const isRising = rEdges.every((edge, i) => Number.isFinite(edge) && (i === 0 || edge > rEdges[i - 1]!));
  const isWhole = Number.isInteger(id) && id >= 0 &&
    Number.isInteger(sectors) && sectors >= 1;
  if (!isRising || !isWhole || sectors > 10_000) {
    refuse(
      `layer "${attributes.id}" has r_edges "${attributes.r_edges}" and n_bin_alpha "${attributes.n_bin_alpha}"`,
    );
  }
  return { id, rEdges, sectors };
}

/** The geometry of some of the layers, as if the others were not there. */
export function selectLayers(
  geometry: Geometry,
  ids: readonly number[],
): Geometry {
  let from = 0;
  const layers = geometry.layers.filter(({ id }) => ids.includes(id)).map(
    (layer) => {
      const moved = { ...layer, from };
      from += layer.voxels;
      return moved;
    },
  );
  return { layers, voxels: from, source: geometry.source };
}

/** How two geometries relate. */
export type Match = "same" | "other order" | "different";

/** Whether two layers have the same voxels, and in the same order. */
export function matchLayers(a: Layer, b: Layer): Match {
  const isClose = (x: Float64Array, y: Float64Array): boolean =>
    x.length === y.length &&
    x.every((value, i) => Math.abs(value - y[i]!) <= 1e-4 * (1 + Math.abs(value)));
  if (
    !isClose(a.rEdges, b.rEdges) || !isClose(a.alphaEdges, b.alphaEdges) ||
    a.voxels !== b.voxels
  ) {
    return "different";
  }
  const isOrdered = a.ring.every((ring, i) => ring === b.ring[i] && a.sector[i] === b.sector[i]);
  return isOrdered ? "same" : "other order";
}

/** Number of layers of two geometries by how they match; layers of one alone count as different. */
export function matchGeometries(a: Geometry, b: Geometry): Match {
  if (a.layers.length !== b.layers.length) return "different";
  const matches = a.layers.map((layer, i) =>
    layer.id === b.layers[i]!.id ? matchLayers(layer, b.layers[i]!) : "different"
  );
  if (matches.includes("different")) return "different";
  return matches.includes("other order") ? "other order" : "same";
}

/** For each voxel of `to`, the index of the voxel of `from` at the same place. */
export function reordering(from: Geometry, to: Geometry): Int32Array {
  const order = new Int32Array(to.voxels);
  to.layers.forEach((layer, at) => {
    const source = from.layers[at]!;
    const places = new Map<number, number>();
    source.ring.forEach((ring, i) => places.set(ring * source.sectors + source.sector[i]!, source.from + i));
    layer.ring.forEach((ring, i) => {
      order[layer.from + i] = places.get(
        ring * layer.sectors + layer.sector[i]!,
      )!;
    });
  });
  return order;
}
