/**
 * Photon showers by parametrization: where the photon converts, a longitudinal profile that fluctuates, two components in
 * radius around an axis that is displaced, a second core in some, and sampling fluctuations of every voxel.
 *
 * What a shower is like is drawn once and holds for all its voxels, so voxels are correlated beyond what the incident
 * energy explains.
 *
 * @see Grindhammer and Peters (2000), "The parameterized simulation of electromagnetic showers in homogeneous and
 * sampling calorimeters", arXiv:hep-ex/0001020, sections 2 and 3: the forms of the profiles.
 * @see Geant4, `GFlashHomoShowerParameterisation`: mean and spread of ln T and ln alpha and their correlation for a
 * homogeneous calorimeter. Radii, axis, second cores and depths of layers are ours.
 * @module
 */
import type { Random } from "beamline";
import { gammaP } from "beamline/metrics";
import type { Detuning } from "./detuning.ts";
import type { Geometry, Layer } from "./geometry.ts";

/** Front and back of each layer that photons reach, in radiation lengths from where the photon may convert. */
const DEPTHS: { readonly [layer: number]: readonly [number, number] } = {
  0: [3, 4],
  1: [4, 7.2],
  2: [7.2, 23.2],
  3: [23.2, 25.7],
  12: [25.7, 32],
  13: [32, 36],
};

/** Critical energy in MeV, and the mean atomic number of the calorimeter. */
const CRITICAL_MEV = 10;
const ATOMIC_NUMBER = 65;
/** Energy of one spot in MeV: 10 % / sqrt(E / GeV) of sampling fluctuations. */
const SPOT_MEV = 10;
/** Spread of the energy of one spot. */
const SPOT_SPREAD = 0.3;
/** Relative fluctuation of the energy at all energies. */
const CONSTANT_TERM = 0.007;
/** Mean free path of photons, in radiation lengths. */
const CONVERSION = 9 / 7;
/** A photon that converts later is a late one. */
const LATE = 2.2 * CONVERSION;
/** Share of showers with two cores; their mean distance in mm at low energy, and the energy above which it shrinks. */
const PAIRS = { share: 0.12, distance: 25, most: 90, energy: 20_000 } as const;
/** Radii of core and tail in mm, and the share of the core. */
const PROFILE = { core: 9, tail: 55, share: 0.82 } as const;
/** Spread of the axis in mm in x and y: a constant, and a part that falls as 1 / sqrt(E / GeV). */
const AXIS = { constant: 0.5, stochastic: 8 } as const;

/** What a shower is like. */
interface Shape {
  /** Depth of the conversion, in radiation lengths. */
  readonly start: number;
  /** The longitudinal profile is a gamma distribution of this shape and rate. */
  readonly alpha: number;
  readonly beta: number;
  /** Relative width. */
  readonly width: number;
  /** Where the axis goes through the layers, mm. */
  readonly x: number;
  readonly y: number;
  /** Place and share of a second core; share 0 for none. */
  readonly pairX: number;
  readonly pairY: number;
  readonly pairShare: number;
}

/**
 * Draws what a shower of `energy` MeV is like, always with the same count of random numbers. Mean and spread of the depth
 * of the maximum T and of the shape alpha, and their correlation, are those of a homogeneous calorimeter.
 *
 * @param correlation Factor of the correlation of T and alpha.
 */
function drawShape(energy: number, correlation: number, random: Random): Shape {
  const lnY = Math.log(energy / CRITICAL_MEV);
  const normal = Array.from({ length: 5 }, () => random.normal()) as [number, number, number, number, number];
  const rho = correlation * (0.705 - 0.023 * lnY);
  const ofAlpha = rho * normal[0] + Math.sqrt(1 - rho * rho) * normal[1];
  const top = (lnY - 0.812) * Math.exp(normal[0] / (-1.4 + 1.26 * lnY));
  const alpha = (0.81 + (0.458 + 2.26 / ATOMIC_NUMBER) * lnY) * Math.exp(ofAlpha / (-0.58 + 0.86 * lnY));
  const spread = Math.hypot(AXIS.constant, AXIS.stochastic / Math.sqrt(energy / 1000));
  const start = random.exponential(CONVERSION);
  const isPair = random.uniform() < PAIRS.share;
  const distance = Math.min(PAIRS.most, random.exponential(PAIRS.distance)) /
    Math.sqrt(1 + energy / PAIRS.energy);
  const angle = 2 * Math.PI * random.uniform();
  const share = 0.15 + 0.35 * random.uniform();
  return {
    start,
    alpha: Math.max(1.1, alpha),
    beta: (Math.max(1.1, alpha) - 1) / top,
    width: Math.exp(0.5 / lnY * normal[2]),
    x: spread * normal[3],
    y: spread * normal[4],
    pairX: distance * Math.cos(angle),
    pairY: distance * Math.sin(angle),
    pairShare: isPair ? share : 0,
  };
}

const isRare = ({ start, pairShare }: Shape): boolean => start > LATE || pairShare > 0;

