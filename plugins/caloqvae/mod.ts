/**
 * Is a generated calorimeter shower as good as the simulated one? Reads showers, studies data sets, and judges generated
 * against reference.
 *
 * @module
 */
import { definePlugin } from "beamline";
import { algebraModel } from "./algebra_programs.ts";
import { classifierModel } from "./classifier.ts";
import { clean } from "./clean.ts";
import { compareDatasets } from "./compare_datasets.ts";
import { config, presets } from "./config.ts";
import { correlate } from "./correlate.ts";
import { evaluate } from "./evaluate.ts";
import { inspect } from "./inspect.ts";
import { prepare } from "./prepare.ts";
import { rebuild } from "./rebuild.ts";
import { simulate } from "./simulate.ts";

export default definePlugin({
  name: "caloqvae",
  title: "Is a generated calorimeter shower as good as the simulated one?",
  config,
  presets,
  metrics: [
    { key: "fpd", label: "Fréchet physics distance", unit: "1", better: "lower" },
    { key: "kpd", label: "kernel physics distance", unit: "1", better: "zero" },
    { key: "classifier_auc", label: "AUC of the classifier", unit: "1", better: "lower" },
    {
      key: "frobenius_voxel_energy",
      label: "Frobenius distance of voxel energies",
      unit: "1",
      better: "lower",
    },
    { key: "frobenius_voxel_hits", label: "Frobenius distance of voxel hits", unit: "1", better: "lower" },
    { key: "precision", label: "precision", unit: "1", better: "higher" },
    { key: "recall", label: "recall", unit: "1", better: "higher" },
    { key: "coverage", label: "coverage", unit: "1", better: "higher" },
    { key: "floor.fpd", label: "Fréchet physics distance of halves", unit: "1", better: "lower" },
    { key: "broken.fpd", label: "Fréchet physics distance of broken showers", unit: "1", better: "lower" },
  ],
  models: {
    classifier_high: classifierModel("high"),
    classifier_low: classifierModel("low"),
    algebra: algebraModel,
  },
  prepare,
  evaluate,
  simulate,
  actions: {
    evaluate: {
      title: "judge generated showers (the default)",
      train: true,
      run: (config, context) => evaluate(config, context),
    },
    inspect: {
      title: "what is in files, and what is wrong with them",
      prepare: false,
      run: inspect,
    },
    "compare-datasets": {
      title: "incident energies, layers and energy sums of several files or folders",
      prepare: false,
      run: compareDatasets,
    },
    rebuild: {
      title: "merge the files of job folders",
      prepare: false,
      run: (_config, context, files) => rebuild(context, files),
    },
    clean: {
      title: "remove events with a voxel at or above the incident energy",
      prepare: false,
      run: clean,
    },
    correlate: {
      title: "correlation matrices of files of any size",
      prepare: false,
      models: true,
      run: correlate,
    },
  },
});
