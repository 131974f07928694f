/**
 * A fast parametrised simulation of the calorimeter: the columns of the experiment's files, event by event.
 * Nothing here looks at what comes after; the numbers and their reasons are in {@linkcode DETECTOR}.
 *
 * @module
 */
import type { Random } from "beamline";
import { corner, FRONT_CM, PITCH_CM, RADIATION_LENGTH_CM, showerDepth } from "./shower.ts";

/** Which photons: 1 = 140 GeV, 2 = 2..200 GeV, both parallel to the axis; 3 = from the target, with angles. */
export type Stage = "1" | "2" | "3";
/** Stage 3: "1" = middle of the calorimeter, angles to .012 rad; "2" = all of it, angles to .027 rad. */
export type Dataset = "1" | "2";

/** Fluctuations, electronics and beam. Energies in GeV, lengths in cm. */
export const DETECTOR = {
  /** Stochastic and constant term of the energy, before calibration and noise. */
  energyStochastic: 0.066,
  energyConstant: 0.011,
  /** Independent energy depositions per GeV: how coarsely a shower is shared among cells. */
  spotsPerGev: 100,
  /** Transverse fluctuation of the shower axis from shower to shower: sqrt(axisStochastic^2 / E + axisConstant^2). */
  axisStochasticCm: 0.4,
  axisConstantCm: 0.025,
  /** Fluctuation of the shower depth, in radiation lengths. */
  depthSigma: 1,
  /** Spread of the calibration constants of the cells; fixed for all events. */
  calibration: 0.01,
  /** Response along a cell from fibres and spacers: amplitude, and periods per cell. */
  modulation: 0.005,
  modulationPeriods: 4,
  noiseGev: 0.02,
  thresholdGev: 0.2,
  /** Step of the digitized energy. */
  stepGev: 1 / 64,
  /** Spread of the production point in the target. */
  vertexCm: 0.5,
  /** Shares of photons that convert upstream, of soft photons, and of photons outside the nominal area. */
  conversions: 0.014,
  soft: 0.007,
  halo: 0.015,
} as const;

/** Columns of one file; `offsets[i]..offsets[i+1]` are the cells of event i. */
export interface SimulatedEvents {
  readonly offsets: BigInt64Array<ArrayBuffer>;
  readonly x_MC: Float32Array<ArrayBuffer>;
  readonly y_MC: Float32Array<ArrayBuffer>;
  readonly E_MC: Float32Array<ArrayBuffer>;
  readonly celltype: Int8Array<ArrayBuffer>;
  readonly x_truth: Float32Array<ArrayBuffer>;
  readonly y_truth: Float32Array<ArrayBuffer>;
  readonly E_truth: Float32Array<ArrayBuffer>;
  readonly px_truth: Float32Array<ArrayBuffer>;
  readonly py_truth: Float32Array<ArrayBuffer>;
  readonly pz_truth: Float32Array<ArrayBuffer>;
}

/** What {@linkcode simulateEvents} draws. */
export interface SimulationOptions {
  readonly stage: Stage;
  readonly dataset: Dataset;
  readonly events: number;
  /** The stream for a purpose; the same purposes give the same events. */
  random(purpose: string): Random;
  progress?(done: number, total: number): void;
}

const COLUMNS = 30; // column k at x = k pitch, -30..30
const ROWS = 18;
const GRID_WIDTH = 2 * COLUMNS + 1;
const GRID_HEIGHT = 2 * ROWS + 1;
const REACH = 3; // cells on each side of the hit cell: 99 % of a shower
/** Cells that expect less than this never pass the threshold: 20 spots where 4 are expected, p < 1e-8. */
const NEGLIGIBLE_GEV = 0.04;

/** 3 = shashlik (25 x 49 cells), 2 = GAMS-R, 1 = GAMS; 0 = no cell, in the beam hole x 10..19, |y| < 4 cm. */
export function cellType(column: number, row: number): number {
  const x = column * PITCH_CM;
  if (x > 10 && x < 19 && Math.abs(row * PITCH_CM) < 4) return 0;
  if (Math.abs(column) <= 24 && Math.abs(row) <= 12) return 3;
  return Math.abs(column) <= 28 && Math.abs(row) <= 16 ? 2 : 1;
}

interface Photon {
  /** Impact at the front, cm. */
  x: number;
  y: number;
  /** Slopes px/pz, py/pz. */
  slopeX: number;
  slopeY: number;
  energy: number;
}

/** Energies of the cells of the event in work, and the rectangle that was touched. */
class Grid {
  readonly energy = new Float64Array(GRID_WIDTH * GRID_HEIGHT);
  left = GRID_WIDTH;
  right = -1;
  bottom = GRID_HEIGHT;
  top = -1;
  #corners = new Float64Array((2 * REACH + 2) ** 2);

