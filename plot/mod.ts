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
export { barFigure } from "./bar.ts";
export type { BarGroup, BarOptions } from "./bar.ts";
export { cellGridFigure } from "./cell_grid.ts";
export type { CellGridOptions, CellMarker, CellPanel } from "./cell_grid.ts";
export { curveFigure } from "./curve.ts";
export type { CurveOptions, CurveSeries, ReferenceLine } from "./curve.ts";
export type { Axis, FigureOptions, NumberArray } from "./figure.ts";
export { densityFigure, heatMapFigure } from "./heat_map.ts";
export type { DensityOptions, HeatMapOptions } from "./heat_map.ts";
export { histogramFigure } from "./histogram.ts";
export type { HistogramOptions, HistogramSeries } from "./histogram.ts";
export { learningCurveFigure } from "./learning_curve.ts";
export type { LearningCurveOptions } from "./learning_curve.ts";
export { overlayMapFigure } from "./overlay.ts";
export type { OverlayMapOptions } from "./overlay.ts";
export { panelsFigure } from "./panels.ts";
export type { PanelsOptions } from "./panels.ts";
export { rocFigure } from "./roc.ts";
export type { RocOptions, RocSeries } from "./roc.ts";
export { cylinderFigure, polarFigure } from "./polar.ts";
export type { PolarOptions, PolarPanel } from "./polar.ts";
export { ratioFigure } from "./ratio.ts";
export type { RatioOptions } from "./ratio.ts";
export { escapeMarkup } from "./text.ts";
export { darkFigureStyle, FIGURE_CLASS } from "./theme.ts";
export type { SymbolName } from "./theme.ts";
