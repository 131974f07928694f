/**
 * Mutates the files of one format in a process of its own, and prints how many bytes were resident at most:
 * `deno run ... fuzz_process.ts FORMAT COUNT`.
 */
import assert from "node:assert/strict";
import { mutations, survives } from "../../formats/fuzz_test_helpers.ts";

/** What a process found. */
export interface FuzzReport {
  readonly parsed: number;
  readonly refused: number;
  /** Peak of the resident memory, which includes Deno itself: about 60 MB, and 200 MB where tfjs is loaded. */
  readonly residentBytes: number;
}

type Fuzz = (count: number) => Promise<Omit<FuzzReport, "residentBytes">>;

const fixture = (name: string): Uint8Array<ArrayBuffer> =>
  Deno.readFileSync(new URL(`../../formats/fixtures/${name}`, import.meta.url));

/** Mutations of files, shared out equally. */
function ofFiles(files: readonly string[], load: () => Promise<(bytes: Uint8Array) => unknown>): Fuzz {
  return async (count) => {
    const parse = await load();
    const sum = { parsed: 0, refused: 0 };
    for (const [i, name] of files.entries()) {
      const options = { count: count / files.length, seed: 1000 + i, now: () => performance.now() };
      const { parsed, refused } = await survives(name, fixture(name), options, async (damaged) => {
        await parse(damaged);
      });
      assert.ok(parsed > 0 && refused > options.count / 4, `${name}: ${parsed} parsed, ${refused} refused`);
      sum.parsed += parsed;
      sum.refused += refused;
    }
    return sum;
  };
}

/** What comes from outside, and how it is mutated. Imports are late, so that each process has only its own. */
const FORMATS: { readonly [format: string]: Fuzz } = {
  npy: ofFiles(
    ["f4_little_3d_fortran.npy", "i8_big_2d.npy", "f4_version_2.npy", "b1_2d.npy"],
    async () => (await import("../../formats/npy.ts")).parseNpy,
  ),
  npz: ofFiles(
    ["stored.npz", "deflated.npz", "descriptor.npz", "zip64.npz", "bomb_small_claim.npz"],
    async () => (await import("../../formats/npz.ts")).parseNpz,
  ),
  safetensors: ofFiles(
    ["all_types.safetensors"],
    async () => (await import("../../formats/safetensors.ts")).parseSafetensors,
  ),
  csv: ofFiles(["kinds.csv"], async () => {
    const { readCsv } = await import("../../data/csv.ts");
    const [schema, path] = [
      { energy: { dtype: "float32", unit: "GeV" } } as const,
      await Deno.makeTempFile(),
    ];
    return async (bytes) => {
      await Deno.writeFile(path, bytes);
      await readCsv(path, schema);
    };
  }),
  parquet: ofFiles(
    [
      "kinds.parquet",
      ...["snappy", "gzip", "zstd", "lz4"].map((codec) => `codec_${codec}.parquet`),
    ],
    async () => {
      const { openParquet } = await import("../../formats/parquet.ts");
      const { bytesSource } = await import("../../formats/byte_source.ts");
      return async (bytes) => {
        using file = await openParquet(bytesSource("a.parquet", bytes));
        for (const { name, kind } of file.columns) if (kind !== undefined) await file.read(name, 0);
      };
    },
  ),
  programs: async (count) => {
    const { fuzzPrograms, programTexts } = await import("./fuzz_programs.ts");
    const texts = programTexts();
    const sum = { parsed: 0, refused: 0 };
    for (let seed = 0; seed < 10; seed++) {
      const { parsed, refused } = fuzzPrograms(texts, count / 10, seed);
      assert.ok(parsed > 0 && refused > count / 20, `seed ${seed}: ${parsed} parsed, ${refused} refused`);
      sum.parsed += parsed;
      sum.refused += refused;
    }
    return sum;
  },
  configuration: fuzzConfiguration,
};

async function fuzzConfiguration(count: number): Promise<Omit<FuzzReport, "residentBytes">> {
  const { z } = await import("zod");
  const { inputPath } = await import("beamline");
  const { ConfigError } = await import("../../core/errors.ts");
  const { mergeConfig } = await import("../../core/merge.ts");
  const { readLayers } = await import("../../run/config/config.ts");
  const config = z.object({
    stage: z.enum(["one", "two"]).default("two"),
    epochs: z.int().min(0).default(5),
    data: inputPath("file", "measured data"),
    model: z.object({ depth: z.int().default(4) }).prefault({}),
  });
  const schema = z.toJSONSchema(config, { io: "input" });
  const description = { name: "trial", schema, presets: {} } as unknown as Parameters<typeof readLayers>[1];
  const folder = await Deno.makeTempDir();
  const file = `${folder}/config.json`;
  const text = JSON.stringify({ stage: "one", epochs: 3, data: "a.npz", model: { depth: 2 } }, null, 1);
  let [parsed, refused] = [0, 0];
  try {
    for (const damaged of mutations(new TextEncoder().encode(text), { count, seed: 5 })) {
      await Deno.writeFile(file, damaged);
      try {
        const layers = await readLayers({ file, flags: {}, workingDirectory: folder }, description);
        config.strict().safeParse(mergeConfig(layers).values);
        parsed++;
      } catch (error) {
        refused++;
        assert.ok(error instanceof ConfigError && /^Cannot [^\n]*[^.\n]$/.test(error.message), String(error));
      }
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  assert.equal(({} as { polluted?: unknown }).polluted, undefined);
  assert.ok(parsed > count / 200 && refused > count / 4, `${parsed} parsed, ${refused} refused`);
  return { parsed, refused };
}

/** Peak of the resident memory, where the system keeps it (Linux); else what is resident now. */
function peakBytes(): number {
  try {
    return 1024 * Number(/VmHWM:\s+(\d+) kB/.exec(Deno.readTextFileSync("/proc/self/status"))![1]);
  } catch {
    return Deno.memoryUsage().rss;
  }
}

if (import.meta.main) {
  const [format, count] = Deno.args;
  const found = await FORMATS[format!]!(Number(count));
  console.log(JSON.stringify({ ...found, residentBytes: peakBytes() }));
}
