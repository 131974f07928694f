/**
 * What a lowering rule is.
 *
 * @module
 */
import type { Kernel, KernelAttrs } from "../../program/kernels.ts";
import type { ValueType } from "../../program/types.ts";
import type { Builder, Value } from "../builder.ts";

/**
 * The tensors in the slots of a kernel. Their number is checked by the kernel table before any rule runs, so the type
 * names five of them as present; slots that may be empty are read with {@linkcode optional}.
 */
export type Operands = readonly [Value, Value, Value, Value, Value, ...Value[]];

/**
 * How a tfjs kernel is written in ONNX operators.
 *
 * @param inputs One tensor per slot.
 * @param attrs Attributes in the normal form of the kernel table.
 * @param graph Where nodes are made.
 * @param outputs Types that the results must have.
 */
export type Rule<K extends Kernel> = (
  inputs: Operands,
  attrs: KernelAttrs[K],
  graph: Builder,
  outputs: readonly [ValueType, ...ValueType[]],
) => readonly Value[];

/** Rules for some kernels, with entries named exactly like them. */
export type RulesFor<K extends Kernel> = { readonly [N in K]: Rule<N> };

/** The tensor in a slot that may be empty. */
export function optional(inputs: Operands, slot: number): Value | null {
  return inputs[slot] ?? null;
}

/** A rule for a kernel that is one operator of the same meaning. */
export function operator(op: string): Rule<Kernel> {
  return (inputs, _attrs, graph, [type]) => [graph.node(op, inputs, {}, type)];
}
