import assert from "node:assert/strict";
import { camelCase, kebabCase, nearestName } from "./names.ts";

Deno.test("nearestName() finds one typing error of each kind", () => {
  const known = ["epochs", "batch-size", "learning-rate", "patience"];
  const cases = [
    ["epoch", "epochs"],
    ["epocs", "epochs"],
    ["epoqhs", "epochs"],
    ["epcohs", "epochs"],
    ["eepochs", "epochs"],
    ["batchSize", "batch-size"],
    ["BATCH_SIZE", "batch-size"],
    ["learning-rat", "learning-rate"],
    ["pateince", "patience"],
  ] as const;
  for (const [typed, meant] of cases) assert.equal(nearestName(typed, known), meant);
});

Deno.test("nearestName() takes a beginning of three characters as near", () => {
  const known = ["learning-rate", "layers"];
  assert.equal(nearestName("learn", known), "learning-rate");
  assert.equal(nearestName("lea", known), "learning-rate");
  assert.equal(nearestName("le", known), undefined);
  assert.equal(nearestName("seed-everything", ["seed"]), "seed");
});

Deno.test("nearestName() is undefined when nothing is near", () => {
  assert.equal(nearestName("gradient", ["epochs", "seed"]), undefined);
  assert.equal(nearestName("x", ["y", "z"]), undefined);
  assert.equal(nearestName("", ["y"]), undefined);
  assert.equal(nearestName("epochs", []), undefined);
});

Deno.test("nearestName() prefers the longer common beginning, then the earlier name", () => {
  assert.equal(nearestName("train_los", ["brain_los", "train_loss"]), "train_loss");
  assert.equal(nearestName("sigma_z", ["sigma_x", "sigma_y"]), "sigma_x");
  assert.equal(nearestName("hcal", ["ecal", "hcals"]), "hcals");
});

Deno.test("kebabCase() and camelCase() undo each other", () => {
  for (
    const [camel, kebab] of [["batchSize", "batch-size"], ["seed", "seed"], [
      "noiseMev",
      "noise-mev",
    ]] as const
  ) {
    assert.equal(kebabCase(camel), kebab);
    assert.equal(camelCase(kebab), camel);
    assert.equal(kebabCase(kebab), kebab);
    assert.equal(camelCase(camel), camel);
  }
});

Deno.test("kebabCase() keeps runs of capitals and digits together", () => {
  assert.equal(kebabCase("useONNXFile"), "use-onnx-file");
  assert.equal(kebabCase("layer2Width"), "layer2-width");
  assert.equal(kebabCase("batch_size"), "batch-size");
  assert.equal(camelCase("batch_size"), "batchSize");
  assert.equal(camelCase("--batch-size"), "batchSize");
});
