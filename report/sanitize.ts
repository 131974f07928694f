/**
 * Makes the SVG of a plugin safe to stand in a page. Plugins are not trusted.
 *
 * The text is read as a strict subset of XML and rewritten from lists of allowed elements and attributes, so
 * that no byte of the input reaches the page without having been understood, and a browser cannot read the
 * output differently.
 *
 * - Refused, with the whole figure: scripts, event handlers, `foreignObject` and other embedded content, references to
 *   anything outside the figure, and text that is not well-formed.
 * - Dropped: style sheets (they would reach the page around the figure), metadata, animations, comments, unknown
 *   elements and attributes. `style="..."` becomes presentation attributes.
 * - Renamed: ids, with a prefix, so that figures do not collide.
 *
 * @module
 */
import { escapeMarkup, FIGURE_CLASS } from "../plot/mod.ts";

/** What became of an SVG. */
export type SanitizedSvg =
  | { readonly svg: string; readonly dropped: readonly string[] }
  | { readonly refusal: string };

/** Limits against figures that are too large to show. */
const MAX_CHARACTERS = 8_000_000;
const MAX_DEPTH = 100;

const ALLOWED_ELEMENTS = new Set(
  ("svg g path rect circle ellipse line polyline polygon text tspan textPath title desc defs clipPath mask " +
    "linearGradient radialGradient stop pattern marker use symbol image").split(" "),
);
/** Elements that only hold text; a browser would read markup inside them as HTML. */
const TEXT_ONLY = new Set(["title", "desc"]);
/** Elements whose presence refuses the figure, in lower case. */
const REFUSED_ELEMENTS = new Set(
  ("script foreignobject iframe object embed audio video source canvas html body base link meta form input button " +
    "handler listener frame frameset applet portal").split(" "),
);

const PRESENTATION = new Set(
  ("clip-path clip-rule color color-interpolation display dominant-baseline alignment-baseline baseline-shift fill " +
    "fill-opacity fill-rule font-family font-size font-style font-variant font-weight font-stretch image-rendering " +
    "letter-spacing word-spacing marker-start marker-mid marker-end mask opacity overflow paint-order " +
    "shape-rendering stop-color stop-opacity stroke stroke-dasharray stroke-dashoffset stroke-linecap " +
    "stroke-linejoin stroke-miterlimit stroke-opacity stroke-width text-anchor text-decoration text-rendering " +
    "vector-effect visibility white-space").split(" "),
);
const GEOMETRY = new Set(
  ("x y x1 y1 x2 y2 cx cy r rx ry fx fy fr dx dy d points width height viewBox preserveAspectRatio transform " +
    "gradientTransform gradientUnits patternTransform patternUnits patternContentUnits clipPathUnits maskUnits " +
    "maskContentUnits spreadMethod offset refX refY markerWidth markerHeight markerUnits orient pathLength rotate " +
    "textLength lengthAdjust startOffset role aria-label").split(" "),
);
/** Functions that may stand in attribute values. */
const FUNCTIONS = new Set(
  "url rgb rgba hsl hsla translate translatex translatey scale rotate matrix skewx skewy".split(" "),
);

