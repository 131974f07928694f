/**
 * Photon showers by parametrization: a longitudinal profile that fluctuates, two components in radius, sampling
 * fluctuations of every voxel. A generator with detuned parameters stands for a model of known quality.
 *
 * @see Grindhammer and Peters (2000), "The parameterized simulation of electromagnetic showers in homogeneous and
 * sampling calorimeters", arXiv:hep-ex/0001020, sections 2 and 3: the forms of the profiles; the numbers are ours.
 * @module
 */
import type { Random } from "beamline";
import { type BinArrays, type Geometry, geometryFromBins, type Layer } from "./geometry.ts";
import type { ShowerSource } from "./showers.ts";

/** What a generator gets wrong. All zero: nothing. */
export interface Detuning {
  /** Share of the energy that is lost. */
  readonly response: number;
  /** Extra relative fluctuation of the total energy. */
  readonly smearing: number;
  /** Relative widening in radius. */
  readonly width: number;
  /** Displacement along the shower, in radiation lengths. */
  readonly depth: number;
  /** How much of the correlation of depth and steepness is lost, 0..1. */
  readonly correlation: number;
  /** Share of the small hits that are dropped. */
  readonly dropped: number;
}

/** A generator that is wrong in all respects, by a factor; 0 is right. */
export function detuning(scale: number): Detuning {
  return {
    response: 0.03 * scale,
    smearing: 0.03 * scale,
    width: 0.12 * scale,
    depth: 0.4 * scale,
    correlation: Math.min(1, 0.5 * scale),
    dropped: Math.min(0.9, 0.12 * scale),
  };
}

/** Scales of the family that `data simulate` writes, from good to bad. */
export const FAMILY: readonly number[] = [0, 0.25, 0.5, 1, 2];

/** Front and back of each layer that photons reach, in radiation lengths. */
const DEPTHS: { readonly [layer: number]: readonly [number, number] } = {
  0: [0, 1.7],
  1: [1.7, 6],
  2: [6, 22],
  3: [22, 24.5],
  12: [24.5, 30],
  13: [30, 34],
};

/** Critical energy in MeV. */
const CRITICAL_MEV = 10;
/** Energy of one spot in MeV: 10 % / sqrt(E / GeV) of sampling fluctuations. */
const SPOT_MEV = 10;
/** Spread of the energy of one spot. */
const SPOT_SPREAD = 0.3;
/** Where power law and tail meet, in MeV. */
const TAIL_MEV = 40_000;
const LOWEST_MEV = 256;
const HIGHEST_MEV = 4_194_304;

/** Incident energy in MeV: flat in log E up to 40 GeV, then falling as 1/E². */
export function drawEnergy(random: Random): number {
  if (random.uniform() < 0.85) {
    return LOWEST_MEV * (TAIL_MEV / LOWEST_MEV) ** random.uniform();
  }
  const share = 1 - TAIL_MEV / HIGHEST_MEV;
  return TAIL_MEV / (1 - share * random.uniform());
}

/** Regular binning of the ATLAS files: 24 rings and 14 sectors where photons go, less elsewhere. */
const REGULAR: { readonly [layer: number]: readonly [number, number] } = {
  ...Object.fromEntries([0, 1, 2, 3, 12].map((id) => [id, [24, 14]])),
  ...Object.fromEntries([5, 6].map((id) => [id, [31, 4]])),
  7: [15, 4],
};
/** Layers of the detector. */
export const DETECTOR_LAYERS = 24;
/** Layers that photons reach in complete files. */
export const ACTIVE_LAYERS: readonly number[] = [0, 1, 2, 3, 12];

