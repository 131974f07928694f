import assert from "node:assert/strict";
import * as tf from "./tf.ts";

/** The methods that the types of the core package declare: one file each. */
const DECLARATIONS = new URL(
  "../node_modules/@tensorflow/tfjs-core/dist/public/chained_ops/",
  import.meta.url,
);

function declaredMethods(): string[] {
  return [...Deno.readDirSync(DECLARATIONS)]
    .filter(({ name }) => name.endsWith(".d.ts") && !name.startsWith("register_all"))
    .map(({ name }) => {
      const text = Deno.readTextFileSync(new URL(name, DECLARATIONS));
      return /interface Tensor<[^>]*> \{\s*(\w+)/.exec(text)?.[1] ??
        assert.fail(`${name} declares no method`);
    }).sort();
}

Deno.test("registerChainedOps() provides every method that the types declare", () => {
  const names = declaredMethods();
  assert.ok(names.length > 130, `${names.length} declarations were read`);
  const prototype = tf.Tensor.prototype as unknown as { [name: string]: unknown };
  assert.deepEqual(names.filter((name) => typeof prototype[name] !== "function"), []);
});

Deno.test("registerChainedOps() gives each operation its tensor and arguments", () => {
  const x = tf.tensor2d([[1, -2], [3, -4]]);
  const y = tf.tensor2d([[5, 6], [7, 8]]);
  const pairs: [name: string, found: tf.Tensor, expected: tf.Tensor][] = [
    ["add", x.add(y), tf.add(x, y)],
    ["sub", x.sub(1), tf.sub(x, 1)],
    ["matMul", x.matMul(y, true), tf.matMul(x, y, true)],
    ["sum", x.sum(1, true), tf.sum(x, 1, true)],
    ["oneHot", x.abs().toInt().oneHot(5, 1, 0), tf.oneHot(tf.cast(tf.abs(x), "int32"), 5)],
    ["concat of one", x.concat(y, 1), tf.concat([x, y], 1)],
    ["concat of several", x.concat([y, x]), tf.concat([x, y, x])],
    ["stack of one", x.stack(y), tf.stack([x, y])],
    ["stack of several", x.stack([y, x], 1), tf.stack([x, y, x], 1)],
    ["where", x.where(x.greater(0), y), tf.where(tf.greater(x, 0), x, y)],
    ["as1D", x.as1D(), tf.reshape(x, [4])],
    ["flatten", x.flatten(), tf.reshape(x, [4])],
    ["as2D", x.as2D(1, 4), tf.reshape(x, [1, 4])],
    ["as5D", x.as5D(1, 1, 2, 1, 2), tf.reshape(x, [1, 1, 2, 1, 2])],
    ["reshapeAs", x.flatten().reshapeAs(y), x],
    ["asScalar", x.sum().as1D().asScalar(), tf.sum(x)],
    ["asType", x.asType("int32"), tf.cast(x, "int32")],
    ["toBool", x.toBool(), tf.cast(x, "bool")],
    ["toFloat", x.toInt().toFloat(), x],
    [
      "resizeBilinear",
      x.as3D(2, 2, 1).resizeBilinear([3, 3]),
      tf.image.resizeBilinear(tf.reshape(x, [2, 2, 1]) as tf.Tensor3D, [3, 3]),
    ],
    [
      "resizeNearestNeighbor",
      x.as3D(2, 2, 1).resizeNearestNeighbor([3, 3]),
      tf.image.resizeNearestNeighbor(tf.reshape(x, [2, 2, 1]) as tf.Tensor3D, [3, 3]),
    ],
  ];
  for (const [name, found, expected] of pairs) {
    assert.deepEqual(found.shape, expected.shape, name);
    assert.equal(found.dtype, expected.dtype, name);
    assert.deepEqual([...found.dataSync()], [...expected.dataSync()], name);
  }
});

Deno.test("registerChainedOps() refuses a disposed tensor and a scalar of several elements", () => {
  const x = tf.tensor1d([1, 2]);
  assert.throws(() => x.asScalar(), /must have one element: found 2/);
  x.dispose();
  assert.throws(() => x.add(1), /disposed/);
});

Deno.test("tf is one copy of the core package: its tensors, layers and gradients work together", () => {
  const layer = tf.layers.dense({ units: 1, inputShape: [2], kernelInitializer: "ones" });
  const x = tf.tensor2d([[1, 2]]);
  const y = layer.apply(x) as tf.Tensor;
  assert.ok(y instanceof tf.Tensor);
  const slope = tf.grad((value: tf.Tensor) => (layer.apply(value) as tf.Tensor).square().sum())(x);
  assert.deepEqual([...slope.dataSync()], [6, 6], "d(x1 + x2)²/dx at (1, 2)");
});

Deno.test("every kernel of the JavaScript backend that tfjs differentiates has its gradient", () => {
  const kernels = tf.getKernelsForBackend("cpu");
  assert.equal(kernels.length, 172, "kernels of @tensorflow/tfjs 4.22.0");
  const withGradient = kernels.filter(({ kernelName }) => tf.getGradient(kernelName) !== undefined);
  assert.ok(withGradient.length >= 99, `99 in @tensorflow/tfjs 4.22.0, found ${withGradient.length}`);
});
