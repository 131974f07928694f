/**
 * Samples of simulated showers. A generator with a detuned {@linkcode Simulator} stands for a model of known quality: it is
 * conditioned on the incident energies of the reference, as generators of the field are, and the variants of a family
 * differ in their defects alone.
 *
 * @module
 */
import type { Random } from "beamline";
import type { Detuning } from "./detuning.ts";
import type { Geometry } from "./geometry.ts";
import { Simulator } from "./shower_model.ts";
import type { ShowerSource } from "./showers.ts";

/** Where power law and tail meet, in MeV. */
const TAIL_MEV = 40_000;
const LOWEST_MEV = 256;
const HIGHEST_MEV = 4_194_304;

/** Share of events in the tail, so that the spectrum has no step where it begins. */
const TAIL_SHARE = 0.263;

/** Incident energy in MeV at a quantile 0..1: flat in log E up to 40 GeV, above it falling as E^-1/2 per unit of log E. */
export function energyAt(quantile: number): number {
  const body = 1 - TAIL_SHARE;
  if (quantile < body) return LOWEST_MEV * (TAIL_MEV / LOWEST_MEV) ** (quantile / body);
  const share = 1 - Math.sqrt(TAIL_MEV / HIGHEST_MEV);
  return TAIL_MEV / (1 - share * (quantile - body) / TAIL_SHARE) ** 2;
}

/** Incident energies drawn at random. */
export function randomEnergies(random: Random, rows: number): Float64Array {
  return Float64Array.from({ length: rows }, () => energyAt(random.uniform()));
}

/** (sqrt(5) - 1) / 2: its multiples, without their whole parts, fill [0, 1) evenly from the first on. */
const GOLDEN = 0.6180339887498949;

/**
 * Incident energies that cover the spectrum evenly in every stretch of events, so that parts of a sample compare at equal
 * energies, as those of fixed energies do: with drawn ones the few showers of the highest energies decide how far the
 * correlations of two samples are apart.
 */
export function evenEnergies(random: Random, rows: number): Float64Array {
  const start = random.uniform();
  return Float64Array.from({ length: rows }, (_, row) => energyAt((start + row * GOLDEN) % 1));
}

/** Events made at once. */
const BLOCK_EVENTS = 256;

/** What to simulate. */
export interface SimulationRequest {
  readonly label: string;
  readonly geometry: Geometry;
  readonly flaws: Detuning;
  /** Incident energies, MeV. */
  readonly incident: Float64Array;
  /** A stream per event. */
  random(event: number): Random;
}

/** Showers that are made when they are first read, and kept. Equal requests give equal showers. */
export function simulatedSource(
  { label, geometry, flaws, incident, random }: SimulationRequest,
): ShowerSource {
  const simulator = new Simulator(geometry, flaws);
  const rows = incident.length;
  const kept = new Map<number, Float32Array<ArrayBuffer>>();
  const { voxels } = geometry;
  const block = (at: number): Float32Array<ArrayBuffer> => {
    const found = kept.get(at);
    if (found) return found;
    const first = at * BLOCK_EVENTS;
    const count = Math.min(BLOCK_EVENTS, rows - first);
    const made = new Float32Array(count * voxels);
    for (let i = 0; i < count; i++) {
      simulator.shoot(
        incident[first + i]!,
        random(first + i),
        made.subarray(i * voxels, (i + 1) * voxels),
      );
    }
    kept.set(at, made);
    return made;
  };
  return {
    label,
    file: label,
    format: "simulated",
    geometry,
    rows,
    incident,
    blockRows: BLOCK_EVENTS * 4,
    readRows(from, to, target) {
      for (let row = from; row < to;) {
        const at = Math.floor(row / BLOCK_EVENTS);
        const end = Math.min(to, (at + 1) * BLOCK_EVENTS);
        const first = row - at * BLOCK_EVENTS;
        const part = block(at).subarray(first * voxels, (first + end - row) * voxels);
        target.set(part, (row - from) * voxels);
        row = end;
      }
    },
    placeOf: (voxel) => `voxel ${voxel}`,
    close() {},
  };
}
