/**
 * What a plugin says of itself: its description, and how its models are trained.
 *
 * @module
 */
import type { TrainingPlan } from "../../core/training.ts";
import type { JsonObject } from "../../core/types.ts";

/** What a model needs for its training, as `parse` gives it. */
export interface ModelPlan {
  readonly title: string;
  readonly inputs: readonly string[];
  readonly targets: readonly string[];
  readonly training: TrainingPlan;
}

/** What `describe` gives. */
export interface Description {
  readonly name: string;
  readonly title: string;
  /** JSON Schema of the configuration. */
  readonly schema: JsonObject;
  readonly presets: { readonly [name: string]: JsonObject };
  /** Current names of presets by their old names. */
  readonly formerPresets?: { readonly [former: string]: string };
  readonly metrics: readonly {
    readonly key: string;
    readonly label: string;
    readonly unit: string;
    readonly better: string;
  }[];
  readonly models: { readonly [name: string]: { readonly title: string } };
  readonly actions: {
    readonly [name: string]: {
      readonly title: string;
      readonly prepare: boolean;
      readonly train: boolean;
      readonly models: boolean;
    };
  };
  /** Hooks that the plugin has. */
  readonly hooks: readonly string[];
}
