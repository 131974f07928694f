/**
 * Lowering of normalizations and softmax.
 *
 * @module
 */
import type { Builder, Value } from "../builder.ts";
import { optional, type RulesFor } from "./rule.ts";

type NormalizationKernel = "FusedBatchNorm" | "LRN" | "LRNGrad" | "Softmax";

interface LocalResponse {
  readonly depthRadius: number;
  readonly bias: number;
  readonly alpha: number;
  readonly beta: number;
}

/** Sums over the channels at most `radius` away: a product with a band matrix, which is its own transpose. */
function windowSum(x: Value, radius: number, graph: Builder): Value {
  const channels = x.shape[3]!;
  const band = Array.from(
    { length: channels * channels },
    (_, k) => Number(Math.abs(Math.floor(k / channels) - k % channels) <= radius),
  );
  const matrix = graph.constant(band, { dtype: "float32", shape: [channels, channels] });
  return graph.node("MatMul", [x, matrix], {}, { shape: x.shape });
}

/** s = bias + alpha sum x^2 */
function response(x: Value, { depthRadius, bias, alpha }: LocalResponse, graph: Builder): Value {
  const sum = windowSum(graph.node("Mul", [x, x]), depthRadius, graph);
  return graph.node("Add", [graph.node("Mul", [sum, graph.scalar(alpha)]), graph.scalar(bias)]);
}

/** Rules of normalizations. */
export const normalizations: RulesFor<NormalizationKernel> = {
  // (x - mean) / sqrt(variance + eps) * scale + offset, as x a + (offset - mean a)
  FusedBatchNorm: (inputs, { varianceEpsilon }, graph) => {
    const [x, scale, offset] = [inputs[0], optional(inputs, 1), optional(inputs, 2)];
    const [mean, variance] = [inputs[3], inputs[4]];
    const deviation = graph.node("Sqrt", [graph.node("Add", [variance, graph.scalar(varianceEpsilon)])]);
    const a = scale ? graph.node("Div", [scale, deviation]) : graph.node("Reciprocal", [deviation]);
    const shift = graph.node("Mul", [mean, a]);
    const b = offset ? graph.node("Sub", [offset, shift]) : graph.node("Neg", [shift]);
    return [graph.node("Add", [graph.node("Mul", [x, a]), b])];
  },
  // y = x s^-beta with s = bias + alpha sum of x^2 over the neighboring channels. ONNX divides alpha by the width of
  // the window and has channels first
  LRN: ([x], attrs, graph) => {
    const power = graph.node("Pow", [response(x, attrs, graph), graph.scalar(-attrs.beta)]);
    return [graph.node("Mul", [x, power])];
  },
  // dx_i = dy_i s_i^-beta - 2 alpha beta x_i sum_j dy_j y_j / s_j over the same window
  LRNGrad: ([x, y, dy], attrs, graph) => {
    const s = response(x, attrs, graph);
    const direct = graph.node("Mul", [dy, graph.node("Pow", [s, graph.scalar(-attrs.beta)])]);
    const shared = windowSum(
      graph.node("Div", [graph.node("Mul", [dy, y]), s]),
      attrs.depthRadius,
      graph,
    );
    const factor = graph.node("Mul", [x, graph.scalar(2 * attrs.alpha * attrs.beta)]);
    return [graph.node("Sub", [direct, graph.node("Mul", [factor, shared])])];
  },
  // e^x / sum e^x over the last axis
  Softmax: ([x], { dim }, graph) => [graph.node("Softmax", [x], { axis: dim })],
};
