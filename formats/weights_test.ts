import assert from "node:assert/strict";
import { DataError, UnsupportedError } from "../core/errors.ts";
import * as tf from "../engine/tf.ts";
import { encodeSafetensors } from "./safetensors.ts";
import { parseTfjsModel } from "./tfjs_model.ts";
import { holdsWeights, readWeights } from "./weights.ts";

const bytesOf = (...arrays: (Float32Array | Int32Array | Uint16Array | Uint8Array)[]) => {
  const parts = arrays.map(({ buffer, byteOffset, byteLength }) =>
    new Uint8Array(buffer, byteOffset, byteLength)
  );
  return Uint8Array.from(parts.flatMap((part) => [...part]));
};

const model = (weights: unknown, paths: unknown = ["a.bin"]) =>
  JSON.stringify({ modelTopology: {}, weightsManifest: [{ paths, weights }] });

const KERNEL = { name: "dense/kernel", shape: [2, 1], dtype: "float32" };

Deno.test("parseTfjsModel() reads weights that go on from file to file, and groups", () => {
  const block = bytesOf(Float32Array.of(1, 2), Int32Array.of(-7), Uint8Array.of(1, 0));
  const text = JSON.stringify({
    weightsManifest: [
      {
        paths: ["a.bin", "b.bin"],
        weights: [KERNEL, { name: "n", shape: [], dtype: "int32" }, {
          name: "mask",
          shape: [2],
          dtype: "bool",
        }],
      },
      { paths: ["sub/c.bin"], weights: [{ name: "bias", shape: [1], dtype: "float32" }] },
    ],
  });
  const files: { readonly [path: string]: Uint8Array } = {
    "a.bin": block.slice(0, 5),
    "b.bin": block.slice(5),
    "sub/c.bin": bytesOf(Float32Array.of(0.5)),
  };
  assert.deepEqual(parseTfjsModel(text, (path) => files[path]!), {
    "dense/kernel": { dtype: "float32", shape: [2, 1], data: Float32Array.of(1, 2) },
    n: { dtype: "int32", shape: [], data: Int32Array.of(-7) },
    mask: { dtype: "bool", shape: [2], data: Uint8Array.of(1, 0) },
    bias: { dtype: "float32", shape: [1], data: Float32Array.of(0.5) },
  });
});

Deno.test("parseTfjsModel() undoes quantization: value = scale q + min; float16 is widened", () => {
  const weights = [
    { ...KERNEL, quantization: { dtype: "uint8", min: -1, scale: 0.5 } },
    { name: "n", shape: [1], dtype: "int32", quantization: { dtype: "uint16", min: -3, scale: 2 } },
    {
      name: "h",
      shape: [2],
      dtype: "float32",
      quantization: { dtype: "float16", original_dtype: "float32" },
    },
  ];
  const bytes = bytesOf(Uint8Array.of(0, 4), Uint16Array.of(300), Uint16Array.of(0x3e00, 0xc000));
  const { "dense/kernel": kernel, n, h } = parseTfjsModel(model(weights), () => bytes);
  assert.deepEqual(kernel!.data, Float32Array.of(-1, 1));
  assert.deepEqual(n!.data, Int32Array.of(597));
  assert.deepEqual(h!.data, Float32Array.of(1.5, -2)); // IEEE 754 binary16: 0x3e00, 0xc000
});

Deno.test("parseTfjsModel() reads what tfjs saves, and decodes as tfjs does", async () => {
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ units: 3, inputShape: [2], name: "a" }),
      tf.layers.batchNormalization({ name: "b" }),
    ],
  });
  let saved: tf.io.ModelArtifacts = {};
  await model.save(tf.io.withSaveHandler((artifacts) => {
    saved = artifacts;
    return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: "JSON" } });
  }));
  const bytes = new Uint8Array(saved.weightData as ArrayBuffer);
  const quantized: tf.io.WeightsManifestEntry[] = [
    { name: "q", shape: [5], dtype: "float32", quantization: { dtype: "uint8", min: -0.3, scale: 0.017 } },
    { name: "r", shape: [2], dtype: "int32", quantization: { dtype: "uint16", min: -9, scale: 0.3 } },
    {
      name: "h",
      shape: [3],
      dtype: "float32",
      quantization: { dtype: "float16", original_dtype: "float32" },
    },
  ] as tf.io.WeightsManifestEntry[];
  const noise = Uint8Array.of(0, 255, 7, 128, 3, 200, 100, 9, 255, 0, 60, 1, 128, 255, 123);
  for (const [weights, block] of [[saved.weightSpecs!, bytes], [quantized, noise]] as const) {
    const read = parseTfjsModel(
      JSON.stringify({ weightsManifest: [{ paths: ["a"], weights }] }),
      () => block,
    );
    const decoded = tf.io.decodeWeights(block.slice().buffer, [...weights]);
    assert.deepEqual(Object.keys(read), Object.keys(decoded));
    for (const [name, { dtype, shape, data }] of Object.entries(read)) {
      const { dtype: wanted, shape: length } = decoded[name]!;
      assert.deepEqual([dtype, shape, data], [wanted, length, decoded[name]!.dataSync()], name);
    }
  }
});

