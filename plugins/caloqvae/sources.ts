/**
 * The samples of a run: files that the user named, or simulated ones.
 *
 * @module
 */
import { DataError, type HookContext } from "beamline";
import { Defects } from "beamline/data";
import { regularGeometry } from "./binning.ts";
import type { Config } from "./config.ts";
import { detuning } from "./detuning.ts";
import { matchGeometries } from "./geometry.ts";
import { type Layout, openLayout, readGeometry } from "./layout.ts";
import type { Metadata } from "./metadata.ts";
import { checkShowers, openShowers, reordered, type ShowerSource, withoutRows } from "./showers.ts";
import { evenEnergies, simulatedSource, type SimulationRequest } from "./simulation.ts";

/** Whether a file says of itself that its showers were simulated here. */
export function isSimulated({ file }: Pick<Layout, "file">): boolean {
  try {
    return Boolean(file.attributes.simulated);
  } catch (error) {
    if (error instanceof DataError) return false; // attributes of a kind that is never written here
    throw error;
  }
}

/** {@linkcode isSimulated} of a path. */
export async function isSimulatedFile(path: string): Promise<boolean> {
  const layout = await openLayout(path);
  try {
    return isSimulated(layout);
  } finally {
    layout.file.close();
  }
}

/** What is compared. */
export interface Samples {
  readonly reference: ShowerSource;
  readonly generated: readonly ShowerSource[];
  /** Whether the plugin simulated one of them, now or into a file. */
  readonly isSimulated: boolean;
  readonly source: string;
}

/** Opens the samples; `layers` limits ATLAS files to those. */
export async function openSamples(
  config: Config,
  context: HookContext,
  layers?: readonly number[],
): Promise<Samples> {
  if (config.reference === undefined) {
    if (config.generated.length > 0) {
      throw new DataError(
        `Cannot judge "${
          config.generated[0]
        }" as there must be a reference to compare with: give --reference`,
      );
    }
    return simulatedSamples(config, context);
  }
  const open: ShowerSource[] = [];
  try {
    await openFiles(config, config.reference, context, layers, open);
    const names = [config.reference, ...config.generated].map((path) => path.split("/").at(-1));
    return {
      reference: open[0]!,
      generated: open.slice(1),
      isSimulated: await anySimulated([config.reference, ...config.generated]),
      source: `showers of ${names.join(", ")}`,
    };
  } catch (error) {
    closeAll(open);
    throw error;
  }
}

/** Opens all files into `open`, the reference first; throws what is wrong with any of them. */
async function openFiles(
  config: Config,
  path: string,
  context: HookContext,
  layers: readonly number[] | undefined,
  open: ShowerSource[],
): Promise<void> {
  const given = config.geometry === undefined
    ? undefined
    : await readGeometry(config.geometry, config.particle);
  const defects = new Defects();
  const attempt = async (path: string, work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      defects.addError(error, path);
    }
  };
  let reference: ShowerSource | undefined;
  await attempt(path, async () => {
    reference = await openShowers(path, { label: "reference", geometry: given, layers });
    open.push(reference);
  });
  const labels = labelsOf(config.generated);
  for (const [i, path] of config.generated.entries()) {
    await attempt(path, async () => {
      if (reference === undefined) return await checkShowers(path); // its geometry is not known
      const geometry = given ?? reference.geometry;
      const source = await openShowers(path, { label: labels[i]!, geometry, layers });
      open.push(source);
      open[open.length - 1] = alignedWith(reference, source, path, context);
    });
  }
  if (defects.count > 0) throw defects.error();
}

/** The samples without the events that `prepare` left out. */
export function withoutBadRows(samples: Samples, { reference, generated }: Metadata): Samples {
  return {
    ...samples,
    reference: withoutRows(samples.reference, reference.badRows ?? []),
    generated: samples.generated.map((source, i) => withoutRows(source, generated[i]!.badRows ?? [])),
  };
}

/** Whether one of several files says so. */
export async function anySimulated(paths: readonly string[]): Promise<boolean> {
  for (const path of paths) if (await isSimulatedFile(path)) return true;
  return false;
}

/** Closes files. */
export function closeAll(sources: readonly ShowerSource[]): void {
  for (const source of sources) source.close();
}

function alignedWith(
  reference: ShowerSource,
  source: ShowerSource,
  path: string,
  context: HookContext,
): ShowerSource {
  const match = matchGeometries(reference.geometry, source.geometry);
  if (match === "same") return { ...source, geometry: reference.geometry };
  if (match === "different") {
    const [a, b] = [reference.geometry, source.geometry].map(({ layers }) =>
      layers.map(({ id, rings, sectors }) => `${id}: ${rings}x${sectors}`).join(
        ", ",
      )
    );
    throw new DataError(
      `Cannot compare "${path}" with the reference as the binning must be the same: layers ${b} and ${a}`,
      path,
    );
  }
  context.warn(
    "index-order",
    `${source.label} orders its voxels differently; they were put in the reference's order`,
  );
  return reordered(source, reference.geometry);
}

/** File names without ending, made distinct. */
export function labelsOf(paths: readonly string[]): string[] {
  const stems = paths.map((path) =>
    path.split("/").at(-1)!.replace(/\.(h5|hdf5)$/i, "").replace(
      /[^A-Za-z0-9_-]+/g,
      "_",
    )
  );
  return stems.map((stem, i) => {
    const earlier = stems.slice(0, i).filter((other) => other === stem).length;
    return earlier === 0 ? stem : `${stem}_${earlier + 1}`;
  });
}

/**
 * Showers of a reference or of one of the generators that imitate it: the same incident energies, other showers. Variants
 * of a generator share their random numbers, so that they differ in their defects alone.
 */
export function judgedShowers(
  { random }: Pick<HookContext, "random">,
  rows: number,
  isReference: boolean,
): Pick<SimulationRequest, "incident" | "random"> {
  const purpose = isReference ? "simulate/reference" : "simulate/generated";
  return {
    incident: evenEnergies(random("simulate/incident"), rows),
    random: (step) => random(purpose, { step }),
  };
}

/** Factors of the detuning of the simulated models, first the worst, as if a training went on. */
const TRAINING: readonly number[] = [2.5, 1.6, 1];

function simulatedSamples(config: Config, context: HookContext): Samples {
  const geometry = regularGeometry();
  const sample = (label: string, scale: number): ShowerSource =>
    simulatedSource({
      label,
      geometry,
      flaws: detuning(scale),
      ...judgedShowers(context, config.events, label === "reference"),
    });
  const generated = TRAINING.map((factor, i) => sample(`epoch_${(i + 1) * 50}`, factor * config.quality));
  return {
    reference: sample("reference", 0),
    generated: [generated.at(-1)!, ...generated.slice(0, -1)],
    isSimulated: true,
    source:
      "simulated photon showers, 24 x 14 voxels in 5 layers; the generated ones by a detuned simulation",
  };
}
