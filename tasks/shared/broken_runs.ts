/**
 * Runs whose record cannot be read, as tasks name them: beside the others, which they do not hide.
 *
 * @module
 */
import type { BrokenRun } from "../../run/store/run_directory.ts";
import { tell } from "../terminal/print.ts";

/** Tells of a run that is passed over. */
export function tellBroken({ message }: BrokenRun): void {
  tell(`left out  ${message}`);
}
