/**
 * What is printed of each epoch where there is no terminal: loss, validation loss, further values, time that is left.
 *
 * @module
 */
import { formatSeconds } from "../../core/format.ts";
import { plainLine } from "../../core/plain_text.ts";
import type { TrainingRecord } from "../../core/types.ts";
import { tell } from "./print.ts";
import type { Estimate, TimeLeft } from "./time_left.ts";

/** "45s", "2m 05s": an estimate has no fractions of a second. */
export function about(seconds: number): string {
  return seconds < 59.5 ? `${Math.ceil(seconds)}s` : formatSeconds(seconds);
}

/** "1m 05s left" */
function leftText(left: TimeLeft | undefined): string {
  if (left === undefined || left.seconds < 0.5) return "";
  return `${about(left.seconds)} left${left.of === "run" ? "" : " of training"}`;
}

const number = (value: number): string => value.toPrecision(4);

/** Scalars beside the loss that a line of an epoch has room for. */
const MOST_SCALARS = 3;

/** Values of an epoch that are not results of the model function. */
const NOT_SCALARS = new Set(["step", "epoch", "split", "learningRate", "seconds", "loss"]);

/** One line for each epoch, of its training and its validation. */
export class EpochLines {
  /** The last validation loss. */
  validation: number | undefined;
  #waiting: { readonly record: TrainingRecord; readonly epochs: number } | undefined;
  #model = "";

  constructor(readonly estimate: Estimate) {}

  /** Takes a record; a line is printed when its epoch is whole. */
  take(model: string, record: TrainingRecord, epochs: number, isPrinted: boolean): void {
    if (model !== this.#model) this.validation = undefined;
    this.#model = model;
    if (record.split === "validation") this.validation = record.loss as number;
    if (!isPrinted) return;
    if (record.split === "train") {
      this.flush();
      this.#waiting = { record, epochs };
    } else this.flush(record);
  }

  /** The loss of a step, and the last one of the validation. */
  lossText(loss: number): string {
    const { validation } = this;
    return `loss ${number(loss)}${validation === undefined ? "" : `  validation loss ${number(validation)}`}`;
  }

  /** Prints the epoch that waits for its validation. */
  flush(validation?: TrainingRecord): void {
    if (!this.#waiting) return;
    const { record, epochs } = this.#waiting;
    this.#waiting = undefined;
    const { epoch, learningRate, seconds } = record;
    tell([
      `${`epoch ${epoch}/${epochs}`.padStart(12)}`,
      ...valueTexts(record, validation),
      `rate ${(learningRate ?? 0).toExponential(1)}`,
      formatSeconds(seconds ?? 0),
      ...[leftText(this.estimate.left())].filter((text) => text !== ""),
    ].join("  "));
  }
}

/** "loss 0.12", "validation loss 0.15", and the same of the other values. */
function valueTexts(record: TrainingRecord, validation: TrainingRecord | undefined): string[] {
  const texts = (name: string): string[] =>
    [[name, record[name]], [`validation ${name}`, validation?.[name]]].flatMap(([label, value]) =>
      typeof value === "number" ? [`${label} ${number(value)}`] : []
    );
  const names = new Set(
    [record, validation ?? {}].flatMap(Object.keys).filter((name) => !NOT_SCALARS.has(name)),
  );
  const shown = [...names].slice(0, MOST_SCALARS).map(plainLine);
  const more = names.size - shown.length;
  return [...texts("loss"), ...shown.flatMap(texts), ...more > 0 ? [`and ${more} more`] : []];
}
