/**
 * Events that cannot be used, by file, event and voxel.
 *
 * @module
 */
import type { Defects } from "beamline/data";
import type { ShowerSource } from "./showers.ts";

/** What an incident energy must be. */
export const INCIDENT_RULE = "incident energies must be positive numbers";
/** What a voxel must be. */
export const VOXEL_RULE = "voxels must be finite numbers";

/** Whether an incident energy can be used. */
export function isEnergy(energy: number): boolean {
  return energy > 0 && Number.isFinite(energy);
}

/**
 * Adds what is wrong with an event: its incident energy, or each voxel that is not finite. Layers of ATLAS files are
 * fractions of the incident energy, so that nothing can be said of voxels where that is bad.
 */
export function addBadEvent(
  defects: Defects,
  { file, incident, placeOf }: ShowerSource,
  row: number,
  voxels: Float32Array,
): void {
  if (!isEnergy(incident[row]!)) {
    defects.add({ file, rule: INCIDENT_RULE, found: `${incident[row]} MeV`, where: `event ${row}`, row });
    return;
  }
  voxels.forEach((value, i) => {
    if (Number.isFinite(value)) return;
    defects.add({ file, rule: VOXEL_RULE, found: value, where: `event ${row}, ${placeOf(i)}`, row });
  });
}
