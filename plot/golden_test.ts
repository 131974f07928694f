import assert from "node:assert/strict";
import { exampleFigures } from "./_examples.ts";

/** The formatter would otherwise rewrite the files. */
const HEAD = "<!-- deno-fmt-ignore-file -->\n";
const FOLDER = new URL("./golden/", import.meta.url);

/** Numbers at three decimals, so that the last bits of a libm do not matter. */
function rounded(svg: string): string {
  return svg.replace(/-?\d+\.\d{4,}/g, (number) => String(Math.round(Number(number) * 1000) / 1000));
}

async function readGolden(name: string): Promise<string | null> {
  try {
    return await Deno.readTextFile(new URL(name, FOLDER));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

for (const figure of await exampleFigures()) {
  Deno.test(`figure "${figure.name}" looks as in its golden file`, async () => {
    const file = `${figure.name}.svg`;
    const golden = await readGolden(file);
    if (golden !== null && rounded(golden) === rounded(`${HEAD}${figure.svg}\n`)) return;
    const aside = `${figure.name}.new.svg`;
    await Deno.writeTextFile(new URL(aside, FOLDER), `${HEAD}${figure.svg}\n`);
    assert.fail(
      `figure "${figure.name}" differs from plot/golden/${file}: look at plot/golden/${aside}, and rename it if it is right`,
    );
  });
}

Deno.test("figures are the same bytes when drawn again in one process", async () => {
  const [first, second] = [await exampleFigures(), await exampleFigures()];
  assert.deepEqual(first, second);
});

Deno.test("figures carry no warning of the drawing library, no script, style or outside reference", async () => {
  for (const { name, svg } of await exampleFigures()) {
    assert.doesNotMatch(svg, /<\/?[A-Z]/, `${name}: an element name in upper case`);
    assert.doesNotMatch(svg, /⚠|<script|<style|foreignObject|NaN|undefined|Infinity/, name);
    assert.doesNotMatch(svg.replace("http://www.w3.org/2000/svg", ""), /https?:|data:|\son\w+=/, name);
  }
});

Deno.test("figures use ids that start with their name, so that several fit one page", async () => {
  const figures = await exampleFigures();
  const ids = figures.flatMap(({ name, svg }) => {
    const found = [...svg.matchAll(/\sid="([^"]+)"/g)].map((match) => match[1]!);
    assert.ok(found.every((id) => id.startsWith(`${name}-`)), `${name}: ${found}`);
    const referred = [...svg.matchAll(/url\(#([^)]+)\)/g)].map((match) => match[1]!);
    assert.ok(referred.every((id) => found.includes(id)), `${name}: ${referred}`);
    return found;
  });
  assert.equal(new Set(ids).size, ids.length);
});

Deno.test("figures are labelled as simulated exactly when they are", async () => {
  for (const { name, svg } of await exampleFigures()) {
    const isExpected = !["roc_band", "correlation_matrix", "slices_true"].includes(name);
    assert.equal(svg.includes(">simulated</text>"), isExpected, name);
  }
});
