/**
 * Merging the files of job folders.
 *
 * @module
 */
import { DataError, type EvaluateContext, type Evaluation, type JsonObject } from "beamline";
import { createHdf5, type Hdf5Writer } from "beamline/data";
import { geometryOf } from "./bins.ts";
import type { Metadata } from "./metadata.ts";
import { matchLayers } from "./geometry.ts";
import { filesOf, shortName } from "./paths.ts";
import { BIN_KEYS, type Layout, openLayout } from "./layout.ts";
import { anySimulated, isSimulated } from "./sources.ts";

/** The action: merges the files of job folders, flavor by flavor. */
export async function rebuild(
  context: EvaluateContext<Metadata>,
  paths: readonly string[],
): Promise<Evaluation> {
  const files = (await filesOf(paths)).filter((file) => paths.includes(file) || /\/job_?\d+\//.test(file));
  const flavors = new Map<string, string[]>();
  for (const file of files) {
    const name = file.split("/").at(-1)!;
    flavors.set(name, [...flavors.get(name) ?? [], file]);
  }
  if (flavors.size === 0) {
    throw new DataError("Cannot rebuild as there must be job folders, or files given by name: found none");
  }
  const made: string[] = [];
  const reports: JsonObject[] = [];
  for (const [name, parts] of flavors) {
    const target = name.replace(/\.(h5|hdf5)$/i, "_rebuilt.hdf5");
    reports.push({ file: target, ...await mergeFiles(parts, `${context.directory}/${target}`, context) });
    made.push(target);
  }
  return {
    files: made,
    simulated: await anySimulated(files),
    results: { rebuilt: reports },
    tables: [{
      name: "rebuilt",
      title: "Merged files",
      columns: ["file", "parts", "events", "largest difference of probabilities"],
      rows: reports.map(({ file, parts, events, probabilityDifference }) => [
        String(file),
        (parts as string[]).length,
        Number(events),
        probabilityDifference === null ? null : Number(probabilityDifference),
      ]),
      note: "probabilities are the means over the parts",
    }],
  };
}

/** Rows read at once when whole layers are copied. */
const COPY_ROWS = 2048;

async function mergeFiles(
  parts: readonly string[],
  target: string,
  context: EvaluateContext<Metadata>,
): Promise<JsonObject> {
  const layouts: Layout[] = [];
  let writer: Hdf5Writer | undefined;
  try {
    for (const part of parts) layouts.push(await openLayout(part));
    const [first] = layouts;
    checkParts(layouts);
    writer = await createHdf5(target);
    if (layouts.some(isSimulated)) writer.setAttributes({ simulated: 1 });
    const incident = writer.create("incident_energy", { dtype: "float64", rowShape: [] });
    for (const layout of layouts) incident.append(Float64Array.from(layout.incident));
    let difference: number | null = null;
    for (const [at, { id, dataset, probabilities }] of first!.layers.entries()) {
      const rows = writer.create(dataset.name, { dtype: "float32", rowShape: dataset.shape.slice(1) }, {
        gzip: 1,
      });
      for (const layout of layouts) {
        const part = layout.layers[at]!.dataset;
        for (let from = 0; from < layout.rows; from += COPY_ROWS) {
          rows.append(
            Float32Array.from(
              part.readRows(from, Math.min(layout.rows, from + COPY_ROWS)).data as Float32Array,
            ),
          );
        }
      }
      copyBins(first!, id, writer);
      if (probabilities) difference = Math.max(difference ?? 0, meanProbabilities(layouts, at, writer));
      context.progress(at + 1, first!.layers.length, target.split("/").at(-1)!);
    }
    writer.close();
    return {
      parts: parts.map(shortName),
      events: layouts.reduce((sum, { rows }) => sum + rows, 0),
      probabilityDifference: difference,
    };
  } catch (error) {
    writer?.discard();
    throw error;
  } finally {
    for (const { file } of layouts) file.close();
  }
}

function checkParts(layouts: readonly Layout[]): void {
  const [first] = layouts;
  for (const layout of layouts) {
    const { path } = layout.file;
    const [problem] = layout.problems;
    if (problem) {
      throw new DataError(`Cannot rebuild from "${path}" as its parts must fit: ${problem.message}`, path);
    }
    if (layout.format !== "ATLAS") {
      throw new DataError(
        `Cannot rebuild from "${path}" as it must have a dataset per layer: it has none`,
        path,
      );
    }
    const [a, b] = [geometryOf(first!), geometryOf(layout)];
    const isSame = a.layers.length === b.layers.length &&
      a.layers.every((layer, i) =>
        layer.id === b.layers[i]!.id && matchLayers(layer, b.layers[i]!) === "same"
      );
    if (isSame) continue;
    throw new DataError(
      `Cannot rebuild from "${path}" as all parts must have one binning: it differs from "${
        first!.file.path
      }"`,
      path,
    );
  }
}

function copyBins({ file }: Layout, id: number, writer: Hdf5Writer): void {
  for (const key of BIN_KEYS) {
    const name = `${key}_layer_${id}`;
    writer.write(name, file.dataset(name).read());
  }
}

/** Writes the mean splitting probabilities of the parts; returns the largest difference from the mean. */
function meanProbabilities(layouts: readonly Layout[], at: number, writer: Hdf5Writer): number {
  const all = layouts.flatMap(({ layers }) => layers[at]!.probabilities?.read() ?? []);
  const [first] = all;
  const mean = new Float32Array(first!.data.length);
  for (let i = 0; i < mean.length; i++) {
    mean[i] = all.reduce((sum, { data }) => sum + Number(data[i]), 0) / all.length;
  }
  writer.write(layouts[0]!.layers[at]!.probabilities!.name, {
    dtype: "float32",
    shape: first!.shape,
    data: mean,
  });
  return Math.max(
    ...all.map(({ data }) =>
      mean.reduce((most, value, i) => Math.max(most, Math.abs(Number(data[i]) - value)), 0)
    ),
  );
}
