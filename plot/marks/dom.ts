/**
 * The one place that loads Observable Plot 0.6.17 and the DOM it draws into, linkedom 0.18.12.
 *
 * Plot gives scales and marks; linkedom is the lightest DOM it runs on without a browser. Both load on the first
 * figure. What comes out is turned into plain markup here: Plot's style sheet and generated class names are removed,
 * coordinates are rounded to two decimals, and clip-path ids (which Plot counts per process) are renamed after the
 * figure, so that the same data give the same bytes. D3's scales and shapes would replace Plot, any DOM linkedom.
 *
 * @module
 */
import { InternalError } from "../../core/errors.ts";
import { escapeMarkup } from "./text.ts";

/** The functions of Observable Plot. */
export type PlotModule = typeof import("@observablehq/plot");
/** Whatever Plot accepts as a mark. */
export type Mark = import("@observablehq/plot").Markish;
/** Options of a whole plot. */
export type PlotOptions = import("@observablehq/plot").PlotOptions;

/** Plot with a document to draw into. */
export interface Canvas {
  readonly Plot: PlotModule;
  /** Draws and returns the content of the `<svg>`, without the element itself. Ids start with `prefix`. */
  draw(prefix: string, options: PlotOptions): string;
  /** Colors of a named scheme; the argument is in [0, 1]. */
  colors(scheme: "viridis" | "rdbu"): (share: number) => string;
}

let loading: Promise<Canvas> | undefined;

/** Loads Plot and the DOM, once. */
export function openCanvas(): Promise<Canvas> {
  loading ??= load();
  return loading;
}

async function load(): Promise<Canvas> {
  const [Plot, { parseHTML }] = await Promise.all([import("@observablehq/plot"), import("linkedom")]);
  return {
    Plot,
    draw(prefix, options) {
      const page = parseHTML("<!doctype html><html><body></body></html>") as unknown as { document: never };
      const root = Plot.plot({ ...options, document: page.document });
      if (root.tagName.toLowerCase() !== "svg") {
        throw new InternalError(
          `Cannot draw figure "${prefix}" as one <svg> was expected: found <${root.tagName}>`,
        );
      }
      const names = new Map<string, string>();
      for (const element of root.querySelectorAll("[id]")) {
        names.set(element.id, `${prefix}-clip-${names.size + 1}`);
      }
      return serializeChildren(root as unknown as DomNode, names);
    },
    colors(scheme) {
      const options = { type: "linear", scheme, domain: [0, 1] } as const;
      const { apply } = Plot.scale({ color: options });
      return (share) => hexColor(apply(scheme === "rdbu" ? 1 - share : share) as string);
    },
  };
}

/** "rgb(68, 1, 84)" as "#440154". */
function hexColor(color: string): string {
  const parts = color.match(/\d+(\.\d+)?/g);
  if (!color.startsWith("rgb") || parts === null) return color;
  return `#${
    parts.slice(0, 3).map((part) => Math.round(Number(part)).toString(16).padStart(2, "0")).join("")
  }`;
}

/** What serializing needs of a DOM node. */
interface DomNode {
  readonly nodeType: number;
  readonly localName: string;
  readonly nodeValue: string | null;
  readonly childNodes: Iterable<DomNode>;
  readonly attributes: Iterable<{ readonly name: string; readonly value: string }>;
}

const ELEMENT_NODE = 1;
const TEXT_NODE = 3;
const DROPPED_ATTRIBUTES = new Set(["class", "aria-hidden", "aria-description"]);

function serializeChildren(node: DomNode, names: ReadonlyMap<string, string>): string {
  let text = "";
  for (const child of node.childNodes) {
    if (child.nodeType === TEXT_NODE) text += escapeMarkup(child.nodeValue ?? "");
    else if (child.nodeType === ELEMENT_NODE) text += serializeElement(child, names);
  }
  return text;
}

function serializeElement(element: DomNode, names: ReadonlyMap<string, string>): string {
  // Not nodeName: in an HTML document it is in upper case, which is another element in XML.
  const name = element.localName;
  if (name === "style") return "";
  let text = `<${name}`;
  for (const attribute of element.attributes) {
    if (DROPPED_ATTRIBUTES.has(attribute.name)) continue;
    text += ` ${attribute.name}="${escapeMarkup(attributeText(attribute, names))}"`;
  }
  const content = serializeChildren(element, names);
  return content === "" ? `${text}/>` : `${text}>${content}</${name}>`;
}

function attributeText(
  { name, value }: { readonly name: string; readonly value: string },
  names: ReadonlyMap<string, string>,
): string {
  if (name === "id") return names.get(value) ?? value;
  const renamed = value.replace(
    /url\(#([^)]+)\)/g,
    (whole, id) => names.has(id) ? `url(#${names.get(id)})` : whole,
  );
  return renamed.replace(
    /-?\d+\.\d{3,}(e-?\d+)?/g,
    (number) => String(Math.round(Number(number) * 100) / 100),
  );
}
