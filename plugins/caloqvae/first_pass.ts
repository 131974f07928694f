/**
 * The first pass over a file: features of every shower, what is wrong with them, showers for the classifier test.
 *
 * @module
 */
import { Defects, type DefectsState } from "beamline/data";
import { rowsToKeep } from "./classifier_inputs.ts";
import { type Census, Cleaner } from "./cleaning.ts";
import { type Config, cutOf } from "./config.ts";
import { addBadEvent } from "./defects.ts";
import { computeFeatures, emptyFeatures, type Features, sliceFeatures } from "./features.ts";
import { blocksOf, isChosen, type ShowerSource, withoutRows } from "./showers.ts";

/** What was found: numbers and arrays alone, as they travel between threads. */
export interface Pass {
  readonly label: string;
  readonly features: Features;
  readonly census: Census;
  /** MeV, of the rows that stayed; 0 where there is none. */
  readonly largest: number;
  readonly smallestPositive: number;
  readonly smallest: number;
  /** Rows of the classifier test, [row, voxel]. */
  readonly chosen: Float32Array<ArrayBuffer>;
  readonly chosenRows: readonly number[];
  /** What is wrong with events of the file. */
  readonly defects: DefectsState;
  /** Rows of the file that are left out for that. */
  readonly badRows: readonly number[];
}

/**
 * Goes through a source. With `skipBad`, one with bad events is gone through again without them, so that everything is as
 * if they were not in the file.
 *
 * @param progress Is told how many rows were read.
 */
export function firstPass(
  source: ShowerSource,
  config: Config,
  isReference: boolean,
  progress: (rows: number) => void,
): Pass {
  const found = passOver(source, config, isReference, progress);
  const { badRows, defects, census: { events, notFinite } } = found;
  if (!config.skipBad || badRows.length === 0) return found;
  const again = passOver(withoutRows(source, badRows), config, isReference, () => {});
  return { ...again, census: { ...again.census, events, notFinite }, defects, badRows };
}

function passOver(
  source: ShowerSource,
  config: Config,
  isReference: boolean,
  progress: (rows: number) => void,
): Pass {
  const { geometry, rows } = source;
  const { voxels } = geometry;
  const cut = cutOf(config, voxels, source.format === "ATLAS");
  const defects = new Defects();
  const badRows: number[] = [];
  defects.checked(source.file, rows);
  const cleaner = new Cleaner({ cut, negatives: config.negatives }, (row, values) => {
    badRows.push(row);
    addBadEvent(defects, source, row, values);
  });
  const features = emptyFeatures(geometry, rows);
  const wanted = rowsToKeep(config, isReference, rows);
  const chosen = new Float32Array(wanted * voxels);
  const chosenRows: number[] = [];
  let count = 0;
  for (const block of blocksOf(source)) {
    const kept = cleaner.clean(block, source.incident, voxels);
    computeFeatures(block.voxels, kept.length, geometry, config.sparsity, features, count);
    kept.forEach((row, i) => {
      features.incident[count + i] = source.incident[row]!;
      if (!isChosen(row, wanted, rows)) return;
      chosen.set(block.voxels.subarray(i * voxels, (i + 1) * voxels), chosenRows.length * voxels);
      chosenRows.push(count + i);
    });
    count += kept.length;
    progress(block.from + block.rows);
  }
  const { census, largest, smallestPositive, smallest } = cleaner;
  return {
    label: source.label,
    features: count === rows ? features : sliceFeatures(features, 0, count),
    census,
    largest,
    smallestPositive: Number.isFinite(smallestPositive) ? smallestPositive : 0,
    smallest: Number.isFinite(smallest) ? smallest : 0,
    chosen,
    chosenRows,
    defects: defects.state,
    badRows,
  };
}
