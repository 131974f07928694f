/**
 * Preparing a judgement: the first pass over the files, what is judged of them, tables for the classifier test.
 *
 * @module
 */
import { DataError, type PrepareContext, type Prepared, type Table, type TextTable } from "beamline";
import { Defects } from "beamline/data";
import { classifierTables } from "./classifier.ts";
import { classifierInputs } from "./classifier_inputs.ts";
import type { Census } from "./cleaning.ts";
import { type Config, cutOf } from "./config.ts";
import type { Metadata, SampleMetadata } from "./metadata.ts";
import { featureNames, type Features, featureTable, LAYER_FEATURES } from "./features.ts";
import type { Pass } from "./first_pass.ts";
import { firstPasses } from "./first_passes.ts";
import { type Geometry, selectLayers } from "./geometry.ts";
import { closeAll, openSamples } from "./sources.ts";
import type { ShowerSource } from "./showers.ts";

/** Draws per sample size of the Fréchet distance: many eigenvalues take long. */
const DRAWS = { few: 2, many: 20, above: 150 } as const;

/** Reads, cleans, computes features. */
export async function prepare(
  config: Config,
  context: PrepareContext,
): Promise<Prepared<Metadata>> {
  const samples = await openSamples(config, context);
  const sources = [samples.reference, ...samples.generated];
  try {
    const passes = await firstPasses(sources, config, context);
    const defects = new Defects();
    for (const pass of passes) defects.merge(pass.defects);
    const skipped = defects.settle(config.skipBad, context);
    const layers = activeLayers(passes, samples.reference);
    const selected = passes.map((pass) => ({
      ...pass,
      features: withLayers(pass.features, layers),
    }));
    const prepared = assemble(config, context, samples, selected, layers);
    return { ...prepared, notes: [...prepared.notes!, ...skipped] };
  } finally {
    closeAll(sources);
  }
}

/** Layers of an ATLAS file with energy in some shower of some sample; all layers of other files. */
function activeLayers(
  passes: readonly Pass[],
  { format, geometry }: ShowerSource,
): number[] {
  return geometry.layers.map(({ id }) => id).filter((_, at) =>
    format !== "ATLAS" ||
    passes.some(({ features: { layers, rows, layerIds } }) => {
      for (let row = 0; row < rows; row++) {
        if (layers.sparsity[row * layerIds.length + at]! < 1) return true;
        if (layers.energy[row * layerIds.length + at] !== 0) return true;
      }
      return false;
    })
  );
}

function withLayers(features: Features, layers: readonly number[]): Features {
  const { layerIds, rows } = features;
  if (layers.length === layerIds.length) return features;
  const columns = layers.map((id) => layerIds.indexOf(id));
  const select = (values: Float64Array): Float64Array<ArrayBuffer> =>
    Float64Array.from(
      { length: rows * layers.length },
      (_, i) =>
        values[
          Math.floor(i / layers.length) * layerIds.length +
          columns[i % layers.length]!
        ]!,
    );
  return {
    ...features,
    layerIds: layers,
    layers: Object.fromEntries(
      LAYER_FEATURES.map((name) => [name, select(features.layers[name])]),
    ) as Features["layers"],
  };
}

function assemble(
  config: Config,
  context: PrepareContext,
  { reference, isSimulated, source }: Awaited<ReturnType<typeof openSamples>>,
  passes: readonly Pass[],
  layers: readonly number[],
): Prepared<Metadata> {
  const geometry = selectLayers(reference.geometry, layers);
  checkShowers(passes, context);
  const metadata = metadataOf(config, reference, passes, geometry);
  const tables: { [split: string]: Table } = {};
  passes.forEach(({ features }, i) => {
    tables[i === 0 ? "reference" : `generated_${i}`] = featureTable(features);
  });
  if (metadata.classifierRows > 0) {
    const inputs = classifierInputs(config, passes, geometry, reference.geometry, context);
    Object.assign(tables, classifierTables(inputs, metadata, context));
  }
  return {
    tables,
    simulated: isSimulated,
    source,
    metadata,
    notes: [censusTable(passes, metadata)],
  };
}

/** Warns of what is unusual; refuses a sample with too few showers. */
function checkShowers(passes: readonly Pass[], context: PrepareContext): void {
  for (const { label, features, census } of passes) {
    warnOf(label, census, context);
    if (features.rows >= 20) continue;
    throw new DataError(
      `Cannot judge "${label}" as there must be at least 20 showers without faults: found ${features.rows} of ${census.events}`,
    );
  }
}

/** Sizes and constants that all comparisons of the run share. */
function metadataOf(
  config: Config,
  reference: ShowerSource,
  passes: readonly Pass[],
  geometry: Geometry,
): Metadata {
  const [first, ...others] = passes;
  const features = featureNames(geometry, config.features).length;
  const half = Math.floor(first!.features.rows / 2);
  const fewest = Math.min(
    half,
    config.anchorRows,
    ...others.map(({ features }) => features.rows),
  );
  const isClassified = config.classifier !== "none" && others.length > 0;
  return {
    layers: geometry.layers.map(({ id }) => id),
    voxels: geometry.voxels,
    layerVoxels: geometry.layers.map(({ voxels }) => voxels),
    features,
    reference: sampleFacts(first!),
    generated: others.map(sampleFacts),
    cut: cutOf(config, reference.geometry.voxels, reference.format === "ATLAS"),
    kernelRows: Math.min(config.kpd === "jetnet" ? 5000 : 10_000, fewest),
    neighborRows: Math.min(config.neighborRows, fewest),
    fpdDraws: config.fpdDraws ??
      (features > DRAWS.above ? DRAWS.few : DRAWS.many),
    classifierRows: isClassified
      ? Math.min(
        config.classifierRows,
        ...passes.map(({ features }) => features.rows),
      )
      : 0,
  };
}

function sampleFacts(
  { label, features, census, largest, smallestPositive, smallest, badRows }: Pass,
): SampleMetadata {
  const facts = { label, rows: features.rows, census, largest, smallestPositive, smallest };
  return badRows.length === 0 ? facts : { ...facts, badRows };
}

function warnOf(label: string, census: Census, context: PrepareContext): void {
  const { events, withNegative, aboveIncident, negativeVoxels } = census;
  if (aboveIncident > 0) {
    context.warn(
      "voxel-above-incident",
      `${label}: ${aboveIncident} of ${events} showers have a voxel at or above the incident energy; "clean" removes them`,
    );
  }
  if (withNegative > 0) {
    context.warn(
      "negative-voxels",
      `${label}: ${negativeVoxels} negative voxels in ${withNegative} of ${events} showers; a negative voxel is no hit`,
    );
  }
}

function censusTable(passes: readonly Pass[], { cut }: Metadata): TextTable {
  return {
    name: "showers",
    title: "Showers",
    columns: [
      "sample",
      "showers",
      "left out: defects",
      "with negative voxels",
      "voxel above incident",
      "judged",
    ],
    rows: passes.map(({ label, census, features }) => [
      label,
      census.events,
      census.notFinite,
      census.withNegative,
      census.aboveIncident,
      features.rows,
    ]),
    note: cut > 0 ? `voxels below ${cut} MeV were set to 0` : "no read-out cut",
  };
}