/** A layer in a form that is quick to use. */
interface Cells {
  readonly layer: Layer;
  readonly front: number;
  readonly back: number;
  /** mm², [voxel]. */
  readonly area: Float64Array;
  /** Expected share of the layer's energy, [voxel]. */
  readonly share: Float64Array;
}

/** Simulates showers into a geometry. */
export class Simulator {
  readonly #cells: readonly Cells[];

  constructor(readonly geometry: Geometry, readonly flaws: Detuning) {
    this.#cells = geometry.layers.map((layer) => {
      const [front, back] = DEPTHS[layer.id] ?? [40, 41];
      const { rEdges, alphaEdges, ring, sector } = layer;
      const area = Float64Array.from(ring, (at, i) => {
        const angle = alphaEdges[sector[i]! + 1]! - alphaEdges[sector[i]!]!;
        return angle * (rEdges[at + 1]! ** 2 - rEdges[at]! ** 2) / 2;
      });
      return { layer, front, back, area, share: new Float64Array(layer.voxels) };
    });
  }

  /** Adds one shower of `energy` MeV to `target`, [voxel], which must be zero. */
  shoot(energy: number, random: Random, target: Float32Array): void {
    const { flaws } = this;
    const common = this.#shape(energy, random);
    const spread = Math.hypot(CONSTANT_TERM, flaws.smearing);
    const visible = energy * (1 - flaws.response) * Math.max(0.05, 1 + spread * random.normal());
    const shapes = this.#cells.map(() => {
      const isOwn = random.uniform() < flaws.independence;
      const own = this.#shape(energy, random);
      return isOwn ? own : common;
    });
    const shares = this.#cells.map((cells, at) => this.#share(cells, shapes[at]!));
    const whole = sumOf(this.#cells.map((cells) => this.#share(cells, common)));
    const norm = whole / Math.max(1e-9, sumOf(shares));
    this.#cells.forEach((cells, at) => {
      this.#fill(cells, visible * shares[at]! * norm, shapes[at]!, random, target);
    });
  }

  /** Draws a shape; a share of the rare ones is never made. */
  #shape(energy: number, random: Random): Shape {
    const { lost, correlation } = this.flaws;
    const first = drawShape(energy, 1 - correlation, random);
    const second = drawShape(energy, 1 - correlation, random);
    const isLost = random.uniform() < lost;
    if (!isLost || !isRare(first)) return first;
    return isRare(second) ? { ...second, pairShare: 0, start: second.start % LATE } : second;
  }

  /** Share of the energy of a shower in a layer. */
  #share({ front, back }: Cells, { start, alpha, beta }: Shape): number {
    const from = start + this.flaws.depth;
    return gammaP(alpha, beta * (back - from)) - gammaP(alpha, beta * (front - from));
  }

  #fill(
    { layer, front, area, share }: Cells,
    energy: number,
    shape: Shape,
    random: Random,
    target: Float32Array,
  ): void {
    if (energy < SPOT_MEV * 1e-3) return;
    const { dropped, narrowing } = this.flaws;
    const scale = shape.width * (1 - narrowing) * (1 + 0.01 * front);
    const [core, tail] = [(PROFILE.core * scale) ** 2, (PROFILE.tail * scale) ** 2];
    share.fill(0);
    spread(layer, area, share, (1 - shape.pairShare) * PROFILE.share, core, shape.x, shape.y);
    if (shape.pairShare > 0) {
      spread(
        layer,
        area,
        share,
        shape.pairShare * PROFILE.share,
        core,
        shape.x + shape.pairX,
        shape.y + shape.pairY,
      );
    }
    spread(layer, area, share, 1 - PROFILE.share, tail, shape.x, shape.y);
    const spotsOfAll = energy / SPOT_MEV;
    for (let i = 0; i < layer.voxels; i++) {
      const spots = random.poisson(spotsOfAll * share[i]!);
      if (spots === 0) continue;
      if (dropped > 0 && spots < 4 && random.uniform() < dropped) continue;
      const value = SPOT_MEV * (spots + SPOT_SPREAD * Math.sqrt(spots) * random.normal());
      target[layer.from + i]! += Math.max(0.05 * SPOT_MEV, value);
    }
  }
}

/**
 * Adds a component R² / π / (d² + R²)² around (x, y), d the distance from there, taken at the centers of the voxels and
 * scaled to its share inside the rim.
 */
function spread(
  { eta, phi, rEdges, voxels }: Layer,
  area: Float64Array,
  share: Float64Array,
  amount: number,
  square: number,
  x: number,
  y: number,
): void {
  let sum = 0;
  for (let i = 0; i < voxels; i++) {
    const distance = (eta[i]! - x) ** 2 + (phi[i]! - y) ** 2 + square;
    sum += area[i]! / (distance * distance);
  }
  const rim = rEdges.at(-1)! ** 2;
  const factor = amount * rim / (rim + square) / sum;
  for (let i = 0; i < voxels; i++) {
    const distance = (eta[i]! - x) ** 2 + (phi[i]! - y) ** 2 + square;
    share[i]! += factor * area[i]! / (distance * distance);
  }
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
