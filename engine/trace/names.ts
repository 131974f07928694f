/**
 * Names of state tensors that are the same in every process. tfjs numbers layers and variables with counters that
 * live as long as the process; here the numbers start anew with each trace.
 *
 * @module
 */
import * as tf from "../tf.ts";

/** "dense_Dense17": snake case of the class, the class, and the counter of tfjs. */
const GENERATED = /^([a-z][a-z0-9_]*)_([A-Z][A-Za-z0-9]*?)(\d+)$/;

/** Gives layers, weights and optimizer slots their names. */
export class Names {
  readonly #layers = new Map<string, string>();
  readonly #owners = new Map<object, string>();
  readonly #counts = new Map<string, number>();
  readonly #weights = new Map<tf.Variable, string>();
  readonly #aliases = new Map<tf.Variable, string>();

  /**
   * The name of a layer: generated ones are numbered in the order in which they first appear.
   *
   * @param owner The layer, where it is known: one that was loaded may have a name that another has by its number.
   */
  layer(name: string, owner?: object): string {
    const known = owner ? this.#owners.get(owner) : this.#layers.get(name);
    if (known !== undefined) return known;
    const match = GENERATED.exec(name);
    const fresh = match ? this.#number(`${match[1]}_${match[2]}`) : name;
    this.#layers.set(name, fresh);
    if (owner) this.#owners.set(owner, fresh);
    return fresh;
  }

  /**
   * Remembers that a variable is a weight of a layer.
   *
   * @param original Its name before tfjs made it unique: "kernel", or "dense_Dense17/kernel" when the layer was built
   * by its first call.
   */
  weight(variable: tf.Variable, layer: { readonly name: string }, original: string): void {
    const path = original.includes("/") ? original : `${layer.name}/${original}`;
    const parts = path.split("/").map((part) => this.layer(part, part === layer.name ? layer : undefined));
    this.#weights.set(variable, parts.join("/"));
  }

  /** Remembers the name of a variable that has another one for the time of the trace. */
  alias(variable: tf.Variable, name: string): void {
    this.#aliases.set(variable, name);
  }

  /** Whether a variable is known to be a weight of a layer. */
  hasWeight(variable: tf.Variable): boolean {
    return this.#weights.has(variable);
  }

  /**
   * The names of all variables, unique, in the order of creation.
   *
   * @param variables In the order of creation.
   * @param slots Names of optimizer slots by variable, with tfjs's names of weights in them.
   */
  resolve(
    variables: readonly tf.Variable[],
    slots: ReadonlyMap<tf.Variable, string>,
  ): ReadonlyMap<tf.Variable, string> {
    const names = new Map<tf.Variable, string>();
    const taken = new Set<string>();
    const byRawName = new Map<string, string>();
    let unnamed = 0;
    for (const variable of variables) {
      const raw = slots.get(variable) ?? this.#aliases.get(variable) ?? variable.name;
      const isUnnamed = /^\d+$/.test(raw);
      const wanted = this.#weights.get(variable) ??
        (isUnnamed ? `variable_${++unnamed}` : replaceSuffix(raw, byRawName));
      const name = unique(wanted, taken);
      taken.add(name);
      names.set(variable, name);
      byRawName.set(variable.name, name);
    }
    return names;
  }

  #number(prefix: string): string {
    const count = (this.#counts.get(prefix) ?? 0) + 1;
    this.#counts.set(prefix, count);
    return `${prefix}${count}`;
  }
}

/** "adam/m/dense_Dense17/kernel_1" with the weight's own name at its end. */
function replaceSuffix(name: string, byRawName: ReadonlyMap<string, string>): string {
  const exact = byRawName.get(name);
  if (exact !== undefined) return exact;
  for (let at = name.indexOf("/"); at >= 0; at = name.indexOf("/", at + 1)) {
    const known = byRawName.get(name.slice(at + 1));
    if (known !== undefined) return `${name.slice(0, at)}/${known}`;
  }
  return name;
}

function unique(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name;
  let i = 1;
  while (taken.has(`${name}_${i}`)) i++;
  return `${name}_${i}`;
}

/**
 * Names of the slots of one of tfjs's own optimizers: "adam/m/<weight>", "adam/accBeta1".
 *
 * @param optimizer After its first step, when the slots exist.
 */
export function slotNames(optimizer: tf.Optimizer): ReadonlyMap<tf.Variable, string> {
  const names = new Map<tf.Variable, string>();
  const kind = optimizer.getClassName().toLowerCase();
  for (const [key, value] of Object.entries(optimizer)) {
    if (value instanceof tf.Variable) names.set(value, `${kind}/${key}`);
    if (!Array.isArray(value)) continue;
    for (const slot of value as { originalName?: string; variable?: tf.Variable }[]) {
      if (!(slot?.variable instanceof tf.Variable) || slot.originalName === undefined) continue;
      const cut = slot.originalName.lastIndexOf("/");
      const [weight, part] = [slot.originalName.slice(0, cut), slot.originalName.slice(cut + 1)];
      names.set(slot.variable, `${kind}/${part}/${weight}`);
    }
  }
  return names;
}
