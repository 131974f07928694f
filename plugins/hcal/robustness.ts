/**
 * What breaks the classifiers: damaged test images, fewer training images, runs that are more alike.
 *
 * Damage is done to the test images alone. Fewer images and other difficulties need networks of their own: each has its
 * column of maps beside the main one, of the same rows and labels.
 *
 * @module
 */
import type { Estimate, EvaluateContext, HookContext, Table, Tables } from "beamline";
import { takeRows } from "beamline/data";
import { accuracy, aucEstimate } from "beamline/metrics";
import { profilesOf, rowProfiles, type Scores, trainMeanThreshold, trainRowProfile } from "./baselines.ts";
import { type InputScale, inputScale, mapColumn, type Metadata } from "./data.ts";
import { type Damage, damaged, DAMAGES } from "./damage.ts";
import type { StudyCurves } from "./figures.ts";
import { CELLS, RUNS } from "./geometry.ts";
import { networkScores } from "./metrics.ts";
import { simulatedRun } from "./simulation.ts";

/** Difficulties that get a network of their own. */
export const DIFFICULTIES = [0, 0.25, 0.5, 0.75, 0.9, 1] as const;
/** Percent of the training rows that get a network of their own. */
export const ROW_PERCENTS = [3, 10, 30] as const;
/** Most sections per run: the further maps must fit into memory. */
export const MAX_STUDY_ROWS = 4000;

/** A further network of the study and the columns it is trained on. */
export interface StudyModel {
  readonly name: string;
  readonly title: string;
  readonly kind: "difficulty" | "rows";
  /** Difficulty, or percent of the training rows. */
  readonly value: number;
  readonly inputColumn: string;
  readonly labelColumn: string;
}

/** All further networks. */
export function studyModels(): StudyModel[] {
  const byDifficulty = DIFFICULTIES.map((value): StudyModel => {
    const percent = Math.round(100 * value);
    return {
      name: `difficulty-${percent}`,
      title: `robustness: at difficulty ${value}`,
      kind: "difficulty",
      value,
      inputColumn: `occupancy_d${percent}`,
      labelColumn: "label",
    };
  });
  const byRows = ROW_PERCENTS.map((value): StudyModel => ({
    name: `rows-${value}`,
    title: `robustness: with ${value} % of the training images`,
    kind: "rows",
    value,
    inputColumn: `occupancy_r${value}`,
    labelColumn: `label_r${value}`,
  }));
  return [...byDifficulty, ...byRows];
}

/** Which further networks a configuration trains. */
export function isStudied(
  model: StudyModel,
  config: {
    readonly robustness: boolean;
    readonly data?: string | undefined;
    readonly difficulty: number;
  },
): boolean {
  if (!config.robustness) return false;
  return model.kind === "rows" ||
    (config.data === undefined && model.value !== config.difficulty);
}

/** Adds the columns of the further networks to prepared tables, and the scaling of their inputs to the metadata. */
export function addStudyColumns(
  tables: Tables,
  config: Parameters<typeof isStudied>[1] & { readonly rows: number },
  context: HookContext,
): { tables: Tables; scales: Metadata["scales"] } {
  const scales: { [column: string]: InputScale } = {};
  const added: { [split: string]: Table } = { ...tables };
  for (const model of studyModels().filter((one) => isStudied(one, config))) {
    for (const [split, table] of Object.entries(tables)) {
      const columns = model.kind === "difficulty"
        ? { [model.inputColumn]: atDifficulty(table, model.value, config.rows, context) }
        : fewerRows(table, split === "train" ? model.value / 100 : 1, model, context);
      added[split] = { ...added[split], ...columns };
      if (split !== "train") continue;
      scales[model.inputColumn] = inputScale(columns[model.inputColumn]!.data as Float32Array);
    }
  }
  return { tables: added, scales };
}

