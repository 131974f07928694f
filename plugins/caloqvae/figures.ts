/** Figures. @module */
import type { Figure } from "beamline";
import type { Judgement } from "./evaluate.ts";
import type { Gathered } from "./gather.ts";

/** All figures. */
export function figures(_gathered: Gathered, _judgement: Judgement): Promise<Figure>[] {
  return [];
}
