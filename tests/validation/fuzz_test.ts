/** Twenty thousand seeded mutations of every format that comes from outside: no crash, no hang, memory below 1 GB. */
import assert from "node:assert/strict";
import { z } from "zod";
import { inputPath } from "beamline";
import { ConfigError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/types.ts";
import { mergeConfig } from "../../core/merge.ts";
import { mutations, survives } from "../../formats/fuzz_test_helpers.ts";
import { parseNpy } from "../../formats/npy.ts";
import { parseNpz } from "../../formats/npz.ts";
import { parseSafetensors } from "../../formats/safetensors.ts";
import type { Description } from "../../sandbox/protocol/description.ts";
import { readLayers } from "../../run/config/config.ts";
import { fuzzPrograms, programTexts } from "./fuzz_programs.ts";

const COUNT = 20_000;
const MAX_BYTES = 2 ** 30;

const fixture = (name: string): Uint8Array<ArrayBuffer> =>
  Deno.readFileSync(new URL(`../../formats/fixtures/${name}`, import.meta.url));

function checkMemory(): void {
  const { rss } = Deno.memoryUsage();
  assert.ok(rss < MAX_BYTES, `resident memory is ${rss} bytes`);
}

/** Files of each format and how they are read. */
const FORMATS: {
  readonly [format: string]: { readonly files: readonly string[]; parse(bytes: Uint8Array): unknown };
} = {
  npy: {
    files: ["f4_little_3d_fortran.npy", "i8_big_2d.npy", "f4_version_2.npy", "b1_2d.npy"],
    parse: (bytes) => parseNpy(bytes),
  },
  npz: {
    files: ["stored.npz", "deflated.npz", "descriptor.npz", "zip64.npz", "bomb_small_claim.npz"],
    parse: (bytes) => parseNpz(bytes),
  },
  safetensors: { files: ["all_types.safetensors"], parse: (bytes) => parseSafetensors(bytes) },
};

for (const [format, { files, parse }] of Object.entries(FORMATS)) {
  Deno.test(`${format} survives ${COUNT} mutations`, async () => {
    let seen = 0;
    for (const [i, name] of files.entries()) {
      const count = COUNT / files.length;
      const options = { count, seed: 1000 + i, now: () => performance.now() };
      const { parsed, refused } = await survives(name, fixture(name), options, async (damaged) => {
        await parse(damaged);
        if (++seen % 500 === 0) checkMemory();
      });
      assert.ok(parsed > 0 && refused > count / 4, `${name}: ${parsed} parsed, ${refused} refused`);
    }
    checkMemory();
  });
}

Deno.test(`programs survive ${COUNT} mutations`, () => {
  const texts = programTexts();
  for (let seed = 0; seed < 10; seed++) {
    const { parsed, refused } = fuzzPrograms(texts, COUNT / 10, seed);
    assert.ok(parsed > 0 && refused > COUNT / 20, `${parsed} parsed, ${refused} refused`);
    checkMemory();
  }
});

const config = z.object({
  stage: z.enum(["one", "two"]).default("two"),
  epochs: z.int().min(0).default(5),
  data: inputPath("file", "measured data"),
  model: z.object({ depth: z.int().default(4) }).prefault({}),
});

const description = {
  name: "trial",
  schema: z.toJSONSchema(config, { io: "input" }) as JsonObject,
  presets: {},
} as unknown as Description;

Deno.test(`configuration files survive ${COUNT} mutations`, async () => {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/config.json`;
  const text = JSON.stringify({ stage: "one", epochs: 3, data: "a.npz", model: { depth: 2 } }, null, 1);
  let [parsed, refused] = [0, 0];
  try {
    for (const damaged of mutations(new TextEncoder().encode(text), { count: COUNT, seed: 5 })) {
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
  assert.ok(parsed > 100 && refused > COUNT / 4, `${parsed} parsed, ${refused} refused`);
  assert.equal(({} as { polluted?: unknown }).polluted, undefined);
  checkMemory();
});
