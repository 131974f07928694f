/**
 * What resizing does along one axis: every output cell is a weighted mean of input cells, as tfjs defines it.
 *
 * @module
 */
/** How cells of the input lie to cells of the output. */
export interface Scaling {
  /** The first and last cells of both lie on each other. */
  readonly alignCorners: boolean;
  /** Cells are areas around their centers rather than points at their beginnings. */
  readonly halfPixelCenters: boolean;
}

/** The share of every input cell in every output cell, row-major [to, from]. */
export type Shares = (from: number, to: number, scaling: Scaling) => number[];

/** Distance between output cells in units of input cells. */
function ratio(from: number, to: number, { alignCorners }: Scaling): number {
  return alignCorners && to > 1 ? (from - 1) / (to - 1) : from / to;
}

/** What an output cell of linear interpolation lies between: two input cells, and how far behind the first. */
export interface Between {
  readonly low: number;
  readonly high: number;
  readonly share: number;
}

/** Where every output cell of linear interpolation lies. */
export function linearPlaces(from: number, to: number, scaling: Scaling): readonly Between[] {
  const step = ratio(from, to, scaling);
  return Array.from({ length: to }, (_, o) => {
    const source = scaling.halfPixelCenters ? step * (o + 0.5) - 0.5 : step * o;
    const low = Math.max(0, Math.floor(source));
    return { low, high: Math.min(from - 1, Math.ceil(source)), share: source - low };
  });
}

/** {@linkcode Shares} of linear interpolation. */
export function linearShares(from: number, to: number, scaling: Scaling): number[] {
  const shares = new Array<number>(to * from).fill(0);
  linearPlaces(from, to, scaling).forEach(({ low, high, share }, o) => {
    shares[o * from + low]! += 1 - share;
    shares[o * from + high]! += share;
  });
  return shares;
}

/** The input cell that every output cell copies. */
export function nearestCells(from: number, to: number, scaling: Scaling): number[] {
  const step = ratio(from, to, scaling);
  return Array.from({ length: to }, (_, o) => {
    const source = step * (scaling.halfPixelCenters ? o + 0.5 : o);
    const cell = scaling.alignCorners ? Math.round(source) : Math.floor(source);
    return Math.max(0, Math.min(from - 1, cell));
  });
}

/** {@linkcode Shares} of copies: one cell each. */
export function nearestShares(from: number, to: number, scaling: Scaling): number[] {
  const cells = nearestCells(from, to, scaling);
  return Array.from({ length: to * from }, (_, k) => Number(cells[Math.floor(k / from)] === k % from));
}