  /** Shares `energy` of a shower with its axis at (x, y) among the cells, with multinomial fluctuation. */
  deposit(x: number, y: number, energy: number, random: Random): void {
    const side = 2 * REACH + 1;
    const column = Math.round(x / PITCH_CM);
    const row = Math.round(y / PITCH_CM);
    const corners = this.#corners;
    for (let j = 0, at = 0; j <= side; j++) {
      const dy = (row - REACH - 0.5 + j) * PITCH_CM - y;
      for (let i = 0; i <= side; i++) {
        corners[at++] = corner((column - REACH - 0.5 + i) * PITCH_CM - x, dy);
      }
    }
    const spots = DETECTOR.spotsPerGev * energy;
    const cells: number[] = [];
    const counts: number[] = [];
    let total = spots;
    for (let j = 0; j < side; j++) {
      for (let i = 0; i < side; i++) {
        const at = j * (side + 1) + i;
        const share = corners[at + side + 2]! - corners[at + side + 1]! -
          corners[at + 1]! + corners[at]!;
        if (share * energy < NEGLIGIBLE_GEV) continue;
        const mean = share * spots;
        const count = mean < 50 ? random.poisson(mean) : mean + Math.sqrt(mean) * random.normal();
        total += count - mean; // independent Poisson counts of a given total are multinomial
        cells.push(column - REACH + i, row - REACH + j);
        counts.push(count);
      }
    }
    for (let k = 0; k < counts.length; k++) {
      this.#add(cells[2 * k]! + COLUMNS, cells[2 * k + 1]! + ROWS, energy * counts[k]! / total);
    }
  }

  #add(i: number, j: number, energy: number): void {
    if (i < 0 || j < 0 || i >= GRID_WIDTH || j >= GRID_HEIGHT) return;
    this.energy[j * GRID_WIDTH + i]! += energy;
    this.left = Math.min(this.left, i);
    this.right = Math.max(this.right, i);
    this.bottom = Math.min(this.bottom, j);
    this.top = Math.max(this.top, j);
  }

  clear(): void {
    for (let j = this.bottom; j <= this.top; j++) {
      this.energy.fill(0, j * GRID_WIDTH + this.left, j * GRID_WIDTH + this.right + 1);
    }
    this.left = GRID_WIDTH;
    this.right = -1;
    this.bottom = GRID_HEIGHT;
    this.top = -1;
  }
}

/** Impact point and slopes; redrawn while it points into the beam hole. */
function drawImpact(options: SimulationOptions, random: Random): Omit<Photon, "energy"> {
  for (;;) {
    const impact = options.stage === "3" ? drawFromTarget(options.dataset, random) : drawParallel(random);
    const { x, y } = impact;
    if (!(x > 10 && x < 19 && Math.abs(y) < 4)) return impact;
  }
}

function drawParallel(random: Random): Omit<Photon, "energy"> {
  const y = (2 * random.uniform() - 1) * 28;
  const u = 2 * random.uniform() - 1;
  // the halo lies around the border of the shashlik part at x = +-93.8 cm
  const x = random.uniform() < DETECTOR.halo ? Math.sign(u) * (85 + 18 * Math.abs(u)) : 52 * u;
  return { x, y, slopeX: 0, slopeY: 0 };
}

function drawFromTarget(dataset: Dataset, random: Random): Omit<Photon, "energy"> {
  const [limit, limitX, limitY] = dataset === "1" ? [0.012, 0.012, 0.012] : [0.027, 0.0265, 0.0145];
  for (;;) {
    const slopeX = (2 * random.uniform() - 1) * limitX;
    const slopeY = (2 * random.uniform() - 1) * limitY;
    if (Math.hypot(slopeX, slopeY) > limit) continue;
    return {
      x: slopeX * FRONT_CM + random.normal(0, DETECTOR.vertexCm),
      y: slopeY * FRONT_CM + random.normal(0, DETECTOR.vertexCm),
      slopeX,
      slopeY,
    };
  }
}

function drawEnergy(stage: Stage, random: Random): number {
  if (random.uniform() < DETECTOR.soft) return 0.45 + 0.95 * random.uniform();
  return stage === "1" ? 140 : 2 + 198 * random.uniform();
}

/** Adds one electromagnetic shower to the grid. */
function shower(grid: Grid, photon: Photon, random: Random): void {
  const { energy, slopeX, slopeY } = photon;
  const depth = showerDepth(energy) +
    random.normal(0, DETECTOR.depthSigma * RADIATION_LENGTH_CM);
  const axis = Math.sqrt(DETECTOR.axisStochasticCm ** 2 / energy + DETECTOR.axisConstantCm ** 2);
  const x = photon.x + Math.max(0, depth) * slopeX + random.normal(0, axis);
  const y = photon.y + Math.max(0, depth) * slopeY + random.normal(0, axis);
  const resolution = Math.sqrt(DETECTOR.energyStochastic ** 2 / energy + DETECTOR.energyConstant ** 2);
  const wave = 2 * Math.PI * DETECTOR.modulationPeriods / PITCH_CM;
  const response = 1 +
    DETECTOR.modulation * Math.cos(wave * x) * Math.cos(wave * y);
  const visible = energy * response * (1 + random.normal(0, resolution));
  if (visible > 0) grid.deposit(x, y, visible, random);
}

