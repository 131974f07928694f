import assert from "node:assert/strict";
import { plainJson, plainLine, plainLines } from "./plain_text.ts";

/** Every character that must not reach a terminal as it is. */
const COMMANDS = [
  ...Array.from({ length: 0x20 }, (_, i) => i).filter((code) => ![9, 10, 13].includes(code)),
  ...Array.from({ length: 0x21 }, (_, i) => 0x7f + i).filter((code) => code !== 0x85),
  ...[0xad, 0x61c, 0x115f, 0x180e, 0x200b, 0x200c, 0x200d, 0x200e, 0x200f],
  ...[0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2060, 0x2061, 0x2066, 0x2067, 0x2068, 0x2069],
  ...[0x3164, 0xfeff, 0xffa0, 0xfff9, 0xfffb, 0xd800, 0xdfff, 0xe0001, 0xe0041, 0xe007f],
  ...[0x34f, 0x1160, 0x17b4, 0x180b, 0x2065, 0x2800, 0xfe0f, 0xfff0, 0x1d159, 0xe0002, 0xe0100],
].map((code) => String.fromCodePoint(code));

Deno.test("plainLine() makes every control, format and invisible character visible", () => {
  for (const command of COMMANDS) {
    assert.equal(plainLine(`a${command}b`), "a\ufffdb", `U+${command.codePointAt(0)!.toString(16)}`);
  }
});

Deno.test("plainLine() is one line whatever ends lines in it", () => {
  for (const end of ["\n", "\r", "\r\n", "\u0085", "\u2028", "\u2029", "  \n\t"]) {
    assert.equal(plainLine(`a${end}b`), "a b", JSON.stringify(end));
  }
  assert.equal(plainLine("a\tb"), "a b");
});

Deno.test("plainLine() leaves letters of every script, signs and pairs of surrogates", () => {
  const text = "π⁺ → μ⁺ν, 0.05 ± 0.01 cm², Größe, 日本語, עברית, 😀";
  assert.equal(plainLine(text), text);
});

Deno.test("plainLine() leaves pictures without what only says how they are drawn", () => {
  assert.equal(plainLine("⚛\ufe0f ☢\ufe0e done\ufe0f"), "⚛ ☢ done\ufffd");
});

Deno.test("plainLine() takes long runs of spaces, tabs and line ends in linear time", () => {
  // quadratic, each of these takes more than 100 s; linear, a few ms
  const spaces = " \t".repeat(250_000);
  const started = performance.now();
  assert.equal(plainLine(`a${spaces}b`).length, 500_002);
  assert.equal(plainLine(`a${spaces}\n${spaces}b`), "a b");
  assert.equal(plainLine(`a${"\n ".repeat(250_000)}b`).length, 250_002);
  assert.equal(plainLines(`a${spaces}${"\n".repeat(250_000)}`).length, 1);
  assert.ok(performance.now() - started < 20_000);
});

Deno.test("plainLines() indents what follows the first line", () => {
  assert.deepEqual(plainLines("done\nrun  runs/x\x1b[2K\n\nend\n"), [
    "done",
    "  run  runs/x\ufffd[2K",
    "",
    "  end",
  ]);
});

Deno.test("plainJson() escapes what JSON.stringify leaves, and means the same", () => {
  const value = { [`k${COMMANDS.join("")}`]: COMMANDS, n: [1, null], π: "μ 😀" };
  const text = plainJson(value);
  assert.deepEqual(JSON.parse(text), value);
  // deno-lint-ignore no-control-regex -- it is what is looked for
  assert.doesNotMatch(text, /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/);
  assert.match(text, /"π":"μ 😀"/);
});
