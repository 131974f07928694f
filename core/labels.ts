/**
 * What a user calls a run: a name, tags, a note. They change nothing about the run, and may be changed when it is over.
 *
 * @module
 */
import { ConfigError } from "./errors.ts";
import { plainLine } from "./plain_text.ts";

/** Labels of a run, as in `run.json`. */
export interface RunLabels {
  /** Can be typed in place of the id. */
  readonly name?: string;
  readonly tags?: readonly string[];
  readonly note?: string;
}

/** Characters of the longest name and tag. */
export const MAX_LABEL = 80;
/** Characters of the longest note. */
export const MAX_NOTE = 2000;
/** Tags of a run. */
export const MAX_TAGS = 50;

/** The word that stands for a run in place of its name. */
export const LATEST = "latest";

/** A name that somebody would take for something else, and for what. */
const OTHER_MEANINGS: readonly (readonly [pattern: RegExp, meaning: string])[] = [
  [new RegExp(`^${LATEST}$`, "i"), "the last run"],
  [/[\\/]|^\.{1,2}$/, "a path"],
  [/^-/, "a flag"],
  [/^\d{8}T\d{6}Z/, "the id of a run"],
];

/**
 * A name as it is kept: characters that look the same are the same (Unicode form NFC).
 *
 * @throws {ConfigError} If it is empty, long, more than a line of plain text, or stands for something else.
 */
export function checkedName(text: string): string {
  const name = checkedLabel(text, "name");
  const meaning = OTHER_MEANINGS.find(([pattern]) => pattern.test(name))?.[1];
  if (meaning === undefined) return name;
  throw new ConfigError(`Cannot use name "${name}" as a name must not be taken for ${meaning}: it would be`);
}

/**
 * Tags as they are kept, each once.
 *
 * @throws {ConfigError} If there are too many, or one is empty, long, or more than a line of plain text.
 */
export function checkedTags(texts: readonly string[]): string[] {
  const tags = [...new Set(texts.map((text) => checkedLabel(text, "tag")))];
  const joined = tags.find((tag) => tag.includes(","));
  if (joined !== undefined) {
    throw new ConfigError(`Cannot use tag "${joined}" as a tag has no comma: found one; give --tag for each`);
  }
  if (tags.length <= MAX_TAGS) return tags;
  throw new ConfigError(`Cannot use tags as a run has at most ${MAX_TAGS}: found ${tags.length}`);
}

function checkedLabel(text: string, what: "name" | "tag"): string {
  const label = text.normalize("NFC");
  const length = [...label].length;
  const isPlain = plainLine(label) === label && label.trim() === label;
  if (isPlain && length >= 1 && length <= MAX_LABEL) return label;
  throw new ConfigError(
    `Cannot use ${what} "${cut(label)}" as a ${what} is plain text of 1 to ${MAX_LABEL} characters: ${
      isPlain ? `found ${length}` : "found spaces at an end, or characters that are not shown"
    }`,
  );
}

/**
 * A note as it is kept; it may have several lines.
 *
 * @throws {ConfigError} If it is empty, long, or not plain text.
 */
export function checkedNote(text: string): string {
  const note = text.replaceAll("\r\n", "\n").trim();
  const isPlain = note.split("\n").every((line) => plainLine(line) === line);
  const length = [...note].length;
  if (isPlain && length >= 1 && length <= MAX_NOTE) return note;
  throw new ConfigError(
    `Cannot use the note as a note is plain text of 1 to ${MAX_NOTE} characters: ${
      isPlain ? `found ${length}` : "found characters that are not shown"
    }`,
  );
}

/** Enough of a text for a message. */
function cut(text: string): string {
  return text.length > MAX_LABEL ? `${text.slice(0, MAX_LABEL)}...` : text;
}
