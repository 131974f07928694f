/**
 * Layers of showers as panels of polar figures.
 *
 * @module
 */
import type { PolarPanel } from "beamline/plot";
import type { Layer } from "./geometry.ts";

/** Values of a layer, from those of a whole shower or, with `from` 0, of the layer alone. */
export function panelOf(layer: Layer, values: ArrayLike<number>, from = layer.from): PolarPanel {
  const cells = new Float64Array(layer.rings * layer.sectors);
  for (let i = 0; i < layer.voxels; i++) {
    cells[layer.sector[i]! * layer.rings + layer.ring[i]!] = values[from + i]!;
  }
  return { title: `layer ${layer.id}`, rEdges: layer.rEdges, alphaEdges: layer.alphaEdges, values: cells };
}

/** At most so many layers, at equal distances. */
export function someLayers(layers: readonly Layer[], most: number): Layer[] {
  const step = Math.ceil(layers.length / most);
  return layers.filter((_, i) => i % step === 0);
}
