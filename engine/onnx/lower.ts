/**
 * Programs to ONNX graphs: looks every node up in the lowering table.
 *
 * @module
 */
import { InternalError, NoRuleError } from "../../core/errors.ts";
import { formatType, isKernel, type Kernel } from "../program/kernels.ts";
import type { Program, ProgramNode, ValueId } from "../program/types.ts";
import { Builder, type OnnxGraph, type Value } from "./builder.ts";
import type { Operands, Rule } from "./kernels/rule.ts";
import { rules } from "./kernels/rules.ts";

/** A graph, and which of its tensors is which of the program. */
export interface Lowered {
  readonly graph: OnnxGraph;
  /** Graph inputs of the program's inputs, in order. */
  readonly inputs: readonly string[];
  /** State that the graph reads, and the graph input for it. */
  readonly state: readonly { readonly name: string; readonly input: string }[];
  /** Outputs of the program in order, and the graph output for each. */
  readonly outputs: readonly { readonly name: string; readonly output: string }[];
  /** State that the graph writes, and the graph output for it. */
  readonly updates: readonly { readonly name: string; readonly output: string }[];
}

/**
 * Writes a verified program as an ONNX graph. Inputs and outputs keep their names; state `w` is read from the graph
 * input `state/w` and written to the graph output `update/w`.
 *
 * @throws {NoRuleError} If a kernel has no lowering rule.
 */
export function lower(program: Program): Lowered {
  const graph = new Builder();
  const values = new Map<ValueId, Value>();
  for (const { name, value } of program.inputs) {
    values.set(value, graph.input(name, program.values[value]!));
  }
  const read = stateRead(program);
  const state = program.state.filter(({ value }) => read.has(value)).map(({ name, value }) => {
    values.set(value, graph.input(`state/${name}`, program.values[value]!));
    return { name, input: `state/${name}` };
  });
  for (const { value, data } of program.constants) {
    values.set(value, graph.constant(data, program.values[value]!));
  }
  const trained = convolvedInputs(program);
  for (const id of trained) if (values.has(id)) graph.markTrained(values.get(id)!);
  for (const node of program.nodes) {
    lowerNode(node, program, values, graph);
    for (const id of node.outputs) if (trained.has(id)) graph.markTrained(values.get(id)!);
  }
  const taken = new Set(program.inputs.map((input) => input.name));
  const outputs = program.outputs.map(({ name, value }) => ({
    name: taken.has(name) ? `output/${name}` : name,
    value: values.get(value)!,
    output: name,
  }));
  const updates = changes(program).map(({ state, value }) => ({
    name: `update/${state}`,
    value: values.get(value)!,
    state,
  }));
  return {
    graph: graph.finish(program.name, [...outputs, ...updates]),
    inputs: program.inputs.map((input) => input.name),
    state,
    outputs: outputs.map(({ output, name }) => ({ name: output, output: name })),
    updates: updates.map(({ state, name }) => ({ name: state, output: name })),
  };
}

/** Inputs of convolutions whose filter gradient is computed as well. */
function convolvedInputs(program: Program): ReadonlySet<ValueId> {
  const gradients = program.nodes.filter((node) => node.kernel === "Conv2DBackpropFilter");
  return new Set(gradients.map((node) => node.inputs[0]!));
}

/** Updates that change something: not those that give a state its own value back. */
function changes(program: Program): Program["updates"] {
  const own = new Map(program.state.map(({ name, value }) => [name, value]));
  return program.updates.filter(({ state, value }) => own.get(state) !== value);
}

/** State values that a node, an output or an update uses. */
function stateRead(program: Program): ReadonlySet<ValueId> {
  const used = new Set<ValueId | null>(program.nodes.flatMap((node) => node.inputs));
  for (const { value } of program.outputs) used.add(value);
  for (const { value } of changes(program)) used.add(value);
  return new Set(program.state.map(({ value }) => value).filter((value) => used.has(value)));
}

function lowerNode(
  node: ProgramNode,
  program: Program,
  values: Map<ValueId, Value>,
  graph: Builder,
): void {
  graph.scope = node.scope;
  const rule = ruleFor(node, program);
  const inputs = node.inputs.map((id) => (id === null ? null : values.get(id)!));
  const types = node.outputs.map((id) => program.values[id]!);
  const results = rule(inputs as unknown as Operands, node.attrs as never, graph, types as never);
  node.outputs.forEach((id, i) => {
    const [wanted, found] = [formatType(types[i]), formatType(results[i] as never)];
    if (wanted !== found) {
      throw new InternalError(
        `Cannot lower kernel "${node.kernel}" as its rule must give ${wanted}: found ${found} in "${node.scope}"`,
      );
    }
    values.set(id, results[i]!);
  });
}

function ruleFor(node: ProgramNode, program: Program): Rule<Kernel> {
  const rule = isKernel(node.kernel) ? rules[node.kernel] as Rule<Kernel> | undefined : undefined;
  if (rule) return rule;
  const types = node.inputs.map((id) => (id === null ? "nothing" : formatType(program.values[id])));
  throw new NoRuleError(
    `Cannot lower kernel "${node.kernel}" as it has no rule: reached from layer "${node.scope}" with ${
      types.join(", ")
    }`,
    node.kernel,
    node.scope,
  );
}
