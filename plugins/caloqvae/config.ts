/**
 * Flags of the plugin.
 *
 * @module
 */
import { inputPath, inputPaths, trainingOptions, z } from "beamline";

/** Every value that can be set. */
export const config = z.object({
  reference: inputPath(
    "file",
    "showers to compare with; without it, reference and generated are simulated",
  ),
  generated: inputPaths(
    "file",
    "showers to judge; repeat the flag for several files or training epochs",
  ),
  skipBad: z.boolean().default(false).describe(
    "leave out events of the files that have defects, and say which, instead of refusing the files",
  ),
  geometry: inputPath(
    "file",
    "binning XML, or an HDF5 file with bin arrays, for showers without their own",
  ),
  particle: z.string().min(1).optional().describe(
    "name or pid of the Bin in the binning XML (default: the first)",
  ),
  events: z.int().min(400).max(1_000_000).default(4000).describe(
    "simulated showers per sample",
  ),
  cut: z.number().min(0).optional()
    .describe(
      "voxels below become 0, in MeV (default: 1 for 368 or 533 voxels, 0.01515 for 6480 or 40500, else 0)",
    ),
  negatives: z.enum(["keep", "zero"]).default("keep").describe(
    "what happens to negative voxels",
  ),
  features: z.enum(["calochallenge", "caloqvae"]).default("calochallenge")
    .describe("vector of features behind fpd, kpd and the classifier"),
  sparsity: z.enum(["calochallenge", "caloqvae"]).default("calochallenge")
    .describe(
      "empty voxel: not above 0 (calochallenge) or exactly 0 (caloqvae)",
    ),
  fpd: z.enum(["jetnet", "calochallenge"]).default("jetnet")
    .describe(
      "smallest sample of the Frechet distance: 20,000 (jetnet) or 10,000 (calochallenge)",
    ),
  kpd: z.enum(["jetnet", "calochallenge"]).default("jetnet")
    .describe(
      "batch of the kernel distance: 5,000 (jetnet) or 10,000 (calochallenge)",
    ),
  fpdDraws: z.int().min(1).max(200).optional()
    .describe(
      "draws per sample size of the Frechet distance (default: 20; 2 above 150 features)",
    ),
  neighbors: z.int().min(1).max(50).default(5).describe(
    "k of precision, recall, density and coverage",
  ),
  neighborRows: z.int().min(100).max(100_000).default(10_000)
    .describe(
      "largest number of showers for precision, recall, density and coverage",
    ),
  anchorRows: z.int().min(200).max(1_000_000).default(20_000)
    .describe("largest number of showers in the broken samples"),
  classifier: z.enum(["both", "high", "low", "none"]).default("both")
    .describe("inputs of the classifier test: features (high), voxels (low)"),
  classifierRows: z.int().min(100).max(1_000_000).default(4000).describe(
    "largest number of showers per class",
  ),
  classifierWidth: z.int().min(4).max(8192).default(256).describe(
    "units of each of the two hidden layers",
  ),
  classifierLayers: z.int().min(1).max(8).default(2).describe("hidden layers of the classifier"),
  of: z.enum(["energy", "hits", "layers"]).default("energy")
    .describe("correlate: voxel energies, voxels above 0, or energies of layers"),
  quality: z.number().min(0).max(10).default(1)
    .describe("simulation: how wrong the last generated sample is; 0 is right"),
  eta: z.int().min(0).max(130).default(0).describe(
    "data simulate: 100 times the pseudorapidity, multiple of 5",
  ),
  jobs: z.int().min(1).max(20).default(3).describe(
    "data simulate: number of job folders",
  ),
  ...trainingOptions({
    epochs: 12,
    batchSize: 200,
    learningRate: 1e-3,
    schedule: "cosine",
  }),
});

/** The configuration as hooks see it. */
export type Config = z.output<typeof config>;

/** Named sets of values. */
export const presets = {
  /** Network and training of the classifier test of the CaloChallenge. */
  calochallenge: {
    fpd: "calochallenge",
    kpd: "calochallenge",
    classifierRows: 100_000,
    classifierWidth: 2048,
    classifierLayers: 3,
    epochs: 50,
    batchSize: 1000,
    learningRate: 2e-4,
    schedule: "constant",
    warmup: 0,
  },
  /** All metrics but the classifier. */
  fast: { classifier: "none" },
} as const;

/** Read-out cut in MeV by number of voxels, as the CaloChallenge applies it before it evaluates. */
const CUTS: { readonly [voxels: number]: number } = {
  368: 1,
  533: 1,
  6480: 0.01515,
  40500: 0.01515,
};

/** The cut of a configuration for showers of that many voxels. */
export function cutOf(
  { cut }: Config,
  voxels: number,
  isAtlas: boolean,
): number {
  return cut ?? (isAtlas ? 0 : CUTS[voxels] ?? 0);
}