const BYTES = new Uint8Array(8);

/** What is refused: the text of model.json, the bytes of its file, the rule in the message. */
const REFUSED: { readonly [what: string]: readonly [string, Uint8Array, RegExp] } = {
  "a text that is no JSON": ["version https", BYTES, /must be JSON: found "version https"/],
  "a model without weights": ["{}", BYTES, /must have weightsManifest/],
  null: ["null", BYTES, /must have weightsManifest/],
  "a path that leads out": [model([KERNEL], ["../a.bin"]), BYTES, /paths must name files beside it/],
  "an absolute path": [model([KERNEL], ["/etc/passwd"]), BYTES, /paths must name files beside it/],
  "an address": [model([KERNEL], ["https://a.example/b"]), BYTES, /paths must name files beside it/],
  "a path with a step up inside": [model([KERNEL], ["a/../../b"]), BYTES, /paths must name files beside it/],
  "a file that is too short": [
    model([KERNEL]),
    BYTES.slice(4),
    /must hold "dense\/kernel", 8 bytes: found 4 left/,
  ],
  "a file that is too long": [model([KERNEL]), new Uint8Array(9), /must hold 8 bytes: found 9/],
  "a name twice": [model([KERNEL, KERNEL]), new Uint8Array(16), /found "dense\/kernel" twice/],
  "a shape that is none": [model([{ ...KERNEL, shape: [-2] }]), BYTES, /must have a shape: found \[-2\]/],
  "a shape beyond all memory": [model([{ ...KERNEL, shape: [1e9, 1e9] }]), BYTES, /must have a shape/],
  "a group without weights": [model(undefined), BYTES, /must have weights/],
  "a weight without a name": [model([{}]), BYTES, /has a name/],
};

for (const [what, [text, bytes, rule]] of Object.entries(REFUSED)) {
  Deno.test(`parseTfjsModel() rejects ${what}`, () => {
    const rejected = (error: Error) =>
      error instanceof SyntaxError && error.message.startsWith('Cannot read "model.json" as ') &&
      rule.test(error.message);
    assert.throws(() => parseTfjsModel(text, () => bytes), rejected);
  });
}

Deno.test("parseTfjsModel() rejects texts, complex numbers and other quantization by name", () => {
  for (const change of [{ dtype: "string" }, { dtype: "complex64" }, { quantization: { dtype: "uint4" } }]) {
    assert.throws(() => parseTfjsModel(model([{ ...KERNEL, ...change }]), () => BYTES), UnsupportedError);
  }
});

Deno.test("readWeights() reads safetensors, model.json, and folders that hold one", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const bias = { dtype: "float32", shape: [2], data: Float32Array.of(3, 4) } as const;
    await Deno.writeFile(`${folder}/model.safetensors`, encodeSafetensors({ bias }));
    assert.deepEqual(readWeights(`${folder}/model.safetensors`), { bias });
    assert.deepEqual(readWeights(folder), { bias });
    await Deno.mkdir(`${folder}/tfjs`);
    await Deno.writeTextFile(`${folder}/tfjs/model.json`, model([{ ...KERNEL, name: "bias", shape: [2] }]));
    assert.throws(
      () => readWeights(`${folder}/tfjs`),
      (error: Error) =>
        error instanceof DataError &&
        /the files that it names must be readable: .*a\.bin/.test(error.message),
    );
    await Deno.writeFile(`${folder}/tfjs/a.bin`, bytesOf(bias.data));
    assert.deepEqual(readWeights(`${folder}/tfjs/`), { bias });
    assert.deepEqual(readWeights(`${folder}/tfjs/model.json`), { bias });
    assert.deepEqual([folder, `${folder}/tfjs/a.bin`].map(holdsWeights), [true, false]);
    assert.throws(
      () => readWeights(`${folder}/tfjs/a.bin`),
      /a .safetensors file, a model.json, .* another ending/,
    );
    assert.throws(() => readWeights(`${folder}/none.safetensors`), DataError);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