/** A pair from a conversion upstream: the field separates it in x, so that its cluster is wide. */
function pair(grid: Grid, photon: Photon, random: Random): void {
  const share = 0.1 + 0.8 * random.uniform();
  const separation = 4 + random.exponential(10);
  const [first, second] = [photon.energy * share, photon.energy * (1 - share)];
  shower(grid, { ...photon, energy: first, x: photon.x - separation * (1 - share) }, random);
  shower(grid, { ...photon, energy: second, x: photon.x + separation * share }, random);
}

/** Cells of one event as they grow. */
class CellBuffer {
  x = new Float32Array(1 << 16);
  y = new Float32Array(1 << 16);
  energy = new Float32Array(1 << 16);
  type = new Int8Array(1 << 16);
  length = 0;

  push(x: number, y: number, energy: number, type: number): void {
    if (this.length === this.x.length) this.#grow();
    this.x[this.length] = x;
    this.y[this.length] = y;
    this.energy[this.length] = energy;
    this.type[this.length++] = type;
  }

  #grow(): void {
    const grow = <T extends Float32Array | Int8Array>(from: T, to: T): T => (to.set(from), to);
    const size = 2 * this.length;
    this.x = grow(this.x, new Float32Array(size));
    this.y = grow(this.y, new Float32Array(size));
    this.energy = grow(this.energy, new Float32Array(size));
    this.type = grow(this.type, new Int8Array(size));
  }
}

/** Reads the grid out as the electronics do: calibration, noise, threshold, digitization; upper left cell first. */
function readOut(grid: Grid, calibration: Float64Array, cells: CellBuffer, random: Random): void {
  for (let j = grid.top; j >= grid.bottom; j--) {
    for (let i = grid.left; i <= grid.right; i++) {
      const at = j * GRID_WIDTH + i;
      const deposited = grid.energy[at]!;
      if (deposited === 0) continue;
      const type = cellType(i - COLUMNS, j - ROWS);
      if (type === 0) continue;
      const measured = deposited * calibration[at]! +
        random.normal(0, DETECTOR.noiseGev);
      if (measured < DETECTOR.thresholdGev) continue;
      const energy = Math.round(measured / DETECTOR.stepGev) * DETECTOR.stepGev;
      cells.push((i - COLUMNS) * PITCH_CM, (j - ROWS) * PITCH_CM, energy, type);
    }
  }
}

/**
 * Simulates events with the same columns as the experiment's files, background included (conversions, soft photons,
 * clusters that reach other cell types), so that every cut has something to remove.
 *
 * @returns Columns of `options.events` events; about 12 cells and 40 microseconds each.
 */
export function simulateEvents(options: SimulationOptions): SimulatedEvents {
  const n = options.events;
  const physics = options.random("simulate/physics");
  const electronics = options.random("simulate/electronics");
  const constants = options.random("simulate/calibration");
  const calibration = Float64Array.from(
    { length: GRID_WIDTH * GRID_HEIGHT },
    () => constants.normal(1, DETECTOR.calibration),
  );
  const truth = Array.from({ length: 6 }, () => new Float32Array(n));
  const [xTruth, yTruth, eTruth, px, py, pz] = truth as [
    Float32Array<ArrayBuffer>,
    Float32Array<ArrayBuffer>,
    Float32Array<ArrayBuffer>,
    Float32Array<ArrayBuffer>,
    Float32Array<ArrayBuffer>,
    Float32Array<ArrayBuffer>,
  ];
  const offsets = new BigInt64Array(n + 1);
  const cells = new CellBuffer();
  const grid = new Grid();
  for (let k = 0; k < n; k++) {
    const photon = { ...drawImpact(options, physics), energy: drawEnergy(options.stage, physics) };
    const develop = physics.uniform() < DETECTOR.conversions ? pair : shower;
    develop(grid, photon, physics);
    readOut(grid, calibration, cells, electronics);
    grid.clear();
    offsets[k + 1] = BigInt(cells.length);
    const norm = photon.energy / Math.hypot(1, photon.slopeX, photon.slopeY);
    xTruth[k] = photon.x;
    yTruth[k] = photon.y;
    eTruth[k] = photon.energy;
    px[k] = norm * photon.slopeX;
    py[k] = norm * photon.slopeY;
    pz[k] = norm;
    if (k % 5000 === 0) options.progress?.(k, n);
  }
  return {
    offsets,
    x_MC: cells.x.slice(0, cells.length),
    y_MC: cells.y.slice(0, cells.length),
    E_MC: cells.energy.slice(0, cells.length),
    celltype: cells.type.slice(0, cells.length),
    x_truth: xTruth,
    y_truth: yTruth,
    E_truth: eTruth,
    px_truth: px,
    py_truth: py,
    pz_truth: pz,
  };
}
