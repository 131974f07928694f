/**
 * Histograms with their ratio to the first one below.
 *
 * @module
 */
import type { Figure } from "../../core/types.ts";
import { layoutStage, resolveRange } from "../marks/axes.ts";
import { openCanvas } from "../marks/dom.ts";
import {
  checkLength,
  checkNotEmpty,
  checkOptions,
  DEFAULT_HEIGHT,
  extent,
  finishFigure,
  finiteNumbers,
  increasingEdges,
} from "../marks/figure.ts";
import type { Axis, FigureOptions, NumberArray } from "../marks/figure.ts";
import { INK, MUTED, seriesStyle } from "../marks/theme.ts";
import { tag } from "../marks/text.ts";

/** Options of {@linkcode ratioFigure}. */
export interface RatioOptions extends FigureOptions {
  readonly x: Axis;
  readonly y?: Axis;
  /** Bin edges of all histograms, increasing. */
  readonly edges: NumberArray;
  /** The first is what the others are divided by. */
  readonly series: readonly { readonly label: string; readonly counts: NumberArray }[];
}

/** Height of the panel of ratios, and of the panel above it. */
const PANEL = 70;
const SPACE = 8;
/** Ends of its axis. */
const RATIO: readonly [number, number] = [0, 2];
/** Not at its ends, where they would touch the labels of the frame above. */
const RATIO_TICKS: readonly number[] = [0.5, 1, 1.5];

/**
 * Step histograms, each divided by its sum, and below them the ratio of each to the first with Poisson errors. Ratios
 * beyond 0..2 are drawn at the border; bins empty in the first have none.
 *
 * @throws {RangeError} If there is no series, edges do not increase, counts are negative, or all are empty.
 * @throws {TypeError} If counts do not fit the edges.
 */
export async function ratioFigure(options: RatioOptions): Promise<Figure> {
  checkOptions(options);
  const { name } = options;
  checkNotEmpty(name, "series", options.series.length);
  const edges = increasingEdges(name, "edges", options.edges);
  const series = seriesOf(options, edges.length - 1);
  const y = options.y ?? { label: "share per bin" };
  const shares = series.flatMap((one) => one.shares);
  const positive = shares.filter((share) => share > 0);
  checkNotEmpty(name, "filled bin", positive.length);
  const yRange = resolveRange(name, y, y.log ? extent(positive) : [0, extent(shares)[1]], {
    pad: 0.06,
    hasZero: !y.log,
  });
  const height = options.height ?? DEFAULT_HEIGHT + 60;
  const stage = layoutStage({ ...options, height }, {
    below: SPACE + PANEL,
    x: resolveRange(name, options.x, [edges[0]!, edges.at(-1)!]),
    y: yRange,
    legend: series.map(({ label, style }) => ({
      label,
      color: style.color,
      line: { width: 1.5, dash: style.dash },
    })),
  });
  const { frame } = stage;
  const drawn = stepsMarkup(`${name}-steps`, edges, series, stage, yRange.domain[0]);
  const panel = ratioMarkup(edges, series, frame, stage.x, frame.bottom + SPACE);
  const markup = stage.draw(await openCanvas(), [], { over: drawn }) + panel;
  return finishFigure(options, {
    width: stage.width,
    height,
    right: frame.right,
    markup,
  }, {
    x: { label: options.x.label, unit: options.x.unit ?? "1" },
    edges,
    series: series.map(({ label, counts }) => ({ label, counts })),
  });
}

interface Series {
  readonly label: string;
  readonly counts: readonly number[];
  readonly shares: readonly number[];
  readonly style: ReturnType<typeof seriesStyle>;
}

