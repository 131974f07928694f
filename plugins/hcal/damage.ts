/**
 * Ways of damaging occupancy maps, as a detector may: dead and hot cells, dead readout boxes, drifting gains.
 *
 * @module
 */
import type { HookContext, Random } from "beamline";
import { activeColumns, activeRows, CELLS, COLUMNS } from "./geometry.ts";

/** One way of damaging a map. */
export interface Damage {
  readonly name: string;
  readonly title: string;
  /** What the levels are. */
  readonly axis: string;
  /** Increasing, all above 0: at level 0 a map is as it was. */
  readonly levels: readonly number[];
  readonly note: string;
  /**
   * Damages the map in place.
   *
   * @param random New for each map; equal at all levels.
   * @param blockRandom The same for all maps of a run and block.
   */
  apply(map: Float32Array, level: number, random: Random, blockRandom: Random): void;
}

/** A hot cell reads this. */
const HOT = 1e4;
/** A readout box spans 20 degrees; there are 18 at each end. */
const BOX_COLUMNS = 4;
const BOXES = 2 * COLUMNS / BOX_COLUMNS;

export const DAMAGES: readonly Damage[] = [
  {
    name: "dead_cells",
    title: "Dead cells",
    axis: "share of dead cells",
    levels: [0.01, 0.03, 0.1, 0.3],
    note: "Cells drawn anew for each image read zero.",
    apply: (map, level, random) => setCells(map, level, 0, random),
  },
  {
    name: "hot_cells",
    title: "Hot cells",
    axis: "share of hot cells",
    levels: [0.001, 0.01, 0.03, 0.1],
    note: "Cells drawn anew for each image read 10 000 hits.",
    apply: (map, level, random) => setCells(map, level, HOT, random),
  },
  {
    name: "dead_regions",
    title: "Dead readout boxes",
    axis: "dead readout boxes of 36",
    levels: [1, 2, 4, 8],
    note: "Boxes of 20 degrees at one end, drawn anew for each image, read zero.",
    apply(map, level, random) {
      const dead = new Set(random.permutation(BOXES).subarray(0, level));
      for (const cell of activeCells()) if (dead.has(boxOf(cell))) map[cell] = 0;
    },
  },
  {
    name: "gain_drift",
    title: "Gain drift",
    axis: "relative spread of the cells' gains",
    levels: [0.01, 0.03, 0.1, 0.2],
    note: "Gains drawn anew for each run and block of sections.",
    apply(map, level, _random, blockRandom) {
      for (const cell of activeCells()) map[cell]! *= Math.max(0, 1 + level * blockRandom.normal());
    },
  },
];

/** Damaged copies of maps; `groups` says which maps share what is drawn per block. */
export function damaged(
  { name, apply }: Damage,
  maps: Float32Array,
  level: number,
  { groups, random }: { readonly groups: ArrayLike<number>; readonly random: HookContext["random"] },
): Float32Array<ArrayBuffer> {
  const copies = Float32Array.from(maps);
  for (let row = 0; row < maps.length / CELLS; row++) {
    const ofBlock = random(`robustness/${name}/block`, { step: groups[row]! });
    const map = copies.subarray(row * CELLS, (row + 1) * CELLS);
    apply(map, level, random(`robustness/${name}`, { step: row }), ofBlock);
  }
  return copies;
}

function activeCells(): number[] {
  return activeRows().flatMap((row) => activeColumns(row).map((column) => row * COLUMNS + column));
}

/** Readout box of a cell: 0 to 17 at negative ieta, 18 to 35 at positive. */
function boxOf(cell: number): number {
  const [row, column] = [Math.floor(cell / COLUMNS), cell % COLUMNS];
  return (row < 32 ? 0 : BOXES / 2) + Math.floor(column / BOX_COLUMNS);
}

function setCells(map: Float32Array, share: number, value: number, random: Random): void {
  for (const cell of activeCells()) if (random.uniform() < share) map[cell] = value;
}
