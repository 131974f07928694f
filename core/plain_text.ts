/**
 * Text of others on its way to a terminal or a log: what would command a terminal, hide, or change the order in which a
 * reader sees characters is made visible.
 *
 * @module
 */

/**
 * Characters that are not to be seen: control characters (C0, DEL, C1), the format characters of Unicode (directional
 * overrides, zero-width characters, tags), all else that Unicode shows as nothing where a font does not know it
 * (variation selectors, fillers, code points kept for such), separators of lines and paragraphs, halves of surrogate
 * pairs, and two symbols without a shape (an empty braille pattern, a note without a head).
 */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}\p{Cs}\u2800\u{1d159}]/gu;

/** What ends a line for any reader. */
const LINE_END = /\r\n|[\n\r\u0085\u2028\u2029]/;

/** Whether a pictograph is drawn as a sign or as a picture; nothing is lost without it. */
const STYLE_OF_PICTURE = /(?<=\p{Extended_Pictographic})[\ufe0e\ufe0f]/gu;

/** What stands in place of a character that is not to be seen. */
const REPLACEMENT = "\ufffd";

/**
 * A text as one line that does nothing but show: line ends and tabs become spaces, every other character that is not to
 * be seen becomes U+FFFD.
 */
export function plainLine(text: string): string {
  const [first = "", ...rest] = text.split(LINE_END);
  const joined = rest.length === 0 ? first : [
    withoutEnd(first),
    ...rest.slice(0, -1).map((line) => withoutEnd(withoutStart(line))),
    withoutStart(rest.at(-1)!),
  ]
    .join(" ");
  return joined.replaceAll("\t", " ").replace(STYLE_OF_PICTURE, "").replace(UNSEEN, REPLACEMENT);
}

/** Without spaces and tabs at its start. A loop: an expression for a run at an end tries again at each of its characters. */
function withoutStart(line: string): string {
  let from = 0;
  while (line[from] === " " || line[from] === "\t") from++;
  return line.slice(from);
}

function withoutEnd(line: string): string {
  let to = line.length;
  while (line[to - 1] === " " || line[to - 1] === "\t") to--;
  return line.slice(0, to);
}

/**
 * A text of several lines, each made plain; lines after the first are indented, so that none of them looks like a line
 * of ours.
 */
export function plainLines(text: string): string[] {
  const [first = "", ...rest] = text.trimEnd().split(LINE_END);
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
