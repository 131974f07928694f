/**
 * How figures look: colors, dashes, symbols, fonts. Colors follow Okabe and Ito's palette for color-blind readers, two
 * of them darkened so that a line keeps a contrast of 3:1 on white; a series always differs in dash or symbol too.
 *
 * Figures are drawn in literal light colors on a white card, so that a file looks the same in a browser, an editor and
 * on paper. The literals double as roles: {@linkcode DARK_COLORS} says what each becomes on a dark page, and
 * {@linkcode darkFigureStyle} gives the style sheet that a page applies to inline figures (presentation attributes
 * yield to any CSS rule).
 *
 * @see Okabe and Ito, Color Universal Design, https://jfly.uni-koeln.de/color/
 *
 * @module
 */

/** Class of the root element of every figure made here. */
export const FIGURE_CLASS = "beamline-figure";

/** Text, axes and frames. */
export const INK = "#1f2328";
/** Less important text and reference lines. */
export const MUTED = "#6a737d";
/** Lines between cells. */
export const HAIRLINE = "#d5d9de";
/** Background. */
export const PAPER = "#ffffff";
/** Helvetica-like, with what Linux, macOS and Windows have. */
export const FONT_FAMILY = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif";
/** Pixels. */
export const FONT_SIZE = 12;

/** Colors of the series, in order of use. */
export const SERIES_COLORS: readonly string[] = [
  "#0072b2", // blue
  "#d55e00", // vermilion
  "#009e73", // bluish green
  "#b5568c", // reddish purple, darkened from #cc79a7
  "#1b1e23", // nearly black
  "#b97d00", // orange, darkened from #e69f00
  "#3a93cf", // sky blue, darkened from #56b4e9
];

/** `stroke-dasharray` of the series, in order of use; undefined is a solid line. */
export const SERIES_DASHES: readonly (string | undefined)[] = [
  undefined,
  "7 3",
  "2 2.5",
  "9 3 2 3",
  "4 2",
  "12 3",
  "7 2 2 2 2 2",
];

/** Symbols of the series, in order of use. */
export const SERIES_SYMBOLS: readonly SymbolName[] = [
  "circle",
  "square",
  "triangle",
  "diamond",
  "nabla",
  "plus",
  "cross",
];

/** Symbols that mark a point. */
export type SymbolName = "circle" | "square" | "triangle" | "diamond" | "nabla" | "plus" | "cross" | "star";

/** How one series is drawn. */
export interface SeriesStyle {
  readonly color: string;
  readonly dash: string | undefined;
  readonly symbol: SymbolName;
}

/** The style of the series with this index; color, dash and symbol repeat with the same period, dashes shifted on each turn. */
export function seriesStyle(index: number): SeriesStyle {
  const turn = Math.floor(index / SERIES_COLORS.length);
  const at = index % SERIES_COLORS.length;
  return {
    color: SERIES_COLORS[at]!,
    dash: SERIES_DASHES[(at + turn) % SERIES_DASHES.length],
    symbol: SERIES_SYMBOLS[(at + turn) % SERIES_SYMBOLS.length]!,
  };
}

/** What each literal color becomes on a dark page. */
export const DARK_COLORS: { readonly [light: string]: string } = {
  [INK]: "#e3e6ea",
  [MUTED]: "#9aa4ae",
  [HAIRLINE]: "#3a4149",
  [PAPER]: "#16191d",
  "#0072b2": "#4aa8e8",
  "#d55e00": "#ff8b4a",
  "#009e73": "#2cc79a",
  "#b5568c": "#e394c1",
  "#1b1e23": "#f2f4f6",
  "#b97d00": "#eab040",
  "#3a93cf": "#93d0f5",
};

/** CSS rules, for use inside a dark media query, that turn inline figures of this module dark. */
export function darkFigureStyle(): string {
  const rules = Object.entries(DARK_COLORS).flatMap(([light, dark]) => [
    `.${FIGURE_CLASS} [fill="${light}"]{fill:${dark}}`,
    `.${FIGURE_CLASS} [stroke="${light}"]{stroke:${dark}}`,
  ]);
  return rules.join("\n");
}

/** Corners of the symbols on the unit circle's scale, y downwards; a circle has none. */
const CORNERS: { readonly [S in Exclude<SymbolName, "circle">]: readonly (readonly [number, number])[] } = {
  square: [[-.88, -.88], [.88, -.88], [.88, .88], [-.88, .88]],
  triangle: [[0, -1.2], [1.1, .8], [-1.1, .8]],
  nabla: [[0, 1.2], [1.1, -.8], [-1.1, -.8]],
  diamond: [[0, -1.3], [1.05, 0], [0, 1.3], [-1.05, 0]],
  plus: plusCorners(.3, 1.3),
  cross: plusCorners(.3, 1.3).map(([x, y]) => [(x - y) * Math.SQRT1_2, (x + y) * Math.SQRT1_2] as const),
  star: Array.from({ length: 10 }, (_, i) => {
    const radius = i % 2 === 0 ? 1.4 : .6;
    const angle = -Math.PI / 2 + i * Math.PI / 5;
    return [radius * Math.cos(angle), radius * Math.sin(angle)] as const;
  }),
};

function plusCorners(thin: number, long: number): readonly (readonly [number, number])[] {
  return [
    [-thin, -long],
    [thin, -long],
    [thin, -thin],
    [long, -thin],
    [long, thin],
    [thin, thin],
    [thin, long],
    [-thin, long],
    [-thin, thin],
    [-long, thin],
    [-long, -thin],
    [-thin, -thin],
  ];
}

/** SVG path data of a symbol centered on (x, y), about `radius` pixels in size. */
export function symbolPath(symbol: SymbolName, x: number, y: number, radius: number): string {
  if (symbol === "circle") {
    const arc = `a${fixed(radius)},${fixed(radius)} 0 1,0`;
    return `M${fixed(x - radius)},${fixed(y)}${arc} ${fixed(2 * radius)},0${arc} ${fixed(-2 * radius)},0Z`;
  }
  const corners = CORNERS[symbol].map(([cx, cy]) => `${fixed(x + cx * radius)},${fixed(y + cy * radius)}`);
  return `M${corners.join("L")}Z`;
}

/** A coordinate in pixels with at most two decimals, which is finer than any screen or printer. */
export function fixed(pixels: number): string {
  const text = pixels.toFixed(2).replace(/\.?0+$/, "");
  return text === "-0" ? "0" : text;
}
