/**
 * Old names of the contract. Plugins that use them still run, with one warning that gives the new name.
 *
 * @module
 */

/** Old names of the contract, by where they occur, with the current ones. */
export const FORMER_NAMES = {
  plugin: { readNew: "readForPrediction" },
  prepared: { facts: "metadata" },
  context: { facts: "metadata", keep: "upload" },
  deviceArray: { release: "dispose" },
} as const satisfies { readonly [place: string]: { readonly [former: string]: string } };

type Place = keyof typeof FORMER_NAMES;
/** Says that a former name was used. */
export type FormerNameListener = (former: string, name: string) => void;

/** The same object, with a property that has an old name under its current one. */
export function acceptFormerNames<T extends object>(place: Place, given: T, onUse?: FormerNameListener): T {
  const found = Object.entries(FORMER_NAMES[place]).filter(([former, name]) =>
    former in given && !(name in given)
  );
  if (found.length === 0) return given;
  const renamed = Object.create(given) as { [name: string]: unknown };
  for (const [former, name] of found) {
    onUse?.(former, name);
    renamed[name] = (given as { [name: string]: unknown })[former];
  }
  return renamed as T;
}

/** The same object, which also has its properties under old names. */
export function offerFormerNames<T extends object>(
  place: "context" | "deviceArray",
  given: T,
  onUse: FormerNameListener,
): T {
  const now = given as { readonly [name: string]: unknown };
  for (const [former, name] of Object.entries(FORMER_NAMES[place])) {
    if (!(name in given)) continue;
    const get = (): unknown => {
      onUse(former, name);
      return now[name];
    };
    Object.defineProperty(given, former, { get, enumerable: false });
  }
  return given;
}
