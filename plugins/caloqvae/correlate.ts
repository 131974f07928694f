/**
 * The correlation matrix of one file, however large: voxels are read by blocks of rows, and products of blocks of columns
 * are summed on the engine.
 *
 * @module
 */
import {
  DataError,
  type EvaluateContext,
  type Evaluation,
  type Figure,
  type JsonObject,
  type TextTable,
} from "beamline";
import { Defects, writeNpy } from "beamline/data";
import { correlationMatrix, type Moments, type SymmetricBlocks } from "beamline/metrics";
import { heatMapFigure } from "beamline/plot";
import { activeLayers } from "./clean.ts";
import { Cleaner } from "./cleaning.ts";
import { type Config, cutOf } from "./config.ts";
import { representative } from "./correlation_figures.ts";
import { addBadEvent } from "./defects.ts";
import type { Metadata } from "./metadata.ts";
import type { Geometry } from "./geometry.ts";
import { MomentSum } from "./moment_sum.ts";
import { readGeometry } from "./layout.ts";
import { blocksOf, openShowers, type ShowerSource } from "./showers.ts";
import { isSimulatedFile, labelsOf } from "./sources.ts";

/** What is correlated: voxel energies in MeV, whether a voxel is above 0, or energies of whole layers. */
type Quantity = Config["of"];

/** The action: the correlation matrix of every file, as `.npy` and as a heat map. */
export async function correlate(
  config: Config,
  context: EvaluateContext<Metadata>,
  paths: readonly string[],
): Promise<Evaluation> {
  if (paths.length === 0) {
    throw new DataError("Cannot correlate as at least one file must be named: none given");
  }
  const reports: JsonObject[] = [];
  const figures: Promise<Figure>[] = [];
  const tables: TextTable[] = [];
  let simulated = false;
  const labels = labelsOf(paths);
  for (const [i, path] of paths.entries()) {
    const name = `correlation_${config.of}_${labels[i]}`;
    const isSimulated = await isSimulatedFile(path);
    const { report, geometry, matrix, skipped } = await correlateFile(path, config, context);
    await writeNpy(`${context.directory}/${name}.npy`, dense(matrix));
    tables.push(...skipped.map((table) => ({ ...table, name: `skipped_${labels[i]}` })));
    reports.push({ file: path, matrix: `${name}.npy`, ...report });
    figures.push(figureOf(name, labels[i]!, geometry, matrix, config.of, isSimulated));
    simulated ||= isSimulated;
  }
  return {
    files: reports.map(({ matrix }) => String(matrix)),
    simulated,
    figures,
    results: { correlations: reports },
    tables: [{
      name: "correlations",
      title: "Correlation matrices",
      columns: ["file", "of", "events", "left out", "columns", "constant", "rms correlation", "matrix"],
      rows: reports.map(({ file, of, events, notFinite, columns, constant, rms, matrix }) => [
        String(file).split("/").at(-1)!,
        String(of),
        Number(events),
        Number(notFinite),
        Number(columns),
        Number(constant),
        Number(Number(rms).toPrecision(4)),
        String(matrix),
      ]),
      note: "left out: events with defects; rms: of the elements beside the diagonal",
    }, ...tables],
  };
}

interface Correlated {
  readonly report: JsonObject;
  readonly geometry: Geometry;
  readonly matrix: SymmetricBlocks;
  /** What was left out of the file. */
  readonly skipped: readonly TextTable[];
}

async function correlateFile(
  path: string,
  config: Config,
  context: EvaluateContext<Metadata>,
): Promise<Correlated> {
  const given = config.geometry === undefined
    ? undefined
    : await readGeometry(config.geometry, config.particle);
  const layers = await activeLayers(path);
  const source = await openShowers(path, {
    label: path,
    geometry: given,
    layers: layers.length > 0 ? layers : undefined,
  });
  try {
    const { geometry } = source;
    const cut = cutOf(config, geometry.voxels, source.format === "ATLAS");
    const defects = new Defects();
    defects.checked(source.file, source.rows);
    const cleaner = new Cleaner({ cut, negatives: config.negatives }, (row, voxels) => {
      addBadEvent(defects, source, row, voxels);
    });
    const { moments, events } = await momentsOf(source, config.of, cleaner, context);
    const skipped = defects.settle(config.skipBad, context);
    const matrix = correlationMatrix(moments, { reuse: true });
    const { constant, rms } = summarize(matrix);
    const { notFinite } = cleaner.census;
    const report = {
      of: config.of,
      events,
      notFinite,
      layers: geometry.layers.map(({ id }) => id),
      columns: matrix.size,
      constant,
      rms,
    };
    return { report, geometry, matrix, skipped };
  } finally {
    source.close();
  }
}

interface Summed {
  readonly moments: Moments;
  readonly events: number;
}

