/**
 * The grid of a DigiOccupancy map: 64 rows of ieta, 72 columns of iphi, of which one depth of the hadron endcap fills
 * 932 cells.
 *
 * Columns are counted from 0, as in the files. Cells span 10 degrees from |ieta| = 21 on, so that only even columns
 * are read out there; rows of |ieta| = 19 and 20 have 5-degree cells in columns 0 to 70.
 *
 * @module
 */

/** Rows of a map: ieta -32 to -1, then 1 to 32. */
export const ROWS = 64;
/** Columns of a map: iphi 0 to 71, 5 degrees each. */
export const COLUMNS = 72;
/** Cells of a map. */
export const CELLS = ROWS * COLUMNS;
/** Cells that are read out: 2 (9 x 36 + 2 x 71). */
export const ACTIVE_CELLS = 932;

/** The runs, by label: 0 is run 355456, 1 is run 357479. */
export const RUNS = [355456, 357479] as const;

/** ieta of a row; there is no ieta 0. */
export function ietaOfRow(row: number): number {
  return row < 32 ? row - 32 : row - 31;
}

/** Whether a cell is read out. */
export function isActive(row: number, column: number): boolean {
  const ieta = Math.abs(ietaOfRow(row));
  if (ieta === 19 || ieta === 20) return column <= 70;
  return ieta >= 21 && ieta <= 29 && column % 2 === 0;
}

/** Columns that are read out in a row, increasing. */
export function activeColumns(row: number): number[] {
  return Array.from({ length: COLUMNS }, (_, column) => column).filter((column) => isActive(row, column));
}

/** Rows that have cells, increasing. */
export function activeRows(): number[] {
  return Array.from({ length: ROWS }, (_, row) => row).filter((row) => isActive(row, 0));
}

/** Names of all rows for an axis: every cell has its tick, these have their number. */
export function ietaNames(): string[] {
  const shown = [-29, -25, -20, -15, -10, -5, 5, 10, 15, 20, 25, 29];
  return Array.from({ length: ROWS }, (_, row) => ietaOfRow(row))
    .map((ieta) => shown.includes(ieta) ? String(ieta).replace("-", "\u2212") : "");
}
