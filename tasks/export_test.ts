import assert from "node:assert/strict";
import { ConfigError } from "../core/errors.ts";
import { exportLines, exportTask } from "./export.ts";

Deno.test("exportLines() shows inputs with open lengths, and the worst difference of all checks", () => {
  const lines = exportLines(
    {
      model: "net",
      program: "predict",
      programs: ["predict", "encode", "decode"],
      path: `${Deno.cwd()}/net.onnx`,
      bytes: 20480,
      sha256: "00",
      opset: 17,
      irVersion: 8,
      inputs: [{ name: "cells", dtype: "float32", shape: ["rows", 25] }],
      outputs: [{ name: "x", dtype: "float32", shape: ["rows", 1] }, {
        name: "y",
        dtype: "float32",
        shape: [],
      }],
      checked: [{ rows: 1, difference: 0 }, { rows: 7, difference: 3.21e-7 }],
    } as unknown as Parameters<typeof exportLines>[0],
  );
  assert.deepEqual(lines, [
    "wrote    net.onnx  (20 KiB)",
    "inputs   cells: float32[rows, 25]",
    "outputs  x: float32[rows, 1], y: float32[]",
    "format   operator set 17, file version 8",
    "checked  with 1, 7 rows: equal to the run's numbers within 3.2e-7",
    "others   net also has encode, decode; --program writes one",
  ]);
});

Deno.test("exportTask() refuses to guess the run or the format", async () => {
  for (const args of [["--onnx"], ["some-run"]]) await assert.rejects(exportTask(args), ConfigError);
});