/** The sections of a table, simulated at another difficulty. */
function atDifficulty(
  table: Table,
  difficulty: number,
  rows: number,
  { random }: HookContext,
): Table[string] {
  const [labels, sections] = [table.label!.data as Int32Array, table.section!.data as Int32Array];
  const makers = RUNS.map((_, label) => simulatedRun(label as 0 | 1, { rows, difficulty, random }));
  const maps = new Float32Array(labels.length * CELLS);
  labels.forEach((label, row) => makers[label]!(sections[row]!, maps, row * CELLS));
  return mapColumn(maps);
}

/** A share of the rows of each run, drawn at random and repeated to the length of the table: as many steps, fewer images. */
function fewerRows(table: Table, share: number, model: StudyModel, { random }: HookContext): Table {
  const { occupancy, label } = table as {
    occupancy: Table[string];
    label: Table[string];
  };
  if (share === 1) {
    return { [model.inputColumn]: occupancy, [model.labelColumn]: label };
  }
  const labels = label.data as Int32Array;
  const order = random(`robustness/${model.name}`).permutation(labels.length);
  const chosen = RUNS.flatMap((_, run) => {
    const ofRun = order.filter((row) => labels[row] === run);
    return [
      ...ofRun.subarray(0, Math.max(1, Math.round(share * ofRun.length))),
    ];
  });
  const repeated = Uint32Array.from(labels, (_, row) => chosen[row % chosen.length]!);
  const taken = takeRows({ occupancy, label }, repeated);
  return { [model.inputColumn]: taken.occupancy, [model.labelColumn]: taken.label };
}

/** A classifier of the study: from a table with the column to scores. */
type Classify = (maps: Float32Array<ArrayBuffer>) => Promise<Scores>;

/** Measures all classifiers on damaged images, with fewer rows and at other difficulties. */
export async function studyRobustness(
  config: Parameters<typeof isStudied>[1] & { readonly model: string },
  context: EvaluateContext<Metadata>,
): Promise<StudyCurves[]> {
  const { train, test } = context.tables as { train: Table; test: Table };
  const truth = test.label!.data as Int32Array;
  const main = classifiersOf(config.model, "occupancy", train, train.label!.data as Int32Array, context);
  const [intact] = await measure(main, test.occupancy!.data as Float32Array<ArrayBuffer>, truth) as [
    MeasuredSet,
  ];
  const curves: StudyCurves[] = [];
  for (const damage of DAMAGES) {
    curves.push(await damageCurves(damage, { classifiers: main, intact, test }, context));
    context.progress(curves.length, DAMAGES.length, "damaging test images");
  }
  const studied = studyModels().filter((model) => isStudied(model, config));
  for (const kind of ["rows", "difficulty"] as const) {
    const models = studied.filter((model) => model.kind === kind);
    if (models.length === 0) continue;
    const own = kind === "rows" ? 100 : config.difficulty;
    const points = [
      { value: own, classifiers: main, input: "occupancy" },
      ...models.map((model) => ({
        value: model.value,
        classifiers: classifiersOf(
          model.name,
          model.inputColumn,
          train,
          train[model.labelColumn]!.data as Int32Array,
          context,
        ),
        input: model.inputColumn,
      })),
    ].sort((a, b) => a.value - b.value);
    const measured: MeasuredSet[] = [];
    for (const { classifiers, input } of points) {
      const maps = test[input]!.data as Float32Array<ArrayBuffer>;
      measured.push(...await measure(classifiers, maps, truth));
    }
    curves.push(kind === "rows" ? rowCurves(points, measured, train) : difficultyCurves(points, measured));
  }
  return curves;
}

interface Classifier {
  readonly label: string;
  readonly classify: Classify;
}

