/** On simulated showers of known quality the metrics of caloqvae order the samples as they were made. */
import assert from "node:assert/strict";
import { randomFor, run } from "beamline";
import caloqvae from "../../plugins/caloqvae/mod.ts";
import { config } from "../../plugins/caloqvae/config.ts";
import { FAMILY } from "../../plugins/caloqvae/detuning.ts";
import { writeFamily } from "../../plugins/caloqvae/simulate.ts";
import { withTempDir } from "../support/plugins.ts";

const EVENTS = 6000;

/** Metrics that must change with every grade, and in which direction. */
const ORDERED: { readonly [key: string]: "up" | "down" } = {
  fpd: "up",
  kpd: "up",
  classifier_auc: "up",
  frobenius_voxel_energy: "up",
  frobenius_voxel_hits: "up",
  frobenius_layer_sums: "up",
  frobenius_layer_sparsity: "up",
  frobenius_patches: "up",
  separation_energy_ratio: "up",
  separation_width_r_2: "up",
  precision: "down",
  recall: "down",
  coverage: "down",
};

/** Ordered from grade 0.5 on: the two best differ by less than the error. */
const ORDERED_LATER: readonly string[] = ["separation_voxel_energy"];

for (const seed of [1, 2, 3]) {
  Deno.test(`the metrics order the detuned family of seed ${seed} as it was made`, async () => {
    await withTempDir(async (directory) => {
      await writeFamily(config.parse({ events: EVENTS }), {
        directory,
        random: (purpose, { step = 0, epoch = 0 } = {}) => randomFor({ seed, purpose, step, epoch }),
        progress: () => {},
      });
      const names = FAMILY.map((grade) => `detuned_${Math.round(100 * grade)}`);
      const { metrics } = await run(caloqvae, {
        config: {
          reference: `${directory}/family/reference.hdf5`,
          generated: names.map((name) => `${directory}/family/${name}.hdf5`),
          classifier: "high",
        },
        out: `${directory}/runs`,
        cache: `${directory}/cache`,
        seed,
      });
      const wrong: string[] = [];
      const later = ORDERED_LATER.map((key) => [key, "up"] as const);
      for (const [key, direction] of [...Object.entries(ORDERED), ...later]) {
        const values = names.map((name, i) => metrics[i === 0 ? key : `${name}.${key}`]!.value)
          .slice(ORDERED_LATER.includes(key) ? 1 : 0);
        const isOrdered = values.every((value, i) =>
          i === 0 || (direction === "up" ? value > values[i - 1]! : value < values[i - 1]!)
        );
        if (!isOrdered) wrong.push(`${key}: ${values.map((value) => value.toPrecision(4)).join(", ")}`);
      }
      assert.deepEqual(wrong, []);
    });
  });
}
