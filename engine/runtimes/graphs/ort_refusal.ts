/**
 * What ONNX Runtime throws, as errors of ours.
 *
 * @module
 */
import { InternalError } from "../../../core/errors.ts";

/** The words of its kernels that read or write at indices; the number is the index found. */
const OUTSIDE =
  /(?:indices element out of data bounds, idx=|invalid indice found, indice = |invalid index found, index = )(-?\d+)/;
/** The node that the words are about. */
const NODE = /Name:\s?'([^']*)'/;
/** What lowering makes of negative indices, which ONNX Runtime would count from the end. */
const NEGATIVE = 2 ** 31 - 1;

/**
 * An error for a call that failed.
 *
 * @param action What was done, such as "run graph".
 * @returns `RangeError` where data has an index outside of a tensor, `InternalError` otherwise.
 */
export function refusal(action: string, reason: string, cause?: unknown): Error {
  const text = reason.trim().replaceAll(/\s*\n\s*/g, " ");
  const index = OUTSIDE.exec(text)?.[1];
  if (index === undefined) {
    return new InternalError(`Cannot ${action} as ONNX Runtime refused: ${text}`, { cause });
  }
  const found = Number(index) === NEGATIVE ? "a negative one" : index;
  const node = NODE.exec(text)?.[1] ?? "";
  return new RangeError(
    `Cannot ${action} as indices must be at least 0 and below the length of their axis: found ${found} in "${node}"`,
    { cause },
  );
}