/** Edges of rings that grow with radius, from 0 to 600 mm. */
function ringEdges(rings: number): Float64Array {
  const growth = 5;
  return Float64Array.from(
    { length: rings + 1 },
    (_, i) => 600 * (Math.exp(growth * i / rings) - 1) / (Math.exp(growth) - 1),
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
  const each = (
    value: (ring: number, sector: number) => number,
  ): Float32Array =>
    Float32Array.from(
      { length: r * a },
      (_, i) => value(i % r, Math.floor(i / r)),
    );
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
  return geometryFromBins(
    ACTIVE_LAYERS.map((id) => regularBins(id, false)),
    "the regular binning",
  );
}

/** The regularized lower incomplete gamma function P(a, x), to about 1e-10; a > 0, x >= 0. */
function gammaShare(a: number, x: number): number {
  if (x <= 0) return 0;
  const front = Math.exp(a * Math.log(x) - x - logGamma(a));
  if (x < a + 1) {
    let [term, sum] = [1 / a, 1 / a];
    for (let n = 1; n < 500 && term > sum * 1e-11; n++) {
      sum += term *= x / (a + n);
    }
    return front * sum;
  }
  // Lentz's continued fraction of the upper function
  let b = x + 1 - a;
  let [c, d] = [1e300, 1 / b];
  let h = d;
  for (let n = 1; n < 500; n++) {
    const an = -n * (n - a);
    b += 2;
    d = 1 / (an * d + b);
    c = b + an / c;
    h *= d * c;
    if (Math.abs(d * c - 1) < 1e-11) break;
  }
  return 1 - front * h;
}

/** Stirling's series; a > 0. */
function logGamma(a: number): number {
  let shift = 0;
  let x = a;
  for (; x < 8; x++) shift -= Math.log(x);
  const y = 1 / (x * x);
  return shift + (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) +
    (1 / 12 - y * (1 / 360 - y * (1 / 1260 - y / 1680))) / x;
}

/** Radial edges and sector angles of a layer in a form that is quick to use. */
interface Rings {
  readonly layer: Layer;
  readonly share: Float64Array;
  readonly cosine: Float64Array;
  readonly sine: Float64Array;
}

/** Simulates showers into a geometry. */
export class Simulator {
  readonly #rings: readonly Rings[];

  constructor(readonly geometry: Geometry, readonly flaws: Detuning) {
    this.#rings = geometry.layers.map((layer) => {
      const centers = Float64Array.from(
        { length: layer.sectors },
        (_, sector) => (layer.alphaEdges[sector]! + layer.alphaEdges[sector + 1]!) / 2,
      );
      return {
        layer,
        share: new Float64Array(layer.rings),
        cosine: centers.map(Math.cos),
        sine: centers.map(Math.sin),
      };
    });
  }

  /** Adds one shower of `energy` MeV to `target`, [voxel], which must be zero. */
  shoot(energy: number, random: Random, target: Float32Array): void {
    const { flaws } = this;
    const fluctuation = random.normal();
    const rho = 0.7 * (1 - flaws.correlation);
    const other = rho * fluctuation +
      Math.sqrt(1 - rho * rho) * random.normal();
    const b = 0.5 * Math.exp(0.08 * other);
    const top = Math.log(energy / CRITICAL_MEV) + 0.5 + flaws.depth;
    const a = 1 + b * top * Math.exp(0.1 * fluctuation);
    const visible = energy * (1 - flaws.response) *
      Math.max(0.05, 1 + flaws.smearing * random.normal());
    const width = (1 + flaws.width) * Math.exp(0.1 * random.normal());
    const tilt = 0.12 * Math.abs(random.normal());
    const angle = 2 * Math.PI * random.uniform();
    const [tiltX, tiltY] = [tilt * Math.cos(angle), tilt * Math.sin(angle)];
    for (const rings of this.#rings) {
      const [front, back] = DEPTHS[rings.layer.id] ?? [40, 41];
      const share = gammaShare(a, b * back) - gammaShare(a, b * front);
      this.#fill(
        rings,
        visible * share,
        width * (1 + 0.01 * front),
        [tiltX, tiltY],
        random,
        target,
      );
    }
  }

  #fill(
    { layer, share, cosine, sine }: Rings,
    energy: number,
    width: number,
    [tiltX, tiltY]: readonly [number, number],
    random: Random,
    target: Float32Array,
  ): void {
    if (energy < SPOT_MEV * 1e-3) return;
    const [core, tail] = [(9 * width) ** 2, (55 * width) ** 2];
    const within = (r: number): number => 0.82 * r * r / (r * r + core) + 0.18 * r * r / (r * r + tail);
    for (let ring = 0; ring < layer.rings; ring++) {
      share[ring] = within(layer.rEdges[ring + 1]!) -
        within(layer.rEdges[ring]!);
    }
    const scale = energy / layer.sectors / SPOT_MEV;
    const { dropped } = this.flaws;
    for (let i = 0; i < layer.voxels; i++) {
      const sector = layer.sector[i]!;
      const lean = 1 + tiltX * cosine[sector]! + tiltY * sine[sector]!;
      const spots = random.poisson(
        scale * share[layer.ring[i]!]! * Math.max(0, lean),
      );
      if (spots === 0) continue;
      if (dropped > 0 && spots < 4 && random.uniform() < dropped) continue;
      const value = SPOT_MEV *
        (spots + SPOT_SPREAD * Math.sqrt(spots) * random.normal());
      target[layer.from + i]! += Math.max(0.05 * SPOT_MEV, value);
    }
  }
}

/** Events that share a stream of random numbers. */
const STREAM_EVENTS = 256;

/** What to simulate. */
export interface SimulationRequest {
  readonly label: string;
  readonly rows: number;
  readonly geometry: Geometry;
  readonly flaws: Detuning;
  /** A stream per block of events. */
  random(step: number): Random;
}

/** Showers that are made when they are first read, and kept. Equal requests give equal showers. */
export function simulatedSource(
  { label, rows, geometry, flaws, random }: SimulationRequest,
): ShowerSource {
  const simulator = new Simulator(geometry, flaws);
  const incident = new Float64Array(rows);
  const kept = new Map<number, Float32Array<ArrayBuffer>>();
  const { voxels } = geometry;
  for (let step = 0; step * STREAM_EVENTS < rows; step++) {
    const stream = random(step);
    const end = Math.min(rows, (step + 1) * STREAM_EVENTS);
    for (let row = step * STREAM_EVENTS; row < end; row++) {
      incident[row] = drawEnergy(stream);
    }
  }
  const block = (step: number): Float32Array<ArrayBuffer> => {
    const found = kept.get(step);
    if (found) return found;
    const first = step * STREAM_EVENTS;
    const count = Math.min(STREAM_EVENTS, rows - first);
    const stream = random(step);
    for (let i = 0; i < count; i++) drawEnergy(stream); // the energies come first in the stream
    const made = new Float32Array(count * voxels);
    for (let i = 0; i < count; i++) {
      simulator.shoot(
        incident[first + i]!,
        stream,
        made.subarray(i * voxels, (i + 1) * voxels),
      );
    }
    kept.set(step, made);
    return made;
  };
  return {
    label,
    format: "simulated",
    geometry,
    rows,
    incident,
    blockRows: STREAM_EVENTS * 4,
    readRows(from, to, target) {
      for (let row = from; row < to;) {
        const step = Math.floor(row / STREAM_EVENTS);
        const end = Math.min(to, (step + 1) * STREAM_EVENTS);
        const first = row - step * STREAM_EVENTS;
        const part = block(step).subarray(
          first * voxels,
          (first + end - row) * voxels,
        );
        target.set(part, (row - from) * voxels);
        row = end;
      }
    },
    close() {},
  };
}
