/**
 * Lowering of crops of images.
 *
 * @module
 */
import type { Pair } from "../../program/kernels.ts";
import type { Builder, OnnxType, Value } from "../builder.ts";
import type { RulesFor } from "./rule.ts";

const BOOL = { dtype: "bool" } as const;

/** Cells along one axis, counted from 0, that a crop is made of: per box `count` of them, in float64, as tfjs counts. */
function places(low: Value, high: Value, size: number, count: number, graph: Builder): Value {
  const number = (n: number) => graph.scalar(n, "float64");
  const scaled = (x: Value, n: number) => graph.node("Mul", [x, number(n)]);
  if (count === 1) return scaled(scaled(graph.node("Add", [low, high]), 0.5), size - 1);
  const length = scaled(graph.node("Sub", [high, low]), size - 1);
  const step = graph.node("Div", [length, number(count - 1)]);
  const steps = graph.constant([...Array(count).keys()], { dtype: "float64", shape: [1, count] });
  return graph.node("Add", [scaled(low, size - 1), graph.node("Mul", [steps, step])]);
}

/** Places along one axis of the image. */
interface Line {
  /** Whether the first cell is copied, without regard to the second. */
  readonly isCopied: boolean;
  /** The cells on both sides, int32. */
  readonly cells: readonly [Value, Value];
  /** How far the place lies behind the first cell, from 0 to 1. */
  readonly share: Value;
  readonly isOutside: Value;
  readonly isNan: Value;
}

function line(places: Value, size: number, isNearest: boolean, graph: Builder): Line {
  const number = (n: number) => graph.scalar(n, "float64");
  const isBefore = graph.node("Less", [places, number(0)], {}, BOOL);
  const isOutside = graph.node("Or", [isBefore, graph.node("Greater", [places, number(size - 1)], {}, BOOL)]);
  const isNan = graph.node("Not", [graph.node("Equal", [places, places], {}, BOOL)]);
  const inside = graph.node("Where", [graph.node("Or", [isOutside, isNan]), number(0), places], {}, places);
  const floor = (x: Value) => graph.node("Floor", [x]);
  const low = floor(isNearest ? graph.node("Add", [inside, number(0.5)]) : inside);
  const high = isNearest ? low : graph.node("Ceil", [inside]);
  return {
    isCopied: isNearest,
    cells: [graph.cast(low, "int32"), graph.cast(high, "int32")],
    share: graph.cast(graph.node("Sub", [inside, low]), "float32"),
    isOutside,
    isNan,
  };
}

/** a + (b - a) share */
function between(a: Value, b: Value, share: Value, type: OnnxType, graph: Builder): Value {
  const difference = graph.node("Mul", [graph.node("Sub", [b, a]), share], {}, type);
  return graph.node("Add", [a, difference]);
}

/** What is cut out of the image, inside of it. */
function cut(
  image: Value,
  box: Value,
  rows: Line,
  columns: Line,
  shape: readonly number[],
  graph: Builder,
): Value {
  const [batch, height, width, channels] = image.shape as [number, number, number, number];
  const pixels = graph.reshape(graph.cast(image, "float32"), [batch * height * width, channels]);
  const number = (n: number) => graph.scalar(n, "int32");
  const at = (row: Value, column: Value) => {
    const line = graph.node("Mul", [
      graph.node("Add", [graph.node("Mul", [box, number(height)]), row]),
      number(width),
    ]);
    const index = graph.node("Add", [line, column]);
    return graph.node("Gather", [pixels, index], { axis: 0 }, { shape });
  };
  const type = { dtype: "float32", shape } as const;
  if (rows.isCopied) return at(rows.cells[0], columns.cells[0]);
  const [top, bottom] = rows.cells.map((row) =>
    between(at(row, columns.cells[0]), at(row, columns.cells[1]), columns.share, type, graph)
  ) as [Value, Value];
  return between(top, bottom, rows.share, type, graph);
}

/** A value per box and place, with an axis for the rows or columns that it does not depend on, and for channels. */
function spread(line: Line, axis: 1 | 2, graph: Builder): Line {
  const shaped = (x: Value, isPixel: boolean) => {
    const [boxes, count] = x.shape as Pair;
    const shape = axis === 1 ? [boxes, count, 1] : [boxes, 1, count];
    return graph.reshape(x, isPixel ? [...shape, 1] : shape);
  };
  return {
    isCopied: line.isCopied,
    cells: [shaped(line.cells[0], false), shaped(line.cells[1], false)],
    share: shaped(line.share, true),
    isOutside: shaped(line.isOutside, true),
    isNan: shaped(line.isNan, true),
  };
}

/** Rules of crops. */
export const crops: RulesFor<"CropAndResize"> = {
  // Boxes [y1, x1, y2, x2] in units of the image are sampled at equal distances, by linear interpolation or from the nearest
  // cells; outside of the image is `extrapolationValue`, and 0 where a box names no image
  CropAndResize: ([image, boxes, boxInd], { cropSize, method, extrapolationValue }, graph, [type]) => {
    const [batch, height, width] = image.shape as [number, number, number, number];
    const count = boxes.shape[0]!;
    const wide = graph.cast(boxes, "float64");
    const corner = (i: number) =>
      graph.node("Slice", [wide, graph.ints([i]), graph.ints([i + 1]), graph.ints([1])], {}, {
        shape: [count, 1],
      });
    const along = (axis: 1 | 2, size: number) => {
      const ends = places(corner(axis - 1), corner(axis + 1), size, cropSize[axis - 1]!, graph);
      return spread(line(ends, size, method === "nearest", graph), axis, graph);
    };
    const [rows, columns] = [along(1, height), along(2, width)];
    const number = (n: number) => graph.scalar(n, "int32");
    const isBefore = graph.node("Less", [boxInd, number(0)], {}, BOOL);
    const isNone = graph.node("Or", [
      isBefore,
      graph.node("GreaterOrEqual", [boxInd, number(batch)], {}, BOOL),
    ]);
    const box = graph.reshape(graph.node("Where", [isNone, number(0), boxInd], {}, boxInd), [count, 1, 1]);
    const inside = cut(image, box, rows, columns, type.shape, graph);
    const either = (key: "isOutside" | "isNan") => graph.node("Or", [rows[key], columns[key]]);
    const choose = (condition: Value, number: number, rest: Value) =>
      graph.node("Where", [condition, graph.scalar(number), rest], {}, type);
    const known = choose(either("isOutside"), extrapolationValue, choose(either("isNan"), NaN, inside));
    return [choose(graph.reshape(isNone, [count, 1, 1, 1]), 0, known)];
  },
};
