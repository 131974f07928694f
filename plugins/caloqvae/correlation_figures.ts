/**
 * Correlations of voxels and layers, in the reference, in a generated sample, and their difference.
 *
 * @module
 */
import type { Figure } from "beamline";
import { correlationOf, quantiles } from "beamline/metrics";
import { barFigure, curveFigure, heatMapFigure, panelsFigure } from "beamline/plot";
import type { ComparedSamples, ComparisonResult } from "./comparison_result.ts";
import type { Features } from "./features.ts";
import type { Geometry } from "./geometry.ts";

/** Heat maps of voxel energies, voxel hits and layer sparsities, and Frobenius distances by layer. */
export function correlations(compared: ComparedSamples, result: ComparisonResult): Promise<Figure>[] {
  const { setup: { geometry }, reference, generated: [first] } = compared;
  const { voxels, names } = representative(geometry);
  const caption =
    `${voxels.length} voxels: the first sector, ring by ring from the axis outward, layer after layer; the names mark where layers begin.`;
  const layerNames = spaced(geometry.layers.map(({ id }) => String(id)));
  const kinds = [
    ["energy", "Correlations of voxel energies"],
    ["hits", "Correlations of voxel hits"],
  ] as const;
  return [
    ...kinds.map(([kind, title]) =>
      maps(compared, {
        name: `correlation_${kind}`,
        title,
        caption,
        names,
        axis: "voxels by layer",
        matrices: [reference, ...first ? [first] : []].map(({ correlations }) =>
          correlations[kind].select(voxels)
        ),
      })
    ),
    ...(["energy", "sparsity"] as const).map((name) =>
      maps(compared, {
        name: `correlation_layer_${name}`,
        title: name === "energy" ? "Correlations of layer energies" : "Correlations of layer sparsities",
        caption: name === "energy" ? "Energies of whole layers." : "Shares of empty voxels of whole layers.",
        names: layerNames,
        axis: "layer",
        matrices: [reference, ...first ? [first] : []].map(({ features }) => ofLayers(features, name)),
      })
    ),
    ...(first ? frobeniusByLayer(compared, result, first.label) : []),
  ];
}

interface Maps {
  readonly name: string;
  readonly title: string;
  readonly caption: string;
  readonly names: readonly string[];
  readonly axis: string;
  /** Of the reference, and of the generated sample if there is one. */
  readonly matrices: readonly Float64Array[];
}

/** Reference, generated, and generated minus reference, beside each other. */
function maps(
  { setup, generated: [first] }: ComparedSamples,
  { name, title, caption, names, axis, matrices: [a, b] }: Maps,
): Promise<Figure> {
  const draw = (
    part: string,
    heading: string,
    values: Float64Array,
    isDifference: boolean,
  ): Promise<Figure> =>
    heatMapFigure({
      name: `${name}_${part}`,
      title: heading,
      caption: heading,
      simulated: false,
      x: { label: axis },
      y: { label: axis },
      rows: names.length,
      columns: names.length,
      values,
      rowOrder: "down",
      rowNames: names,
      columnNames: names,
      colorLabel: isDifference ? "difference" : "correlation",
      diverging: true,
      colorDomain: isDifference ? around(values) : [-1, 1],
      width: 420,
      height: 380,
    });
  return panelsFigure({
    name,
    title,
    caption: first ? `${caption} Generated: ${first.label}; the difference has colors of its own.` : caption,
    simulated: setup.context.simulated,
    panels: [
      draw("reference", "reference", a!, false),
      ...(b && first
        ? [
          draw("generated", first.label, b, false),
          draw("difference", `${first.label} - reference`, b.map((value, i) => value - a![i]!), true),
        ]
        : []),
    ],
  });
}

/** Ends of a color scale that a few far values do not stretch. */
function around(values: Float64Array): readonly [number, number] {
  const far = Math.max(1e-3, quantiles(values.map(Math.abs), [0.995])[0]!);
  return [-far, far];
}

/** The correlation matrix of a quantity of the layers. */
function ofLayers({ layers, layerIds, rows }: Features, name: "energy" | "sparsity"): Float64Array {
  return correlationOf({ rows, columns: layerIds.length, data: layers[name] });
}

/** Voxels in a picture of correlations, at most. */
const MOST_VOXELS = 120;

/** Voxels that stand for all, and names for the first of each layer: the first sector of some rings of some layers. */
export function representative(
  { layers }: Geometry,
): { readonly voxels: number[]; readonly names: string[] } {
  const rings = layers.reduce((sum, layer) => sum + layer.rings, 0);
  const step = Math.max(1, Math.ceil(rings / MOST_VOXELS));
  const chosen = layers.flatMap((layer) =>
    Array.from({ length: layer.rings }, (_, ring) => ring).filter((ring) => ring % step === 0).flatMap(
      (ring) => {
        const at = layer.ring.findIndex((own, i) => own === ring && layer.sector[i] === 0);
        return at < 0 ? [] : [{ voxel: layer.from + at, name: ring === 0 ? String(layer.id) : "" }];
      },
    )
  );
  const isCrowded = layers.length > MANY_LAYERS;
  let seen = 0;
  return {
    voxels: chosen.map(({ voxel }) => voxel),
    names: chosen.map(({ name }) => name !== "" && (!isCrowded || seen++ % 5 === 0) ? name : ""),
  };
}

/** Layers beyond which names and bars would not find room. */
const MANY_LAYERS = 16;

/** Names of layers; of many, every fifth. */
function spaced(names: readonly string[]): string[] {
  return names.map((name, at) => names.length <= MANY_LAYERS || at % 5 === 0 ? name : "");
}

/** Distances by layer with those of the floor, both from as many showers: bars, or points where there are many layers. */
function frobeniusByLayer(
  { setup }: ComparedSamples,
  { generated, matched, floor }: ComparisonResult,
  label: string,
): Promise<Figure>[] {
  const { geometry: { layers }, context: { simulated } } = setup;
  return (["energy", "hits"] as const).map((kind) => {
    const of = (values: ComparisonResult["floor"]) =>
      layers.map(({ id }) => values[`frobenius_${kind}_layer_${id}`]!);
    const [own, reference] = [of({ ...generated[label], ...matched[label] }), of(floor)];
    const common = {
      name: `frobenius_${kind}`,
      title: `Frobenius distance by layer, voxel ${kind === "energy" ? "energies" : "hits"}`,
      simulated,
      y: { label: "Frobenius distance" },
    };
    const caption =
      `${label} against the reference, and the floor, both from as many showers as half the reference has; layers with other numbers of voxels do not compare.`;
    if (layers.length > MANY_LAYERS) {
      return curveFigure({
        ...common,
        caption,
        x: { label: "layer", whole: true },
        series: Object.entries({ [label]: own, floor: reference }).map(([name, values]) => ({
          label: name,
          x: layers.map(({ id }) => id),
          y: values.map(({ value }) => value),
          error: values.map(({ error }) => error ?? 0),
          kind: "both" as const,
        })),
      });
    }
    return barFigure({
      ...common,
      caption: `${caption} The lines are the floor.`,
      x: { label: "layer" },
      groups: layers.map(({ id }, at) => ({
        label: String(id),
        value: own[at]!.value,
        error: own[at]!.error ?? 0,
        mark: reference[at]!.value,
      })),
    });
  });
}
