import assert from "node:assert/strict";
import { bytesSource } from "./byte_source.ts";
import { openHdf5 } from "./hdf5.ts";
import { checkIsData, describeNotData } from "./not_data.ts";
import { openNpy, parseNpy, readNpy } from "./npy.ts";
import { openNpz, parseNpz, readNpz } from "./npz.ts";
import { parseSafetensors, readSafetensors } from "./safetensors.ts";

const FIXTURES = new URL("./fixtures/", import.meta.url).pathname;
const POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n";
const PAGE = "<!DOCTYPE html><html><body>Not found</body></html>";

const encode = (text: string) => new TextEncoder().encode(text);

Deno.test("describeNotData() names git-lfs pointers, web pages and XML", () => {
  const cases: { [text: string]: string | undefined } = {
    [POINTER]: "a git-lfs pointer",
    "version https://hawser.github.com/spec/v1\n": "a git-lfs pointer",
    [PAGE]: "a web page (HTML)",
    "\ufeff\n <html lang=en>": "a web page (HTML)",
    "<!-- saved --> <!doctype HTML>": "a web page (HTML)",
    '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>': "an XML document",
    "version 2": undefined,
    "<htmlx>": undefined,
    "": undefined,
  };
  for (const [text, found] of Object.entries(cases)) {
    assert.equal(describeNotData(encode(text))?.found, found, text);
  }
});

Deno.test("describeNotData() has nothing to say about data", async () => {
  for (const { name } of Deno.readDirSync(FIXTURES)) {
    if (!/\.(npy|npz|h5|root|safetensors)$/.test(name)) continue;
    assert.equal(describeNotData((await Deno.readFile(FIXTURES + name)).subarray(0, 512)), undefined, name);
  }
});

Deno.test("checkIsData() rejects with what was found and what to do", () => {
  assert.throws(() => checkIsData(bytesSource("a.npy", encode(POINTER)), "an .npy array"), {
    name: "SyntaxError",
    message: 'Cannot read "a.npy" as it must be an .npy array: found a git-lfs pointer; run "git lfs pull"',
  });
  assert.throws(() => checkIsData(bytesSource("a.npy", encode(PAGE)), "an .npy array"), {
    name: "SyntaxError",
    message:
      'Cannot read "a.npy" as it must be an .npy array: found a web page (HTML); download the file itself',
  });
});

Deno.test("every reader names a git-lfs pointer and a web page", async () => {
  const folder = await Deno.makeTempDir();
  try {
    for (const [text, found] of [[POINTER, "a git-lfs pointer"], [PAGE, "a web page (HTML)"]] as const) {
      const path = `${folder}/file`;
      await Deno.writeTextFile(path, text);
      const wanted = (name: string) => ({
        name,
        message: new RegExp(`^Cannot read ".*" as it must be .*: found ${found.replace(/[()]/g, "\\$&")}; `),
      });
      for (const read of [readNpy, openNpy, readNpz, openNpz, readSafetensors, openHdf5]) {
        await assert.rejects(async () => void await read(path), wanted("DataError"), read.name);
      }
      for (const parse of [parseNpy, parseNpz, parseSafetensors]) {
        await assert.rejects(async () => void await parse(encode(text)), wanted("SyntaxError"), parse.name);
      }
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
