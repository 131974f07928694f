/**
 * Removing events that cannot be.
 *
 * @module
 */
import { DataError, type EvaluateContext, type Evaluation, type JsonObject } from "beamline";
import { createHdf5, type Hdf5Writer } from "beamline/data";
import { writeBins } from "./bins.ts";
import type { Config } from "./config.ts";
import type { Metadata } from "./metadata.ts";
import { type Geometry, selectLayers } from "./geometry.ts";
import { openLayout, readGeometry } from "./layout.ts";
import { blocksOf, openShowers } from "./showers.ts";
import { anySimulated, isSimulatedFile } from "./sources.ts";

/** Rows read at once when whole layers are read. */
const COPY_ROWS = 2048;

/** The action: removes events with a voxel at or above the incident energy, or that are not finite. */
export async function clean(
  config: Config,
  context: EvaluateContext<Metadata>,
  paths: readonly string[],
): Promise<Evaluation> {
  if (paths.length === 0) throw new DataError("Cannot clean as at least one file must be named: none given");
  const files: string[] = [];
  const reports: JsonObject[] = [];
  for (const path of paths) {
    const stem = path.split("/").at(-1)!.replace(/\.(h5|hdf5)$/i, "").replace(/_cat$/, "");
    const target = `${stem}_cat_clean.hdf5`;
    if (files.includes(target)) {
      throw new DataError(
        `Cannot clean "${path}" as its result needs a name of its own: "${target}" is taken`,
        path,
      );
    }
    reports.push({
      file: target,
      source: path,
      ...await cleanFile(path, `${context.directory}/${target}`, config, context),
    });
    files.push(target);
  }
  return {
    files,
    simulated: await anySimulated(paths),
    results: { cleaned: reports },
    tables: [{
      name: "cleaned",
      title: "Cleaned files",
      columns: ["file", "events", "voxel at or above incident energy", "not finite", "kept", "layers"],
      rows: reports.map(({ file, events, aboveIncident, notFinite, kept, layers }) => [
        String(file),
        Number(events),
        Number(aboveIncident),
        Number(notFinite),
        Number(kept),
        (layers as number[]).join(" "),
      ]),
    }],
  };
}

async function cleanFile(
  path: string,
  target: string,
  config: Config,
  context: EvaluateContext<Metadata>,
): Promise<JsonObject> {
  const geometry = config.geometry === undefined
    ? undefined
    : await readGeometry(config.geometry, config.particle);
  const source = await openShowers(path, { label: path, geometry });
  let writer: Hdf5Writer | undefined;
  try {
    const active = source.format === "ATLAS"
      ? await activeLayers(path)
      : source.geometry.layers.map(({ id }) => id);
    const places = placesOf(source.geometry, active);
    const kept = selectLayers(source.geometry, active);
    writer = await createHdf5(target);
    if (await isSimulatedFile(path)) writer.setAttributes({ simulated: 1 });
    const showers = writer.create("showers", { dtype: "float32", rowShape: [kept.voxels] }, { gzip: 1 });
    const energies = writer.create("incident_energies", { dtype: "float64", rowShape: [1] });
    let [aboveIncident, notFinite] = [0, 0];
    for (const block of blocksOf(source)) {
      const rows = new Float32Array(block.rows * kept.voxels);
      const incident: number[] = [];
      for (let row = 0; row < block.rows; row++) {
        const energy = source.incident[block.from + row]!;
        const verdict = verdictOf(block.voxels, row * source.geometry.voxels, source.geometry.voxels, energy);
        if (verdict === "not finite") notFinite++;
        if (verdict === "above") aboveIncident++;
        if (verdict !== "good") continue;
        const base = incident.length * kept.voxels;
        for (let i = 0; i < places.length; i++) {
          rows[base + i] = block.voxels[row * source.geometry.voxels + places[i]!]!;
        }
        incident.push(energy);
      }
      showers.append(rows.subarray(0, incident.length * kept.voxels));
      energies.append(Float64Array.from(incident));
      context.progress(block.from + block.rows, source.rows, target.split("/").at(-1)!);
    }
    writeBins(kept, writer);
    writer.close();
    return {
      events: source.rows,
      aboveIncident,
      notFinite,
      kept: energies.rows,
      layers: active,
      voxels: kept.voxels,
    };
  } catch (error) {
    writer?.discard();
    throw error;
  } finally {
    source.close();
  }
}

/** Layers with energy in some event; each is read until one is found. */
export async function activeLayers(path: string): Promise<number[]> {
  const { file, layers, rows } = await openLayout(path);
  try {
    return layers.filter(({ dataset }) => {
      for (let from = 0; from < rows; from += COPY_ROWS) {
        const { data } = dataset.readRows(from, Math.min(rows, from + COPY_ROWS));
        for (let i = 0; i < data.length; i++) if (data[i] !== 0) return true;
      }
      return false;
    }).map(({ id }) => id);
  } finally {
    file.close();
  }
}

function placesOf(geometry: Geometry, ids: readonly number[]): Int32Array {
  return Int32Array.from(
    geometry.layers.filter(({ id }) => ids.includes(id)).flatMap(({ from, voxels }) =>
      Array.from({ length: voxels }, (_, i) => from + i)
    ),
  );
}

function verdictOf(
  values: Float32Array,
  from: number,
  size: number,
  incident: number,
): "good" | "above" | "not finite" {
  let [sum, highest] = [0, 0];
  for (let i = from; i < from + size; i++) {
    const value = values[i]!;
    sum += value;
    if (value > highest) highest = value;
  }
  if (!Number.isFinite(sum) || !(incident > 0) || !Number.isFinite(incident)) return "not finite";
  return highest >= incident ? "above" : "good";
}
