/**
 * Figures: numbers in, one self-contained SVG out. Every function is asynchronous (the drawing library loads on first
 * use) and returns a `Figure` of `beamline` with the numbers drawn beside the picture. Equal input gives equal bytes.
 *
 * A figure is drawn in dark ink on a white card, readable as a file everywhere; a page in dark colors restyles inline
 * figures with {@linkcode darkFigureStyle}. Series differ in dash or symbol as well as in color.
 *
 * ```ts
 * const figure = await curveFigure({
 *   name: "resolution",
 *   title: "Energy resolution",
 *   caption: "Core width of the relative residual; 20 000 test rows.",
 *   simulated: true,
 *   x: { label: "energy", unit: "GeV" },
 *   y: { label: "σ(E)/E", unit: "%" },
 *   series: [{ label: "network", x: [10, 50, 100], y: [2.4, 1.5, 1.3], error: [0.1, 0.05, 0.04] }],
 * });
 * ```
 *
 * @module
 */
export { barFigure } from "./figures/bar.ts";
export type { BarGroup, BarOptions } from "./figures/bar.ts";
export { cellGridFigure } from "./figures/cell_grid.ts";
export type { CellGridOptions, CellMarker, CellPanel } from "./figures/cell_grid.ts";
export { curveFigure } from "./figures/curve.ts";
export type { CurveOptions, CurveSeries, ReferenceLine } from "./figures/curve.ts";
export type { Axis, FigureOptions, NumberArray } from "./marks/figure.ts";
export { densityFigure, heatMapFigure } from "./figures/heat_map.ts";
export type { DensityOptions, HeatMapOptions } from "./figures/heat_map.ts";
export { histogramFigure } from "./figures/histogram.ts";
export type { HistogramOptions, HistogramSeries } from "./figures/histogram.ts";
export { learningCurveFigure } from "./figures/learning_curve.ts";
export type { LearningCurveOptions } from "./figures/learning_curve.ts";
export { overlayMapFigure } from "./figures/overlay.ts";
export type { OverlayMapOptions } from "./figures/overlay.ts";
export { panelsFigure } from "./figures/panels.ts";
export type { PanelsOptions } from "./figures/panels.ts";
export { rocFigure } from "./figures/roc.ts";
export type { RocOptions, RocSeries } from "./figures/roc.ts";
export { cylinderFigure, polarFigure } from "./figures/polar.ts";
export type { PolarOptions, PolarPanel } from "./figures/polar.ts";
export { ratioFigure } from "./figures/ratio.ts";
export type { RatioOptions } from "./figures/ratio.ts";
export { stampSimulated } from "./marks/stamp.ts";
export { escapeMarkup } from "./marks/text.ts";
export { darkFigureStyle, FIGURE_CLASS } from "./marks/theme.ts";
export type { SymbolName } from "./marks/theme.ts";
