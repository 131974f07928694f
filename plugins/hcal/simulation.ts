/**
 * Simulated occupancy maps of the two runs, with the published mask, row profiles and run statistics.
 *
 * A cell reads `profile(row) x luminosity(section) x gain(cell) x defect(cell) x (1 + response(cell, section))` plus
 * noise. Gains and defects belong to the detector and are the same in both runs. Each run has a slow drift of its
 * readout boxes; run 357479 has besides three effects that no row mean can show, because in every map the response is
 * made to average to zero over each row:
 *
 * - phi structure: the beam is off-centre, so that one side sees more than the other;
 * - local regions: two groups of readout boxes were recalibrated;
 * - correlated cells: the cells of a readout box fluctuate together.
 *
 * The difficulty F moves row profile and luminosity of run 357479 towards those of run 355456: at F = 0 the profiles
 * are the published ones, at F = 1 the runs differ by these three effects alone.
 *
 * Every section has its own stream of random numbers, so that any range of sections can be made at any time.
 *
 * @module
 */
import type { HookContext, Random } from "beamline";
import { activeColumns, activeRows, CELLS, COLUMNS, ietaOfRow, RUNS } from "./geometry.ts";

/** Mean occupancy in hits of |ieta| = 19 ... 29 in run 355456; read off the published histograms, +/- 2 %. */
const PROFILE_355456 = [
  265,
  265,
  515,
  625,
  755,
  890,
  1080,
  1240,
  1250,
  1410,
  1260,
];
/** The same of run 357479, whose sections of low luminosity are included in the mean. */
const PROFILE_357479 = [830, 830, 924, 924, 924, 924, 924, 924, 924, 924, 924];
const FIRST_IETA = 19;

/** Fixed defects that the published maps show: row, column, factor. */
const DEFECTS: readonly (readonly [row: number, column: number, factor: number])[] = [
  [3, 54, 0.55],
  [56, 60, 0.6],
  [57, 60, 0.6],
  [58, 60, 0.6],
  [59, 60, 0.6],
  [50, 57, 1.25],
  [51, 57, 1.25],
];

/** Relative spread of the cells' gains: from the widths of the peaks of the published histograms. */
const GAIN_SPREAD = 0.03;
/**
 * Noise in units of the square root of the occupancy: below Poisson, as the largest published values are
 * only 1.11 and 1.17 times the row means.
 */
const NOISE = 0.4;
/** Luminosity falls by this share over a run. */
const LUMINOSITY_DECAY = 0.03;
/** Relative jitter of the luminosity from section to section. */
const LUMINOSITY_JITTER = 0.006;
/** Share of low-luminosity sections in run 357479; gives its spread and the 2-3 % of values below 700. */
const LOW_SHARE = 0.03;
/** Luminosity factor of these: LOW_FROM + LOW_RANGE u^LOW_POWER with u uniform. */
const [LOW_FROM, LOW_RANGE, LOW_POWER] = [0.05, 0.7, 0.38];
/** Mean of that factor; the integral of u^p is 1/(p + 1). */
const LOW_MEAN = LOW_FROM + LOW_RANGE / (LOW_POWER + 1);

/** A readout box spans 20 degrees; there are 18 at each end. */
const BOX_COLUMNS = 4;
const BOXES = COLUMNS / BOX_COLUMNS;
/** Relative amplitude of the slow drift of a readout box. */
const DRIFT = 0.008;
/** Relative amplitude of the phi structure, and the column where it is largest. */
const [PHI_AMPLITUDE, PHI_COLUMN] = [0.012, 12];
/** Recalibrated readout boxes: side (0 is negative ieta), first and last box, relative change. */
const REGIONS: readonly (readonly [side: number, first: number, last: number, change: number])[] = [
  [0, 8, 10, 0.025],
  [1, 2, 3, -0.025],
];
/** Relative common fluctuation of the cells of a readout box. */
const COMMON_FLUCTUATION = 0.008;
/** The strength of phi structure and regions in a section is 1 with this spread, and not negative. */
const STRENGTH_SPREAD = 0.5;

/** What a simulated run depends on. */
export interface SimulationOptions {
  /** Sections of the run. */
  readonly rows: number;
  /** F in 0..1. */
  readonly difficulty: number;
  readonly random: HookContext["random"];
}

/** Fills `target` from `offset` on with the map of one section; other cells are left as they are. */
export type SectionMaker = (section: number, target: Float32Array | Float64Array, offset: number) => void;

