/**
 * Text of others on its way to a terminal or a log: what would command a terminal, hide, or change the order in which a
 * reader sees characters is made visible.
 *
 * @module
 */

/**
 * Characters that are not to be seen: control characters (C0, DEL, C1), the format characters of Unicode (directional
 * overrides, zero-width characters, tags), separators of lines and paragraphs, halves of surrogate pairs, and fillers,
 * which are letters without a shape.
 */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\u115f\u1160\u3164\uffa0]/gu;

/** What ends a line for any reader, with the spaces beside it. */
const LINE_ENDS = /[ \t]*(?:\r\n|[\n\r\u0085\u2028\u2029])[ \t]*/g;

/** What stands in place of a character that is not to be seen. */
const REPLACEMENT = "\ufffd";

/**
 * A text as one line that does nothing but show: line ends and tabs become spaces, every other character that is not to
 * be seen becomes U+FFFD.
 */
export function plainLine(text: string): string {
  return text.replace(LINE_ENDS, " ").replaceAll("\t", " ").replace(UNSEEN, REPLACEMENT);
}

/**
 * A text of several lines, each made plain; lines after the first are indented, so that none of them looks like a line
 * of ours.
 */
export function plainLines(text: string): string[] {
  const [first = "", ...rest] = text.trimEnd().split(/\r\n|[\n\r\u0085\u2028\u2029]/);
  return [plainLine(first), ...rest.map((line) => line === "" ? "" : `  ${plainLine(line)}`)];
}

/**
 * A value as JSON in one line in which nothing commands a terminal: the value is the same, but characters that
 * `JSON.stringify` leaves as they are (DEL, C1, separators of lines, directional overrides) are written as escapes.
 */
export function plainJson(value: unknown): string {
  return JSON.stringify(value)?.replace(UNSEEN, escaped);
}

/** A character as JSON escapes, one for each UTF-16 unit. */
function escaped(character: string): string {
  return Array.from(
    { length: character.length },
    (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`,
  ).join("");
}
