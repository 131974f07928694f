/**
 * Text of figures: escaping, widths, numbers on axes.
 *
 * @module
 */
import { powerOfTen } from "../../core/format.ts";
import { FONT_SIZE } from "./theme.ts";

const ESCAPES: { readonly [character: string]: string } = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text made safe for XML and HTML, in elements and in quoted attributes; control characters become U+FFFD. */
export function escapeMarkup(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd")
    .replace(/[&<>"']/g, (character) => ESCAPES[character]!);
}

/** Attributes of an element; those that are undefined are left out. */
export type Attributes = { readonly [name: string]: string | number | undefined };

/** One SVG element; `content` is markup already escaped. */
export function tag(name: string, attributes: Attributes, content = ""): string {
  let text = `<${name}`;
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined) continue;
    const shown = typeof value === "number" ? String(Math.round(value * 100) / 100) : value;
    text += ` ${key}="${escapeMarkup(shown)}"`;
  }
  return content === "" ? `${text}/>` : `${text}>${content}</${name}>`;
}

/**
 * Width of a text in pixels, from above: the advances of DejaVu Sans (the widest of the fonts in the family list) by
 * class of character, within about 10 %. There is no font engine here, and layouts need only room enough.
 */
export function textWidth(text: string, size: number = FONT_SIZE): number {
  let em = 0;
  for (const character of text) {
    if (/[ijl.,:;'|!\s()[\]ft\-⁻¹]/.test(character)) em += 0.39;
    else if (/[mwMW@%—±]/.test(character)) em += 0.92;
    else if (/[⁰²³⁴⁵⁶⁷⁸⁹]/.test(character)) em += 0.42;
    else if (/[A-Z+−×=<>~≈Σσ]/.test(character)) em += 0.74;
    else em += 0.62;
  }
  return em * size;
}

/** A number with a fixed count of decimals, a true minus sign, and thin spaces between thousands from 10 000 on. */
export function decimalText(value: number, decimals: number): string {
  const text = Math.abs(value).toFixed(decimals);
  const [whole = "0", fraction] = text.split(".");
  const grouped = whole.length > 4 ? whole.replace(/\B(?=(\d{3})+$)/g, "\u2009") : whole;
  const isZero = Number(text) === 0;
  return `${value < 0 && !isZero ? "−" : ""}${grouped}${fraction === undefined ? "" : `.${fraction}`}`;
}

/** A number with about `digits` significant digits, short: "0.0123", "1 234", "1.2×10⁻⁷". */
export function shortNumber(value: number, digits = 3): string {
  if (value === 0) return "0";
  const exponent = Math.floor(Math.log10(Math.abs(value)));
  if (exponent < -4 || exponent >= 6) {
    const mantissa = decimalText(value / 10 ** exponent, digits - 1).replace(/\.?0+$/, "");
    return `${mantissa}×${powerOfTen(exponent)}`;
  }
  const text = decimalText(value, Math.max(0, digits - 1 - exponent));
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** "x residual (cm)"; a pure number ("1" or no unit) shows its name alone. */
export function axisText(label: string, unit?: string): string {
  return unit === undefined || unit === "" || unit === "1" ? label : `${label} (${unit})`;
}
