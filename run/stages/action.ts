/**
 * What is run of an experiment: all of it, or one of its actions.
 *
 * @module
 */
import { NotFoundError } from "../../core/errors.ts";
import { nearestName } from "../../core/names.ts";
import type { Description } from "../../sandbox/protocol/description.ts";

/** The stages that a run goes through. */
export interface Course {
  /** The action whose hook takes the place of `evaluate`; undefined for the whole experiment. */
  readonly action: string | undefined;
  readonly isPrepared: boolean;
  /** Whether models are traced and compiled. */
  readonly hasModels: boolean;
  readonly isTrained: boolean;
}

/**
 * The stages of an action, or of the whole experiment.
 *
 * @throws {NotFoundError} If the plugin has no such action; names the nearest.
 */
export function courseOf(name: string | undefined, description: Description): Course {
  const canPrepare = description.hooks.includes("prepare");
  if (name === undefined) {
    return { action: undefined, isPrepared: canPrepare, hasModels: true, isTrained: true };
  }
  const known = Object.keys(description.actions);
  const found = known.includes(name) ? description.actions[name] : undefined;
  if (found) {
    const { prepare, models, train } = found;
    return { action: name, isPrepared: canPrepare && prepare, hasModels: models, isTrained: train };
  }
  const nearest = nearestName(name, known);
  throw new NotFoundError(
    `Cannot run action "${name}" as plugin "${description.name}" does not have it: known are ${
      known.join(", ") || "none"
    }` +
      (nearest ? `; did you mean "${nearest}"?` : ""),
    "action",
    name,
    nearest,
  );
}
