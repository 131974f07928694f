/**
 * Building blocks for models, on the tfjs of `beamline/tf`: optimizers, activations, losses, networks, noise.
 * Weights are made in `build`; random numbers come from the context and are new in each step.
 *
 * @module
 */
export * from "./activations.ts";
export * from "./attention.ts";
export * from "./basics.ts";
export * from "./images.ts";
export * from "./losses.ts";
export * from "./mlp.ts";
export * from "./optimizers.ts";
export * from "./pretrained.ts";
