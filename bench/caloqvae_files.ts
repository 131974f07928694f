/**
 * Files of simulated showers for `caloqvae_bench.ts`, in the formats of the field and of any size; equal calls write equal
 * numbers. In the fine file a few thousand showers are simulated; the others are these with every voxel smeared.
 *
 * @module
 */
import { type Random, randomFor } from "../core/random.ts";
import { createHdf5 } from "../data/mod.ts";
import { ACTIVE_LAYERS, DETECTOR_LAYERS, regularBins, regularGeometry } from "../plugins/caloqvae/binning.ts";
import { writeBinArrays, writeBins } from "../plugins/caloqvae/bins.ts";
import { detuning } from "../plugins/caloqvae/detuning.ts";
import { Simulator } from "../plugins/caloqvae/shower_model.ts";
import { evenEnergies } from "../plugins/caloqvae/simulation.ts";

/** Showers that are simulated. */
const POOL_ROWS = 4000;
/** Rows written at once, and in a chunk. */
const BLOCK_ROWS = 500;
/** Relative smearing of every voxel. */
const SMEARING = 0.1;

/** Simulated showers from which others are made. */
interface Pool {
  readonly rows: number;
  readonly stride: number;
  readonly incident: Float64Array;
  readonly voxels: Float32Array;
}

function poolOf(grade: number, rows: number): Pool {
  const geometry = regularGeometry();
  const simulator = new Simulator(geometry, detuning(grade));
  const incident = evenEnergies(randomFor({ seed: 1, purpose: "bench/energies" }), rows);
  const voxels = new Float32Array(rows * geometry.voxels);
  for (let row = 0; row < rows; row++) {
    const target = voxels.subarray(row * geometry.voxels, (row + 1) * geometry.voxels);
    simulator.shoot(
      incident[row]!,
      randomFor({ seed: 1, purpose: `bench/showers/${grade}`, step: row }),
      target,
    );
  }
  return { rows, stride: geometry.voxels, incident, voxels };
}

/** A shower of the pool, smeared, from voxel `from` on. */
function smeared(pool: Pool, row: number, from: number, random: Random, target: Float32Array): void {
  const base = (row % pool.rows) * pool.stride + from;
  for (let i = 0; i < target.length; i++) {
    const value = pool.voxels[base + i]!;
    target[i] = value === 0 ? 0 : value * Math.max(0.1, 1 + SMEARING * random.normal());
  }
}

/** Blocks of rows up to `rows`. */
function* blocks(rows: number): Generator<{ readonly from: number; readonly count: number }> {
  for (let from = 0; from < rows; from += BLOCK_ROWS) {
    yield { from, count: Math.min(BLOCK_ROWS, rows - from) };
  }
}

/** Writes joined showers of 5 x 336 voxels; `grade` 0 is the reference, more is a worse generator. */
export async function writeJoined(path: string, rows: number, grade: number): Promise<void> {
  const geometry = regularGeometry();
  const simulator = new Simulator(geometry, detuning(grade));
  const incident = evenEnergies(randomFor({ seed: 1, purpose: "bench/energies" }), rows);
  const writer = await createHdf5(path);
  writer.setAttributes({ simulated: 1 });
  const chunks = { chunkRows: BLOCK_ROWS, gzip: 1 };
  const showers = writer.create("showers", { dtype: "float32", rowShape: [geometry.voxels] }, chunks);
  const energies = writer.create("incident_energies", { dtype: "float64", rowShape: [1] });
  for (const { from, count } of blocks(rows)) {
    const block = new Float32Array(count * geometry.voxels);
    for (let i = 0; i < count; i++) {
      const target = block.subarray(i * geometry.voxels, (i + 1) * geometry.voxels);
      const random = randomFor({ seed: 1, purpose: `bench/showers/${grade}`, step: from + i });
      simulator.shoot(incident[from + i]!, random, target);
    }
    showers.append(block);
    energies.append(incident.slice(from, from + count));
  }
  writeBins(geometry, writer);
  writer.close();
}

/** Shares of the four parts of a voxel: radius, then angle. */
const SHARES: readonly number[] = [0.33, 0.3, 0.2, 0.17];
/** Events with a voxel above the incident energy, one in so many. */
const BAD_EVERY = 1000;

/**
 * Writes an ATLAS file in the fine binning: 24 layers, of which five hold energy, 5 x 1,344 voxels, uncompressed, as
 * fractions of the incident energy.
 */
export async function writeFine(path: string, rows: number): Promise<void> {
  const geometry = regularGeometry();
  const pool = poolOf(0, Math.min(POOL_ROWS, rows));
  const writer = await createHdf5(path);
  writer.setAttributes({ simulated: 1 });
  writer.write("incident_energy", {
    dtype: "float64",
    shape: [rows],
    data: Float64Array.from({ length: rows }, (_, row) => pool.incident[row % pool.rows]!),
  });
  for (let id = 0; id < DETECTOR_LAYERS; id++) {
    const bins = regularBins(id, true);
    const size = bins.rStart.length;
    const isActive = ACTIVE_LAYERS.includes(id);
    const data = writer.create(`energy_layer_${id}`, { dtype: "float32", rowShape: [size] }, {
      chunkRows: BLOCK_ROWS,
      gzip: isActive ? 0 : 1,
    });
    const layer = geometry.layers.find((candidate) => candidate.id === id);
    for (const { from, count } of blocks(rows)) {
      const block = new Float32Array(count * size);
      if (layer) {
        const random = randomFor({ seed: 3, purpose: `bench/fine/${id}`, step: from });
        const coarse = new Float32Array(layer.voxels);
        for (let i = 0; i < count; i++) {
          const row = from + i;
          smeared(pool, row, layer.from, random, coarse);
          const incident = pool.incident[row % pool.rows]!;
          const fine = block.subarray(i * size, (i + 1) * size);
          for (let voxel = 0; voxel < layer.voxels; voxel++) {
            if (coarse[voxel] === 0) continue;
            for (let part = 0; part < 4; part++) {
              const ring = 2 * layer.ring[voxel]! + (part & 1);
              const sector = 2 * layer.sector[voxel]! + (part >> 1);
              fine[sector * layer.rings * 2 + ring] = coarse[voxel]! / incident * SHARES[part]!;
            }
          }
          if (id === 2 && row % BAD_EVERY === 7) fine[0] = 1.2;
        }
      }
      data.append(block);
    }
    writeBinArrays(bins, writer);
  }
  writer.close();
}
