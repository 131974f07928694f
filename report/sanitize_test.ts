import assert from "node:assert/strict";
import { exampleFigures } from "../plot/_examples.ts";
import { sanitizeSvg } from "./sanitize.ts";

/** The safe text of an SVG with this content. */
function clean(content: string, root = ""): string {
  const result = sanitizeSvg(`<svg xmlns="http://www.w3.org/2000/svg" ${root}>${content}</svg>`, "p-", "T");
  assert.ok("svg" in result, JSON.stringify(result));
  return result.svg;
}

/** Why an SVG with this content is refused. */
function refusal(content: string, root = ""): string {
  const result = sanitizeSvg(`<svg xmlns="http://www.w3.org/2000/svg" ${root}>${content}</svg>`, "p-", "T");
  assert.ok("refusal" in result, JSON.stringify(result));
  return result.refusal;
}

Deno.test("sanitizeSvg() passes our own figures whole, but for the names of ids", async () => {
  for (const { name, svg } of await exampleFigures()) {
    const result = sanitizeSvg(svg, "p-", name);
    assert.ok("svg" in result, name);
    assert.deepEqual(result.dropped, [], name);
    const normal = (text: string): string =>
      text.replace(/<svg [^>]*>/, "").replaceAll(`"p-${name}`, `"${name}`).replaceAll(
        `(#p-${name}`,
        `(#${name}`,
      );
    assert.equal(normal(result.svg), normal(svg), name);
  }
});

Deno.test("sanitizeSvg() refuses what could run or embed", () => {
  const cases: [string, string][] = [
    ["<script>alert(1)</script>", "it holds <script>"],
    ["<SCRIPT>alert(1)</SCRIPT>", "it holds <SCRIPT>"],
    ["<svg:script/>", "it holds <svg:script>"],
    ["<foreignObject><p/></foreignObject>", "it holds <foreignObject>"],
    ["<g><iframe/></g>", "it holds <iframe>"],
    ['<g onclick="x()"/>', 'it has the event handler "onclick"'],
    ['<g ONCLICK="x()"/>', 'it has the event handler "ONCLICK"'],
    ['<unknown onclick="x()"/>', 'it has the event handler "onclick"'],
    ["<title><g/></title>", "its <title> holds <g>"],
    ["<metadata><script/></metadata>", "it holds <script>"],
  ];
  for (const [content, reason] of cases) assert.equal(refusal(content), reason);
  assert.equal(refusal("", 'onload="alert(1)"'), 'it has the event handler "onload"');
});

Deno.test("sanitizeSvg() refuses references to the outside", () => {
  const cases = [
    '<image href="https://example.org/x.png"/>',
    '<image xlink:href="//example.org/x.png"/>',
    '<image href="data:image/svg+xml;base64,PHN2Zy8+"/>',
    '<use href="other.svg#a"/>',
    '<use href="javascript:alert(1)"/>',
    '<rect fill="url(https://example.org/#a)"/>',
    "<rect fill=\"URL( '//example.org' )\"/>",
    '<rect style="fill:url(x.svg#a)"/>',
    '<rect style="background:url(x.png)"/>',
    '<rect fill="url(https://example.org/a"/>',
    '<rect fill="url((#a)https://example.org/)"/>',
    '<rect fill="u\\72l(x)"/>',
    '<rect style="fill:red;x:@import"/>',
  ];
  for (const content of cases) assert.match(refusal(content), /outside itself|holds an escape/, content);
});

Deno.test("sanitizeSvg() refuses text that is not well-formed", () => {
  for (
    const content of [
      "<g>",
      "</g>",
      "<g x=1/>",
      "<g x='a<b'/>",
      "a < b",
      "<!--",
      "<?php ?>",
      "&nbsp;",
      "a & b",
      "<g/ >",
    ]
  ) {
    assert.ok(refusal(content).length > 0, content);
  }
  for (
    const text of [
      "",
      "no",
      "<html/>",
      "<svg/><svg/>",
      "<svg/>text",
      "<!DOCTYPE svg [<!ENTITY a 'b'>]><svg/>",
    ]
  ) {
    assert.ok("refusal" in sanitizeSvg(text, "p-", "T"), text);
  }
});

Deno.test("sanitizeSvg() drops style sheets, animations, metadata and unknown attributes, and says so", () => {
  const result = sanitizeSvg(
    `<?xml version="1.0"?><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "x"><!-- c --><svg width="10" height="5">` +
      `<style>body{display:none}</style><metadata><rdf:RDF/></metadata><g class="x" data-y="1" tabindex="0">` +
      `<animate attributeName="href" to="javascript:alert(1)"/><rect x="1"/></g></svg>`,
    "p-",
    "T",
  );
  assert.deepEqual(result, {
    svg: '<svg width="10" height="5" role="img" aria-label="T" viewBox="0 0 10 5"><g><rect x="1"/></g></svg>',
    dropped: ["animate", "metadata", "style"],
  });
});

Deno.test("sanitizeSvg() turns styles into attributes, unwraps links, renames ids", () => {
  assert.match(
    clean('<g style="fill: #fff; stroke-width:2; position:fixed; width:expression(1)"><path d="M0,0"/></g>'),
    /<g fill="#fff" stroke-width="2"><path d="M0,0"\/><\/g>/,
  );
  assert.match(clean('<a href="javascript:x"><text>t</text></a>'), /><text>t<\/text><\/svg>/);
  assert.match(
    clean('<clipPath id="c"/><g clip-path="url(\'#c\')" id="a b"/><use xlink:href="#c"/>'),
    /<clipPath id="p-c"\/><g clip-path="url\(#p-c\)" id="p-a_b"\/><use href="#p-c"\/>/,
  );
  assert.match(clean("<text>&lt;b&gt; &#946; <![CDATA[<i>]]></text>"), /<text>&lt;b&gt; β &lt;i&gt;<\/text>/);
});

Deno.test("sanitizeSvg() keeps pictures inside the figure", () => {
  assert.match(
    clean('<image href="data:image/png;base64,AAAA"/>'),
    /<image href="data:image\/png;base64,AAAA"\/>/,
  );
});

Deno.test("sanitizeSvg() refuses endless nesting", () => {
  assert.match(refusal("<g>".repeat(200) + "</g>".repeat(200)), /nests deeper than 100/);
});

Deno.test("sanitizeSvg() takes time in proportion to the text, whatever it is", () => {
  const long = 300_000;
  const texts = [
    `<svg><g${" ".repeat(long)}</svg>`,
    `<svg><g${' a="1"'.repeat(long / 6)}<`,
    `<svg>${"<!-- ".repeat(long / 5)}`,
    `<svg><g fill="${"url(".repeat(long / 4)}"/></svg>`,
    `<svg><g fill="${"url('#".repeat(long / 6)}"/></svg>`,
    `<svg><g style="a:${" ".repeat(long)}x"/></svg>`,
    `<svg><g style="a:x${"!important ".repeat(long / 11)}x"/></svg>`,
    `<svg><image href="data:image/png;base64,${"A ".repeat(long / 2)}!"/></svg>`,
    `<svg>${"&".repeat(long)}</svg>`,
    `${"<?xml ".repeat(long / 6)}<svg/>`,
  ];
  // Each takes milliseconds; what backtracks takes minutes.
  const start = performance.now();
  for (const text of texts) sanitizeSvg(text, "p-", "T");
  assert.ok(performance.now() - start < 5000);
});
