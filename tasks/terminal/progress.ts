/**
 * Progress of a run on standard error: one live bar on a terminal, one line per epoch elsewhere.
 *
 * @module
 */
import cliProgress from "cli-progress";
import { formatSeconds } from "../../core/format.ts";
import type { InitRecord } from "../../core/records.ts";
import type { TrainingRecord } from "../../core/types.ts";
import { plainLine, plainLines } from "../../core/plain_text.ts";
import { describeLeft } from "../../core/weights.ts";
import type { RateChange } from "../../run/replay/rates.ts";
import type { RunListener } from "../../run/stages/request.ts";
import type { RunDirectory } from "../../run/store/run_directory.ts";
import { about, EpochLines } from "./epoch_lines.ts";
import { errorStream, paint, tell } from "./print.ts";
import { type EarlierRun, earlierRun, Estimate, rowsOf, type TimeLeft } from "./time_left.ts";

interface Bar {
  start(total: number, value: number, payload: object): void;
  update(value: number, payload: object): void;
  stop(): void;
}

/** Past tense of each phase, as printed when it ends. */
const DONE: { readonly [phase: string]: string } = {
  prepare: "prepared",
  trace: "traced",
  train: "trained",
  evaluate: "evaluated",
  report: "reported",
};

/** Milliseconds between two drawings of the bar. */
const REDRAW_MS = 100;

/**
 * A listener that prints to standard error; silent when `isQuiet`.
 *
 * @param isLive Whether a bar can be drawn; a line per epoch is printed elsewhere.
 */
export function terminalListener(isQuiet: boolean, isLive: boolean = Deno.stderr.isTerminal()): RunListener {
  if (isQuiet) return {};
  const bar = new LiveBar(isLive);
  const estimate = new Estimate();
  const epochs = new EpochLines(estimate);
  let run: RunDirectory | undefined;
  return {
    onRun(begun) {
      run = begun;
      void earlierRun(begun).then((earlier) => {
        estimate.earlier = earlier;
        if (earlier?.isSame) bar.aside(expectedLine(earlier));
      }, () => {}); // an estimate is no reason to fail
    },
    onPhase(phase, state, seconds) {
      epochs.flush();
      if (state === "begins") {
        estimate.begin(phase);
        if (run && phase === "train") void rowsOf(run).then((rows) => estimate.rows = rows, () => {});
        return;
      }
      bar.stop();
      const time = state === "cached" ? "from the cache" : formatSeconds(seconds ?? 0);
      tell(`${paint((DONE[phase] ?? phase).padStart(12), "green")}  ${time}`);
    },
    onEvent(event) {
      if (event.event === "log") bar.aside(heard("log", event.text));
      if (event.event === "warn") bar.aside(heard("warning", event.message));
      if (event.event === "progress") bar.show(event.label || "working", event.done, event.total, "");
    },
    onInit(init) {
      bar.stop();
      for (const line of initLines(init)) tell(`${"initialized".padStart(12)}  ${line}`);
    },
    onRate(change) {
      bar.stop();
      for (const [title, text] of rateLines(change)) tell(`${title.padStart(12)}  ${text}`);
    },
    onStep(position) {
      estimate.step(position);
      const { step, totalSteps, epoch, epochs: planned, loss } = position;
      bar.show(`epoch ${epoch + 1}/${planned}`, step, totalSteps, epochs.lossText(loss), estimate.left());
    },
    onRecord(model: string, record: TrainingRecord, planned: number) {
      epochs.take(model, record, planned, !bar.isLive);
    },
    onTrained(model, { counters, reason, monitor = "loss" }) {
      epochs.flush();
      bar.stop();
      const best = counters.bestLoss === null
        ? ""
        : `, best ${plainLine(monitor)} ${counters.bestLoss.toPrecision(4)} in epoch ${counters.bestEpoch}`;
      tell(`${reason.padStart(12)}  ${model}: ${counters.epoch} epochs, ${counters.step} steps${best}`);
    },
  };
}

/** What a hook said, under its kind. */
function heard(kind: string, text: string): string[] {
  return plainLines(text).map((line, i) => `${(i === 0 ? kind : "").padStart(12)}  ${line}`);
}

/** How a training goes on that is resumed with changes: where it stands, and what its rate was and will be. */
export function rateLines(change: RateChange): readonly (readonly [title: string, text: string])[] {
  const { model, step, epoch, epochs, schedule, before, next, last, peak, isScheduleAnew, isPatienceAnew } =
    change;
  const rate = (value: number): string => value.toExponential(1);
  const jumps = schedule === "cosine" && !isScheduleAnew && next > 1.01 * before;
  return [
    [
      "goes on",
      `${model}: after step ${step}, epoch ${epoch} of ${epochs}${
        isPatienceAnew ? "; patience counts anew" : ""
      }`,
    ],
    [
      "rate",
      `${model}: was ${rate(before)}, is ${rate(next)} now, ${schedule}${
        isScheduleAnew ? ` begun anew from its peak ${rate(peak)}` : ""
      } to ${rate(last)} in the last step`,
    ],
    ...(jumps
      ? [
        [
          "",
          `the cosine is stretched over ${epochs} epochs: the rate jumps to where it would be in such a run; ` +
          `--warm-restart begins it anew with a warm-up, --learning-rate sets its peak`,
        ] as const,
      ]
      : []),
  ];
}

/** What was taken of pretrained weights, a line for each model. */
export function initLines({ kind, name, models = {} }: InitRecord): string[] {
  return Object.entries(models).map(([model, report]) => {
    const { taken, missing, otherShape } = report;
    const count = taken.length + missing.length + otherShape.length;
    return `${model}: ${taken.length} of ${count} weights from ${kind} ${name}; left: ${
      describeLeft(report)
    }`;
  });
}

/** How long the run will take, where one of the same configuration is known. */
function expectedLine({ seconds }: EarlierRun): string[] {
  const sum = Object.values(seconds).reduce((total, one) => total + one, 0);
  return [`${"expected".padStart(12)}  about ${about(sum)} in all, as the last run of this configuration`];
}

/** A bar that exists only on a terminal. */
class LiveBar {
  #bar: Bar | undefined;
  #drawn = 0;
  #title = "";

  constructor(readonly isLive: boolean) {}

  show(title: string, done: number, total: number, note: string, left?: TimeLeft): void {
    const now = performance.now();
    if (!this.isLive || (now - this.#drawn < REDRAW_MS && done < total)) return;
    this.#drawn = now;
    this.#title = plainLine(title);
    if (!this.#bar) {
      this.#bar = new cliProgress.SingleBar({
        format: "{title} {bar} {percentage}%  {speed}  {note}  ETA {eta_formatted}{left}",
        barsize: 24,
        stream: errorStream(),
        hideCursor: true,
        clearOnComplete: true,
        etaBuffer: 50,
      }, cliProgress.Presets.shades_classic) as Bar;
      this.#started = now;
      this.#first = done;
      this.#bar.start(total, done, this.#payload(done, note, now, left));
      return;
    }
    this.#bar.update(done, this.#payload(done, note, now, left));
  }

  #started = 0;
  #first = 0;

  #payload(done: number, note: string, now: number, left: TimeLeft | undefined): object {
    const rate = (done - this.#first) / Math.max(1e-3, (now - this.#started) / 1000);
    const whole = left?.of === "run" ? `, whole run ${about(left.seconds)}` : "";
    return { title: this.#title.padStart(12), note, speed: `${rate.toPrecision(3)}/s`, left: whole };
  }

  /** Lines beside the bar. */
  aside(lines: readonly string[]): void {
    this.stop();
    tell(lines);
  }

  stop(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }
}