function classifiersOf(
  model: string,
  column: string,
  train: Table,
  labels: Int32Array,
  context: EvaluateContext<Metadata>,
): Classifier[] {
  const profiles = profilesOf(train, column);
  const baselines = [
    { label: "row profile", classify: trainRowProfile(profiles, labels) },
    { label: "mean threshold", classify: trainMeanThreshold(profiles, labels) },
  ];
  return [
    {
      label: "transformer",
      classify: async (maps) => {
        const found = await context.predict(model, { [column]: mapColumn(maps) });
        return networkScores(found.logit!.data as Float32Array);
      },
    },
    ...baselines.map(({ label, classify }) => ({
      label,
      classify: (maps: Float32Array<ArrayBuffer>) => Promise.resolve(classify(rowProfiles(maps))),
    })),
  ];
}

/** Accuracy and AUC of every classifier, on sets of maps that follow each other and have the same labels. */
async function measure(
  classifiers: readonly Classifier[],
  maps: Float32Array<ArrayBuffer>,
  truth: Int32Array,
) {
  const sets = Array.from({ length: maps.length / CELLS / truth.length }, (): MeasuredSet => []);
  for (const { label, classify } of classifiers) {
    const { scores, predicted } = await classify(maps);
    sets.forEach((set, i) => {
      const [from, to] = [i * truth.length, (i + 1) * truth.length];
      set.push({
        label,
        accuracy: accuracy(predicted.subarray(from, to), truth),
        auc: aucEstimate(scores.subarray(from, to), truth),
      });
    });
  }
  return sets;
}

/** What the classifiers do on one set of maps. */
type MeasuredSet = { label: string; accuracy: Estimate; auc: Estimate }[];

/** Points by classifier. */
function byClassifier(points: readonly MeasuredSet[]): StudyCurves["classifiers"] {
  return points[0]!.map(({ label }, i) => ({
    label,
    accuracy: points.map((point) => point[i]!.accuracy),
    auc: points.map((point) => point[i]!.auc),
  }));
}

/** All levels are classified in one call, the undamaged images once for all damages. */
async function damageCurves(
  damage: Damage,
  { classifiers, intact, test }: {
    readonly classifiers: readonly Classifier[];
    readonly intact: MeasuredSet;
    readonly test: Table;
  },
  { random }: HookContext,
): Promise<StudyCurves> {
  const { name, title, axis, levels, note } = damage;
  const truth = test.label!.data as Int32Array;
  const groups = truth.map((label, row) => 2 * (test.block!.data as Int32Array)[row]! + label);
  const maps = test.occupancy!.data as Float32Array;
  const all = new Float32Array(levels.length * maps.length);
  levels.forEach((level, i) => all.set(damaged(damage, maps, level, { groups, random }), i * maps.length));
  const points = await measure(classifiers, all, truth);
  return {
    name,
    title,
    caption: `${title} in the ${truth.length} test images, after training on undamaged ones. ${note}`,
    x: { label: axis },
    values: [0, ...levels],
    classifiers: byClassifier([intact, ...points]),
  };
}

function rowCurves(
  points: readonly { value: number }[],
  measured: readonly MeasuredSet[],
  train: Table,
): StudyCurves {
  const rows = train.label!.shape[0]!;
  return {
    name: "fewer_rows",
    title: "Fewer training images",
    caption: "Networks and baselines trained on a share of the training images, in as many steps.",
    x: { label: "training images", log: true },
    values: points.map(({ value }) => Math.max(1, Math.round(rows * value / 100))),
    classifiers: byClassifier(measured),
  };
}

function difficultyCurves(
  points: readonly { value: number }[],
  measured: readonly MeasuredSet[],
): StudyCurves {
  return {
    name: "difficulty",
    title: "Accuracy against the difficulty of the simulation",
    caption:
      "At difficulty 0 the runs have the published row profiles, at 1 the same one; what is left then are phi " +
      "structure, local regions and correlated cells. A network and baselines trained at each point.",
    x: { label: "difficulty" },
    values: points.map(({ value }) => value),
    classifiers: byClassifier(measured),
  };
}
