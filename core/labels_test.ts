import assert from "node:assert/strict";
import { ConfigError } from "./errors.ts";
import { checkedName, checkedNote, checkedTags, MAX_LABEL, MAX_NOTE, MAX_TAGS } from "./labels.ts";

const refuses = (work: () => unknown, message: RegExp): void =>
  assert.throws(work, (error: Error) => {
    assert.ok(error instanceof ConfigError);
    assert.match(error.message, message);
    return true;
  });

Deno.test("checkedName() takes a line of plain text in one form", () => {
  for (const name of ["baseline", "a b", "x".repeat(MAX_LABEL), "2026", "Δη", "latest-2"]) {
    assert.equal(checkedName(name), name);
  }
  assert.equal(checkedName("e\u0301"), "\u00e9");
});

Deno.test("checkedName() rejects what is empty, long, not shown, or means something else", () => {
  for (const name of ["", " a", "a ", "a\nb", "a\u001b[31m", "a\u202eb", "x".repeat(MAX_LABEL + 1)]) {
    refuses(
      () => checkedName(name),
      /^Cannot use name ".*" as a name is plain text of 1 to 80 characters: found/s,
    );
  }
  refuses(() => checkedName("latest"), /must not be taken for the last run: it would be$/);
  refuses(() => checkedName("Latest"), /the last run/);
  for (const name of ["a/b", "..", "a\\b"]) refuses(() => checkedName(name), /a path/);
  refuses(() => checkedName("-a"), /a flag/);
  refuses(() => checkedName("20260101T000000Z"), /the id of a run/);
});

Deno.test("checkedTags() keeps each tag once, and rejects too many and two in one", () => {
  assert.deepEqual(checkedTags(["b", "a", "b"]), ["b", "a"]);
  assert.deepEqual(checkedTags([]), []);
  refuses(() => checkedTags(["a,b"]), /a tag has no comma: found one; give --tag for each$/);
  refuses(() => checkedTags([""]), /a tag is plain text/);
  refuses(() => checkedTags(Array.from({ length: MAX_TAGS + 1 }, (_, i) => `${i}`)), /at most 50: found 51$/);
});

Deno.test("checkedNote() takes several lines of plain text", () => {
  assert.equal(checkedNote(" first\r\nsecond \n"), "first\nsecond");
  for (const note of ["", " ", "a\u0007", "x".repeat(MAX_NOTE + 1)]) {
    refuses(
      () => checkedNote(note),
      /^Cannot use the note as a note is plain text of 1 to 2000 characters: found/,
    );
  }
});