async function momentsOf(
  source: ShowerSource,
  of: Quantity,
  cleaner: Cleaner,
  context: EvaluateContext<Metadata>,
): Promise<Summed> {
  const { geometry } = source;
  const columns = of === "layers" ? geometry.layers.length : geometry.voxels;
  let sums: MomentSum | undefined;
  let events = 0;
  for (const block of blocksOf(source)) {
    const { length: rows } = cleaner.clean(block, source.incident, geometry.voxels);
    const values = quantityOf(block.voxels.subarray(0, rows * geometry.voxels), rows, of, geometry);
    if (rows > 0) {
      sums ??= new MomentSum(columns, source.rows, spreadOf(values, rows, columns), context);
      await sums.add(values, rows);
    }
    events += rows;
    context.progress(block.from + block.rows, source.rows, source.label);
  }
  if (events < 2 || sums === undefined) {
    throw new DataError(
      `Cannot correlate "${source.label}" as there must be at least 2 events without faults: found ${events} of ${source.rows}`,
      source.label,
    );
  }
  return { moments: await sums.finish(), events };
}

/** Voxels as they are, changed in place, or energies of layers. */
function quantityOf(
  voxels: Float32Array<ArrayBuffer>,
  rows: number,
  of: Quantity,
  { layers, voxels: stride }: Geometry,
): Float32Array<ArrayBuffer> {
  if (of === "energy") return voxels;
  if (of === "hits") {
    for (let i = 0; i < voxels.length; i++) voxels[i] = voxels[i]! > 0 ? 1 : 0;
    return voxels;
  }
  const sums = new Float32Array(rows * layers.length);
  for (let row = 0; row < rows; row++) {
    layers.forEach(({ from, voxels: size }, at) => {
      let sum = 0;
      for (let i = row * stride + from, end = i + size; i < end; i++) sum += voxels[i]!;
      sums[row * layers.length + at] = sum;
    });
  }
  return sums;
}

/** Means and spreads of some rows; 1 for a column that is constant there. */
function spreadOf(
  values: Float32Array,
  rows: number,
  columns: number,
): { readonly shift: Float64Array; readonly scale: Float64Array } {
  const [shift, squares] = [new Float64Array(columns), new Float64Array(columns)];
  for (let row = 0, at = 0; row < rows; row++) {
    for (let i = 0; i < columns; i++, at++) {
      shift[i]! += values[at]! / rows;
      squares[i]! += values[at]! * values[at]! / rows;
    }
  }
  const scale = squares.map((square, i) => Math.sqrt(Math.max(0, square - shift[i]! ** 2)) || 1);
  return { shift, scale };
}

/** Columns with nothing to correlate, and the rms of the elements beside the diagonal. */
function summarize(matrix: SymmetricBlocks): { readonly constant: number; readonly rms: number } {
  const { size } = matrix;
  let constant = 0;
  for (let i = 0; i < size; i++) if (matrix.get(i, i) === 0) constant++;
  let [squares, diagonal] = [0, 0];
  for (let i = 0; i < matrix.count; i++) {
    for (let j = 0; j <= i; j++) {
      const block = matrix.block(i, j);
      let sum = 0;
      for (let at = 0; at < block.length; at++) sum += block[at]! * block[at]!;
      squares += i === j ? sum : 2 * sum;
    }
  }
  for (let i = 0; i < size; i++) diagonal += matrix.get(i, i) ** 2;
  return { constant, rms: Math.sqrt(Math.max(0, squares - diagonal) / Math.max(1, size * (size - 1))) };
}

/** All elements as float32, [column, column]. */
function dense(matrix: SymmetricBlocks) {
  const { size, edges } = matrix;
  const data = new Float32Array(size * size);
  for (let i = 0; i < matrix.count; i++) {
    for (let j = 0; j <= i; j++) {
      const block = matrix.block(i, j);
      for (let row = edges[i]!, at = 0; row < edges[i + 1]!; row++) {
        for (let column = edges[j]!; column < edges[j + 1]!; column++, at++) {
          data[row * size + column] = data[column * size + row] = block[at]!;
        }
      }
    }
  }
  return { dtype: "float32", shape: [size, size], data } as const;
}

function figureOf(
  name: string,
  label: string,
  geometry: Geometry,
  matrix: SymmetricBlocks,
  of: Quantity,
  simulated: boolean,
): Promise<Figure> {
  const isLayers = of === "layers";
  const { voxels, names } = isLayers
    ? { voxels: geometry.layers.map((_, at) => at), names: geometry.layers.map(({ id }) => String(id)) }
    : representative(geometry);
  const things = { energy: "voxel energies", hits: "voxel hits", layers: "layer energies" }[of];
  return heatMapFigure({
    name: name.toLowerCase(),
    title: `Correlations of ${things}, ${label}`,
    caption: isLayers
      ? "Energies of whole layers."
      : `${voxels.length} of ${matrix.size} voxels: the first sector, ring by ring from the axis outward, layer after layer; the names mark where layers begin.`,
    simulated,
    x: { label: isLayers ? "layer" : "voxels by layer" },
    y: { label: isLayers ? "layer" : "voxels by layer" },
    rows: names.length,
    columns: names.length,
    values: matrix.select(voxels),
    rowOrder: "down",
    rowNames: names,
    columnNames: names,
    colorLabel: "correlation",
    diverging: true,
    colorDomain: [-1, 1],
  });
}