const PIECE =
  /<!--[^]*?-->|<!\[CDATA\[([^]*?)\]\]>|<\/([A-Za-z][\w:.-]*)\s*>|<([A-Za-z][\w:.-]*)((?:\s+[A-Za-z_:][\w:.-]*\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>|([^<]+)/y;
const ATTRIBUTE = /([A-Za-z_:][\w:.-]*)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;
const PROLOGUE = /^\uFEFF?(?:\s|<\?xml[^>]*\?>|<!--[^]*?-->|<!DOCTYPE\s+svg[^[>]*>)*/;

/** Thrown inside; the message becomes the refusal. */
class Refusal extends Error {}

/**
 * Makes an SVG safe.
 *
 * @param text The file.
 * @param prefix Put before every id.
 * @param title Used if the figure has no title.
 */
export function sanitizeSvg(text: string, prefix: string, title: string): SanitizedSvg {
  try {
    if (text.length > MAX_CHARACTERS) {
      throw new Refusal(`it has ${text.length} characters, more than ${MAX_CHARACTERS}`);
    }
    return new Writer(prefix, title).write(text);
  } catch (error) {
    if (error instanceof Refusal) return { refusal: error.message };
    throw error;
  }
}

/** One pass over one figure. */
class Writer {
  readonly #dropped = new Set<string>();
  /** Names of the open elements; null for one that is not written itself. */
  readonly #open: { readonly name: string; readonly isWritten: boolean }[] = [];
  /** Depth at which a dropped subtree began; 0 outside. */
  #dropDepth = 0;
  #isDone = false;
  #out = "";

  constructor(readonly prefix: string, readonly title: string) {}

  write(text: string): SanitizedSvg {
    PIECE.lastIndex = PROLOGUE.exec(text)![0].length;
    while (PIECE.lastIndex < text.length) {
      const offset = PIECE.lastIndex;
      const match = PIECE.exec(text);
      if (match === null) throw new Refusal(`it is not well-formed at offset ${offset}`);
      const [whole, data, closing, opening, attributes = "", slash, content] = match;
      if (closing !== undefined) this.#close(closing);
      else if (opening !== undefined) this.#start(opening, attributes, slash === "/");
      else if (data !== undefined) this.#text(data);
      else if (content !== undefined) this.#text(decode(content));
      else if (!whole.startsWith("<!--")) throw new Refusal(`it is not well-formed at offset ${offset}`);
    }
    if (!this.#isDone) throw new Refusal("it is not one closed <svg> element");
    return { svg: this.#out, dropped: [...this.#dropped].sort() };
  }

  #start(name: string, attributes: string, isClosed: boolean): void {
    const lower = name.toLowerCase().replace(/^.*:/, "");
    if (REFUSED_ELEMENTS.has(lower)) throw new Refusal(`it holds <${name}>`);
    const isRoot = this.#open.length === 0;
    if (isRoot && (name !== "svg" || this.#isDone)) throw new Refusal("it is not one <svg> element");
    if (this.#open.length >= MAX_DEPTH) throw new Refusal(`it nests deeper than ${MAX_DEPTH} elements`);
    const parent = this.#open.at(-1);
    if (parent !== undefined && TEXT_ONLY.has(parent.name)) {
      throw new Refusal(`its <${parent.name}> holds <${name}>`);
    }
    // Handlers and outside references are refused even where the element is dropped.
    const kept = this.#attributes(name, attributes, isRoot);
    // A link keeps what it shows.
    const isUnwrapped = lower === "a";
    const isWritten = this.#dropDepth === 0 && ALLOWED_ELEMENTS.has(name);
    if (this.#dropDepth === 0 && !isWritten && !isUnwrapped) {
      this.#dropped.add(name);
      if (!isClosed) this.#dropDepth = this.#open.length + 1;
    }
    if (isWritten) this.#out += `<${name}${kept}${isClosed ? "/>" : ">"}`;
    if (!isClosed) this.#open.push({ name, isWritten });
    else if (isRoot) this.#isDone = true;
  }

  #close(name: string): void {
    const open = this.#open.pop();
    if (open?.name !== name) {
      throw new Refusal(`it closes <${name}> where ${open ? `<${open.name}>` : "nothing"} is open`);
    }
    if (open.isWritten) this.#out += `</${name}>`;
    if (this.#dropDepth > this.#open.length) this.#dropDepth = 0;
    if (this.#open.length === 0) this.#isDone = true;
  }

  #text(text: string): void {
    if (this.#open.length === 0 && text.trim() !== "") {
      throw new Refusal("it has text outside the <svg> element");
    }
    const parent = this.#open.at(-1);
    if (this.#dropDepth > 0 || parent === undefined) return;
    this.#out += escapeMarkup(text);
  }

  #attributes(element: string, source: string, isRoot: boolean): string {
    const kept = new Map<string, string>();
    for (const [, name = "", quoted, single] of source.matchAll(ATTRIBUTE)) {
      const value = decode(quoted ?? single ?? "");
      for (const [key, safe] of this.#attribute(element, name, value, isRoot)) kept.set(key, safe);
    }
    if (isRoot) {
      kept.set("role", "img");
      if (!kept.has("aria-labelledby")) kept.set("aria-label", this.title);
      completeSize(kept);
    }
    return [...kept].map(([name, value]) => ` ${name}="${escapeMarkup(value)}"`).join("");
  }

  /** The attributes that one attribute becomes: none, itself, or several for a style. */
  #attribute(element: string, name: string, value: string, isRoot: boolean): [string, string][] {
    if (/^on/i.test(name)) throw new Refusal(`it has the event handler "${name}"`);
    if (/(^|:)(href|src)$/i.test(name)) return this.#reference(element, name, value);
    if (name === "style") return this.#declarations(value);
    if (name === "id") return [["id", this.#rename(value)]];
    if (name === "aria-labelledby" || name === "aria-describedby") {
      return [[name, value.split(/\s+/).filter((id) => id !== "").map((id) => this.#rename(id)).join(" ")]];
    }
    if (name === "class") {
      return isRoot && value.split(/\s+/).includes(FIGURE_CLASS) ? [["class", FIGURE_CLASS]] : [];
    }
    if (PRESENTATION.has(name)) return this.#presentation(name, value);
    return GEOMETRY.has(name) ? [[name, value]] : [];
  }

  #reference(element: string, name: string, value: string): [string, string][] {
    const trimmed = value.trim();
    if (trimmed.startsWith("#")) return [["href", `#${this.#rename(trimmed.slice(1))}`]];
    if (element === "image" && /^data:image\/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]*$/.test(trimmed)) {
      return [["href", trimmed]];
    }
    if (element.toLowerCase() === "a") return [];
    throw new Refusal(`it refers to something outside itself by "${name}"`);
  }

  #declarations(style: string): [string, string][] {
    return style.split(";").flatMap((declaration): [string, string][] => {
      const colon = declaration.indexOf(":");
      if (colon < 0) return [];
      const name = declaration.slice(0, colon).trim().toLowerCase();
      const value = declaration.slice(colon + 1).replace(/!important\s*$/, "").trim();
      const safe = this.#presentation(name, value);
      return PRESENTATION.has(name) ? safe : [];
    });
  }

  /** A value is checked even where the property is dropped, as it may refer to something outside. */
  #presentation(name: string, value: string): [string, string][] {
    if (/[\\@]/.test(value)) throw new Refusal(`its "${name}" holds an escape`);
    // Without parentheses inside, so that the search stays linear; CSS would close what is left open at the end.
    const rest = value.replace(/url\([^()]*\)/gi, "");
    const outside = (): Refusal => new Refusal(`it refers to something outside itself by "${name}"`);
    if (/url\s*\(/i.test(rest)) throw outside();
    const renamed = value.replace(/url\(([^()]*)\)/gi, (_whole, target: string) => {
      const id = target.trim().replace(/^(['"])(.*)\1$/, "$2");
      if (!id.startsWith("#")) throw outside();
      return `url(#${this.#rename(id.slice(1))})`;
    });
    for (const [, call = ""] of renamed.matchAll(/([\w-]+)\s*\(/g)) {
      if (!FUNCTIONS.has(call.toLowerCase())) return [];
    }
    return [[name, renamed]];
  }

  #rename(id: string): string {
    return `${this.prefix}${id.replace(/[^\w.-]/g, "_")}`;
  }
}

/** A figure with a size but no view box would not shrink on narrow screens. */
function completeSize(attributes: Map<string, string>): void {
  const pixels = (name: string): number => Number.parseFloat(attributes.get(name) ?? "");
  const [width, height] = [pixels("width"), pixels("height")];
  if (!attributes.has("viewBox") && width > 0 && height > 0) {
    attributes.set("viewBox", `0 0 ${width} ${height}`);
  }
}

const ENTITIES: { readonly [name: string]: string } = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** Resolves references to characters; others than XML's own five are refused. */
function decode(text: string): string {
  return text.replace(/&(#x[0-9a-fA-F]{1,6}|#[0-9]{1,7}|\w*);?/g, (whole, name: string) => {
    if (!whole.endsWith(";")) throw new Refusal('it holds a bare "&"');
    if (!name.startsWith("#")) {
      const character = Object.hasOwn(ENTITIES, name) ? ENTITIES[name] : undefined;
      if (character === undefined) throw new Refusal(`it holds the unknown entity "${whole}"`);
      return character;
    }
    const code = name[1] === "x" ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
    if (!(code > 0 && code <= 0x10ffff)) throw new Refusal(`it holds the unknown entity "${whole}"`);
    return String.fromCodePoint(code);
  });
}
