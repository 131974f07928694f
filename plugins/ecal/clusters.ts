/**
 * From events to the network's rows: the cuts of the source in their order, and 5x5 windows placed at random.
 *
 * @module
 */
import type { Table, TextTable } from "beamline";
import { column, Defects } from "beamline/data";
import type { Events } from "./events.ts";
import { PITCH_CM } from "./shower.ts";

/** Cells on a side of the window. */
export const WINDOW = 5;
/** Cells of the window. */
export const CELLS = WINDOW * WINDOW;
const SHASHLIK = 3;
const MINIMUM_GEV = 1;
/** How far, in cells, a cell may lie off the grid of its cluster. */
const GRID_TOLERANCE = 0.1;

/** Clusters that passed the cuts. Positions are relative to the centre of the window's lower left cell. */
export interface Clusters {
  readonly count: number;
  /** Events that the cuts were applied to. */
  readonly events: number;
  /** Row of the file, shape [cluster]. */
  readonly event: Int32Array<ArrayBuffer>;
  /** GeV, shape [cluster, 25]: row by row from the upper left, as one reads a page. */
  readonly cells: Float32Array<ArrayBuffer>;
  /** Absolute x and y of the centre of the window's lower left cell, cm, shape [cluster, 2]. */
  readonly corner: Float32Array<ArrayBuffer>;
  /** Impact in window coordinates (cm, cm) and energy (GeV), shape [cluster]. */
  readonly truth?: {
    readonly x: Float32Array<ArrayBuffer>;
    readonly y: Float32Array<ArrayBuffer>;
    readonly energy: Float32Array<ArrayBuffer>;
  };
  /** What each cut removed. */
  readonly cutFlow: TextTable;
}

/** Where a cluster lies on the grid of cells. */
interface Extent {
  readonly left: number;
  readonly bottom: number;
  readonly width: number;
  readonly height: number;
}

/** The cuts in the order of the source; the first that applies removes the event. */
const CUTS: readonly {
  readonly label: string;
  removes(events: Events, i: number, at: Extent): boolean;
}[] = [
  { label: "no hit cells", removes: ({ offsets }, i) => offsets[i] === offsets[i + 1] },
  { label: "cells that are not shashlik", removes: hasOtherCells },
  { label: "wider than 5x5 cells", removes: (_, __, at) => at.width > WINDOW || at.height > WINDOW },
  { label: "cluster energy below 1 GeV", removes: (events, i) => sumOf(events, i) < MINIMUM_GEV },
  { label: "a cell listed twice", removes: hasRepeatedCells },
];

/**
 * Cuts events and places the others into windows.
 *
 * A window contains the whole cluster; among the positions that do, one is drawn with equal probability. The draw is a
 * hash of the cluster's cells with `key`, so the same cluster gets the same window in whatever file it comes, and
 * neither position nor energy tells where.
 *
 * @param key A random 32-bit number of the run.
 * @param defects Takes the events whose cells do not lie on a grid of the calorimeter's pitch, which are then left out, as
 * if they were not in the file; without it, one of them is an error.
 * @throws {DataError} Without `defects`, that lists those events.
 */
export function selectClusters(events: Events, key: number, defects?: Defects): Clusters {
  const removed = CUTS.map(() => 0);
  const kept: number[] = [];
  const extents: Extent[] = [];
  const found = defects ?? new Defects();
  let total = events.offsets.length - 1;
  for (let i = 0; i < events.offsets.length - 1; i++) {
    const at = extentOf(events, i);
    const cut = CUTS.findIndex(({ removes }) => removes(events, i, at));
    if (cut >= 0) removed[cut]!++;
    else if (!isOnGrid(events, i, at, found)) total--;
    else {
      kept.push(i);
      extents.push(at);
    }
  }
  if (defects === undefined && found.count > 0) throw found.error();
  const cells = new Float32Array(kept.length * CELLS);
  const corner = new Float32Array(kept.length * 2);
  kept.forEach((i, row) => {
    const window = placeWindow(events, i, extents[row]!, key);
    corner[2 * row] = window.x;
    corner[2 * row + 1] = window.y;
    fillWindow(events, i, window, cells.subarray(row * CELLS, (row + 1) * CELLS));
  });
  const { truth } = events;
  return {
    count: kept.length,
    events: total,
    event: Int32Array.from(kept, (i) => events.row[i]!),
    cells,
    corner,
    ...(truth && {
      truth: {
        x: Float32Array.from(kept, (i, row) => truth.x[i]! - corner[2 * row]!),
        y: Float32Array.from(kept, (i, row) => truth.y[i]! - corner[2 * row + 1]!),
        energy: Float32Array.from(kept, (i) => truth.energy[i]!),
      },
    }),
    cutFlow: describeCuts(total, removed),
  };
}

function extentOf({ offsets, x, y }: Events, i: number): Extent {
  let [left, right, bottom, top] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let c = offsets[i]!; c < offsets[i + 1]!; c++) {
    left = Math.min(left, x[c]!);
    right = Math.max(right, x[c]!);
    bottom = Math.min(bottom, y[c]!);
    top = Math.max(top, y[c]!);
  }
  const cellsIn = (low: number, high: number) => Math.round((high - low) / PITCH_CM) + 1;
  return { left, bottom, width: cellsIn(left, right), height: cellsIn(bottom, top) };
}