/** The series, checked, with the fraction of each bin. */
function seriesOf({ name, series }: RatioOptions, bins: number): Series[] {
  return series.map(({ label, counts }, i) => {
    const numbers = finiteNumbers(name, `counts of "${label}"`, counts);
    checkLength(name, `counts of "${label}"`, numbers.length, bins);
    const total = numbers.reduce((sum, count) => sum + count, 0);
    if (numbers.some((count) => count < 0)) {
      throw new RangeError(
        `Cannot draw figure "${name}" as counts must not be negative: found some in "${label}"`,
      );
    }
    return {
      label,
      counts: numbers,
      shares: numbers.map((count) => total > 0 ? count / total : 0),
      style: seriesStyle(i),
    };
  });
}

/** Step lines, clipped to the frame; fractions below `floor` are drawn at it. */
function stepsMarkup(
  clip: string,
  edges: readonly number[],
  series: readonly Series[],
  { frame, x, y }: Pick<ReturnType<typeof layoutStage>, "frame" | "x" | "y">,
  floor: number,
): string {
  const steps = series.map(({ shares, style }) => {
    const points = shares.flatMap((share, bin) => {
      const level = fixed(y(Math.max(share, floor)));
      return [`${fixed(x(edges[bin]!))},${level}`, `${fixed(x(edges[bin + 1]!))},${level}`];
    });
    return tag("path", {
      d: `M${points.join("L")}`,
      stroke: style.color,
      "stroke-width": 1.5,
      "stroke-dasharray": style.dash,
    });
  });
  const box = {
    x: frame.left,
    y: frame.top,
    width: frame.right - frame.left,
    height: frame.bottom - frame.top,
  };
  return tag("clipPath", { id: clip }, tag("rect", box)) +
    tag("g", { "clip-path": `url(#${clip})` }, steps.join(""));
}

function ratioMarkup(
  edges: readonly number[],
  [first, ...others]: readonly Series[],
  frame: { readonly left: number; readonly right: number },
  x: (value: number) => number,
  top: number,
): string {
  const bottom = top + PANEL;
  const [low, high] = RATIO;
  const y = (ratio: number): number =>
    bottom - (Math.max(low, Math.min(high, ratio)) - low) / (high - low) * (bottom - top);
  const points = others.map(({ counts, shares, style }, at) => {
    const d = shares.flatMap((share, bin) => {
      const base = first!.shares[bin]!;
      if (base === 0) return [];
      const ratio = share / base;
      const error = ratio * Math.sqrt(1 / Math.max(1, counts[bin]!) + 1 / first!.counts[bin]!);
      const middle = (x(edges[bin]!) + x(edges[bin + 1]!)) / 2 + (at - (others.length - 1) / 2) * 1.5;
      return [
        `M${fixed(middle)},${fixed(y(ratio - error))}V${fixed(y(ratio + error))}M${fixed(middle - 2)},${
          fixed(y(ratio))
        }h4`,
      ];
    });
    return tag("path", { d: d.join(""), stroke: style.color, "stroke-width": 1.2 });
  });
  const line = tag("path", {
    d: `M${fixed(frame.left)},${fixed(y(1))}H${fixed(frame.right)}`,
    stroke: MUTED,
  });
  const ticks = tag("path", {
    d: RATIO_TICKS.map((ratio) => `M${fixed(frame.left)},${fixed(y(ratio))}h6`).join(""),
    stroke: INK,
  });
  const box = { x: frame.left, y: top, width: frame.right - frame.left, height: bottom - top };
  const labels = RATIO_TICKS.map((ratio) =>
    tag(
      "text",
      { x: frame.left - 6, y: y(ratio) + 4, "text-anchor": "end", fill: INK, "font-size": 10 },
      String(ratio),
    )
  );
  const title = tag("text", {
    transform: `translate(16,${(top + bottom) / 2}) rotate(-90)`,
    "text-anchor": "middle",
    fill: INK,
  }, "ratio");
  return line + points.join("") + ticks + tag("rect", { ...box, stroke: INK }) + labels.join("") + title;
}

function fixed(pixels: number): number {
  return Math.round(pixels * 100) / 100;
}
