import assert from "node:assert/strict";
import { join } from "node:path";
import { DataError } from "../../core/errors.ts";
import { encodeProgram } from "../../engine/mod.ts";
import { traceBuild } from "../../tests/support/tracing.ts";
import * as tf from "../../engine/tf.ts";
import { encodeSafetensors } from "../../formats/safetensors.ts";
import { withTempDir } from "../../tests/support/plugins.ts";
import { floats } from "../../tests/support/training.ts";
import { openSource } from "../../formats/byte_source.ts";
import { readInitialState, readPrograms, STATE_FILE } from "./files.ts";

const fault = (message: string): Error => new DataError(`Cannot use the trial as ${message}`);

/** A program that doubles its input, as a file. */
async function doubling(): Promise<string> {
  const { programs } = await traceBuild(() => ({
    programs: { twice: { rows: 2, inputs: { x: { shape: [] } }, run: ({ x }) => ({ y: tf.mul(x!, 2) }) } },
  }));
  return encodeProgram(programs.twice!);
}

Deno.test("readPrograms() reads programs by name, from files of the names it is told", async () => {
  await withTempDir(async (directory) => {
    const text = await doubling();
    await Deno.writeTextFile(join(directory, "twice.json"), text);
    await Deno.writeTextFile(join(directory, "network-twice.json"), text);
    const read = (file: string) => Deno.readFileSync(join(directory, file));
    const files = { read, programs: ["twice"], fault };
    for (const fileOf of [undefined, (program: string) => `network-${program}.json`]) {
      const { twice } = readPrograms({ ...files, ...(fileOf ? { fileOf } : {}) });
      assert.deepEqual(twice!.outputs.map(({ name }) => name), ["y"]);
    }
  });
});

Deno.test("readPrograms() throws what it is told to for a program that is not sound", async () => {
  await withTempDir(async (directory) => {
    const read = (file: string) => Deno.readFileSync(join(directory, file));
    const files = { read, programs: ["twice"], fault };
    await Deno.writeTextFile(
      join(directory, "twice.json"),
      (await doubling()).replace('"Multiply"', '"Shell"'),
    );
    assert.throws(() => readPrograms(files), {
      name: "DataError",
      message: /^Cannot use the trial as Cannot verify program "twice" as the kernel must be known/,
    });
  });
});

Deno.test("readInitialState() reads the state of an open file", async () => {
  await withTempDir(async (directory) => {
    const state = { "line/slope": floats([2], 1, -2) };
    const path = join(directory, STATE_FILE);
    await Deno.writeFile(path, encodeSafetensors(state));
    assert.deepEqual(readInitialState(openSource(path))["line/slope"]!.data, Float32Array.of(1, -2));
  });
});