function hasOtherCells({ offsets, type }: Events, i: number): boolean {
  for (let c = offsets[i]!; c < offsets[i + 1]!; c++) {
    if (type[c] !== SHASHLIK) return true;
  }
  return false;
}

/** Early files of the experiment list the cells twice when the classical fit split the cluster. */
function hasRepeatedCells({ offsets, x, y }: Events, i: number, at: Extent): boolean {
  let seen = 0;
  for (let c = offsets[i]!; c < offsets[i + 1]!; c++) {
    const cell = 1 << (Math.round((y[c]! - at.bottom) / PITCH_CM) * WINDOW +
      Math.round((x[c]! - at.left) / PITCH_CM));
    if (seen & cell) return true;
    seen |= cell;
  }
  return false;
}

function sumOf({ offsets, energy }: Events, i: number): number {
  let sum = 0;
  for (let c = offsets[i]!; c < offsets[i + 1]!; c++) sum += energy[c]!;
  return sum;
}

/** Centre of the window's lower left cell, cm. */
interface Window {
  readonly x: number;
  readonly y: number;
}

function placeWindow(events: Events, i: number, at: Extent, key: number): Window {
  const hash = hashCells(events, i, key);
  const columns = draw(hash >>> 16, WINDOW - at.width + 1);
  const rows = draw(hash & 0xffff, WINDOW - at.height + 1);
  return { x: at.left - columns * PITCH_CM, y: at.bottom - rows * PITCH_CM };
}

/** 0..choices-1 from 16 random bits; unequal by at most 5 / 65536. */
function draw(bits: number, choices: number): number {
  return (bits * choices) >>> 16;
}

const FLOAT = new Float32Array(1);
const BITS = new Uint32Array(FLOAT.buffer);

/** MurmurHash3 (32 bits) of the positions and energies of a cluster's cells, in the order of the file. */
function hashCells({ offsets, x, y, energy }: Events, i: number, key: number): number {
  let hash = key | 0;
  for (let c = offsets[i]!; c < offsets[i + 1]!; c++) {
    FLOAT[0] = energy[c]!;
    const place = Math.round(x[c]! / PITCH_CM * 2) * 4096 +
      Math.round(y[c]! / PITCH_CM * 2);
    hash = mix(mix(hash, place), BITS[0]!);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function mix(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  const h = hash ^ k;
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}

/** Whether the cells of a cluster lie on one grid; each that does not is a defect. */
function isOnGrid({ offsets, x, y, row, file }: Events, i: number, at: Extent, defects: Defects): boolean {
  let isGood = true;
  const distance = (offset: number) => Math.abs(offset - Math.round(offset));
  for (let c = offsets[i]!; c < offsets[i + 1]!; c++) {
    const [across, up] = [(x[c]! - at.left) / PITCH_CM, (y[c]! - at.bottom) / PITCH_CM];
    if (distance(across) <= GRID_TOLERANCE && distance(up) <= GRID_TOLERANCE) continue;
    isGood = false;
    defects.add({
      file,
      rule: `cells must lie on a grid of ${PITCH_CM} cm`,
      found: `a cell at (${x[c]}, ${y[c]}) cm`,
      where: `event ${row[i]}, cell ${c - offsets[i]!}`,
      row: row[i]!,
    });
  }
  return isGood;
}

function fillWindow(events: Events, i: number, window: Window, target: Float32Array): void {
  const { offsets, x, y, energy } = events;
  for (let c = offsets[i]!; c < offsets[i + 1]!; c++) {
    const i0 = Math.round((x[c]! - window.x) / PITCH_CM);
    const j0 = Math.round((y[c]! - window.y) / PITCH_CM);
    target[(WINDOW - 1 - j0) * WINDOW + i0] = energy[c]!;
  }
}

function describeCuts(total: number, removed: readonly number[]): TextTable {
  let left = total;
  const rows = CUTS.map(({ label }, k) => {
    left -= removed[k]!;
    return [label, removed[k]!, left];
  });
  return {
    name: "cuts",
    title: "Events removed by each cut",
    columns: ["cut", "removed", "left"],
    rows: [["all events", null, total], ...rows],
    note: "A row counts events that passed the cuts above it.",
  };
}

/** The clusters as a table; the truth columns are there when the truth is. */
export function toTable({ event, cells, corner, count, truth }: Clusters): Table {
  return {
    cells: column(cells, {
      shape: [count, CELLS],
      dims: ["row", "cell"],
      unit: "GeV",
      description: "cell energies of the 5x5 window, row by row from the upper left",
    }),
    corner: column(corner, {
      shape: [count, 2],
      dims: ["row", "axis"],
      unit: "cm",
      description: "absolute x and y of the centre of the window's lower left cell",
    }),
    event: column(event, { unit: "1", description: "row of the event in its file" }),
    ...(truth && {
      x_truth: column(truth.x, { unit: "cm", description: "impact from the centre of the lower left cell" }),
      y_truth: column(truth.y, { unit: "cm", description: "impact from the centre of the lower left cell" }),
      energy_truth: column(truth.energy, { unit: "GeV", description: "photon energy" }),
    }),
  };
}
