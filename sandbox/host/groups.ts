/**
 * The process groups of the sandboxes that live, in memory that threads share: whoever ends this process while its main
 * thread is busy can end them, too.
 *
 * @module
 */

/** Sandboxes that may live at the same time; of more, the operating system and the walls take care. */
const MOST_SANDBOXES = 256;

let groups: Int32Array | undefined;

/** Process groups, 0 in places that are free; shared between threads. */
export function sandboxGroups(): Int32Array {
  groups ??= new Int32Array(new SharedArrayBuffer(MOST_SANDBOXES * Int32Array.BYTES_PER_ELEMENT));
  return groups;
}

/** Notes the group of a sandbox that was started. */
export function noteGroup(group: number): void {
  const free = sandboxGroups().indexOf(0);
  if (free >= 0) sandboxGroups()[free] = group;
}

/** Forgets the group of a sandbox that has ended. */
export function forgetGroup(group: number): void {
  const place = sandboxGroups().indexOf(group);
  if (place >= 0) sandboxGroups()[place] = 0;
}