/** Prepares a run; what comes back makes its sections. */
export function simulatedRun(label: 0 | 1, options: SimulationOptions): SectionMaker {
  const { rows, difficulty, random } = options;
  const run = RUNS[label];
  const detector = makeDetector(random("simulate/detector"));
  const profile = profileOf(label, difficulty);
  const drift = makeDrift(random(`simulate/${run}/drift`));
  return (section, target, offset) => {
    const stream = random(`simulate/${run}/section`, { step: section });
    const time = rows > 1 ? section / (rows - 1) : 0;
    const light = luminosity(label, difficulty, time, stream);
    const response = drift(time);
    if (label === 1) addRunStructure(response, stream);
    for (const [i, row] of detector.entries()) {
      const side = row.row < 32 ? 0 : 1;
      const mean = weightedMean(row, response, side);
      for (const [k, column] of row.columns.entries()) {
        const cell = row.weights[k]! *
          (1 + response[side * COLUMNS + column]! - mean);
        const hits = profile[i]! * light * cell;
        target[offset + row.row * COLUMNS + column] = hits +
          NOISE * Math.sqrt(hits) * stream.normal();
      }
    }
  };
}

/** The maps of sections `from` up to, not including, `to`; zero outside the mask. */
export function simulateSections(make: SectionMaker, from: number, to: number): Float64Array<ArrayBuffer> {
  const maps = new Float64Array((to - from) * CELLS);
  for (let section = from; section < to; section++) {
    make(section, maps, (section - from) * CELLS);
  }
  return maps;
}

/**
 * What is left at difficulty F of the difference between the runs: the cube lets the baselines fall off over the whole
 * range, not in its last percent.
 */
function remaining(difficulty: number): number {
  return (1 - difficulty) ** 3;
}

/** Mean occupancy per active row. */
export function profileOf(label: 0 | 1, difficulty: number): number[] {
  const share = label === 0 ? 1 : 1 - remaining(difficulty);
  return activeRows().map((row) => {
    const i = Math.abs(ietaOfRow(row)) - FIRST_IETA;
    return share * PROFILE_355456[i]! + (1 - share) * PROFILE_357479[i]!;
  });
}

/** The cells of a row and gain times defect of each. */
interface DetectorRow {
  readonly row: number;
  readonly columns: readonly number[];
  readonly weights: readonly number[];
  readonly sum: number;
}

/** Gains average to one in each row, so that they do not change the profile. */
function makeDetector(random: Random): DetectorRow[] {
  return activeRows().map((row) => {
    const columns = activeColumns(row);
    const gains = columns.map(() => 1 + GAIN_SPREAD * Math.max(-3, Math.min(3, random.normal())));
    const mean = gains.reduce((a, b) => a + b) / gains.length;
    const weights = columns.map((column, k) => gains[k]! / mean * defectOf(row, column));
    return { row, columns, weights, sum: weights.reduce((a, b) => a + b) };
  });
}

function defectOf(row: number, column: number): number {
  return DEFECTS.find(([r, c]) => r === row && c === column)?.[2] ?? 1;
}

/** Falls over the run, jitters, and in run 357479 is sometimes low; its mean over the run is one. */
function luminosity(label: 0 | 1, difficulty: number, time: number, random: Random): number {
  const common = 1 + LUMINOSITY_DECAY * (0.5 - time) +
    LUMINOSITY_JITTER * random.normal();
  const low = label === 0 ? 0 : LOW_SHARE * remaining(difficulty);
  const [draw, depth] = [random.uniform(), random.uniform()];
  const factor = draw < low ? LOW_FROM + LOW_RANGE * depth ** LOW_POWER : 1;
  return common * factor / (1 - low * (1 - LOW_MEAN));
}

/** Slow change of each readout box: one to three periods over the run. Response per side and column. */
function makeDrift(random: Random): (time: number) => Float64Array {
  const waves = Array.from(
    { length: 2 * BOXES },
    () => ({ periods: 1 + 2 * random.uniform(), phase: 2 * Math.PI * random.uniform() }),
  );
  return (time) =>
    Float64Array.from({ length: 2 * COLUMNS }, (_, i) => {
      const { periods, phase } = waves[Math.floor(i / BOX_COLUMNS)]!;
      return DRIFT * Math.sin(2 * Math.PI * periods * time + phase);
    });
}

/** The three effects of run 357479. */
function addRunStructure(response: Float64Array, random: Random): void {
  const strength = () => Math.max(0, 1 + STRENGTH_SPREAD * random.normal());
  const [phi, regions] = [strength(), strength()];
  const common = Array.from({ length: 2 * BOXES }, () => COMMON_FLUCTUATION * random.normal());
  for (let i = 0; i < response.length; i++) {
    const [side, box] = [Math.floor(i / COLUMNS), Math.floor(i % COLUMNS / BOX_COLUMNS)];
    const angle = 2 * Math.PI * (i % COLUMNS - PHI_COLUMN) / COLUMNS;
    const region = REGIONS.find(([s, first, last]) => s === side && box >= first && box <= last);
    response[i]! += phi * PHI_AMPLITUDE * Math.cos(angle) +
      regions * (region?.[3] ?? 0) +
      common[side * BOXES + box]!;
  }
}

/** What is taken off, so that the row's sum does not change. */
function weightedMean({ columns, weights, sum }: DetectorRow, response: Float64Array, side: number): number {
  let total = 0;
  for (let k = 0; k < columns.length; k++) {
    total += weights[k]! * response[side * COLUMNS + columns[k]!]!;
  }
  return total / sum;
}
