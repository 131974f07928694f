import assert from "node:assert/strict";
import { arrangeMetrics, headlineSection, standings } from "./headline.ts";
import { markupOf } from "./html.ts";
import type { Metric } from "../core/types.ts";
import { commandText } from "./sections.ts";

function metric(value: number, error: number | null, more: Partial<Metric> = {}): Metric {
  return {
    value,
    error,
    errorKind: "bootstrap",
    unit: "cm",
    better: "lower",
    rows: 10,
    split: "test",
    ...more,
  };
}

/** Standings of one row, by column. */
function standingsOf(metrics: { readonly [key: string]: Metric }) {
  return Object.fromEntries(standings(arrangeMetrics(metrics).rows[0]!));
}

Deno.test("arrangeMetrics() makes baselines columns, and a row of a metric that only baselines have", () => {
  const { rows, baselines } = arrangeMetrics({
    a: metric(1, 0.1, { label: "width" }),
    "fit.a": metric(2, 0.1),
    "log.fit.b": metric(3, 0.1),
  });
  assert.deepEqual(baselines, ["fit", "log.fit"]);
  assert.deepEqual(rows.map(({ key, label, cells }) => [key, label, [...cells.keys()]]), [
    ["a", "width", ["", "fit"]],
    ["b", "b", ["log.fit"]],
  ]);
});

Deno.test("standings() marks the best, or all within errors of it", () => {
  assert.deepEqual(standingsOf({ a: metric(1, 0.1), "fit.a": metric(1.2, 0.1) }), {
    "": "best",
    fit: "behind",
  });
  // 0.14 < sqrt(0.1² + 0.1²) = 0.1414
  assert.deepEqual(standingsOf({ a: metric(1, 0.1), "fit.a": metric(1.14, 0.1) }), {
    "": "equal",
    fit: "equal",
  });
  assert.deepEqual(standingsOf({ a: metric(1, null), "fit.a": metric(1, null) }), {
    "": "equal",
    fit: "equal",
  });
});

Deno.test("standings() follows the direction of the metric", () => {
  const higher = { better: "higher" } as const;
  assert.deepEqual(standingsOf({ a: metric(1, 0, higher), "fit.a": metric(2, 0, higher) }), {
    "": "behind",
    fit: "best",
  });
  const zero = { better: "zero" } as const;
  assert.deepEqual(standingsOf({ a: metric(-1, 0, zero), "fit.a": metric(0.5, 0, zero) }), {
    "": "behind",
    fit: "best",
  });
  const none = { better: "none" } as const;
  assert.deepEqual(standingsOf({ a: metric(1, 0, none), "fit.a": metric(2, 0, none) }), {
    "": "none",
    fit: "none",
  });
});

Deno.test("standings() does not compare other rows, splits, units or lost values", () => {
  for (const more of [{ rows: 9 }, { split: "train" }, { unit: "mm" }, { value: NaN }]) {
    assert.deepEqual(standingsOf({ a: metric(1, 0.1), "fit.a": metric(5, 0.1, more) }), {
      "": "none",
      fit: "none",
    });
  }
});

Deno.test("commandText() quotes for a shell", () => {
  assert.equal(
    commandText(["run", "ecal", "--data", "it's.root"]),
    `deno task run ecal --data 'it'\\''s.root'`,
  );
  assert.equal(commandText(["deno", "task", "run", "ecal"]), "deno task run ecal");
});

Deno.test("headlineSection() shows a bounded part of thousands of metrics, the declared ones first, and says so", () => {
  const own = Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`b${i}.k${i}`, metric(i, null)]));
  const page = headlineSection({ ...own, last: metric(7, null) }, ["last"]).map(markupOf).join("");
  assert.ok(page.length < 100_000, `${page.length} characters`);
  assert.match(page, /2976 of 3001 metrics are not shown: metrics.json has all of them/);
  assert.match(page, /last/);
  const plain = Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`k${i}`, metric(i, null)]));
  const long = headlineSection(plain, ["k1000"]).map(markupOf).join("");
  assert.match(long, /1 of 1001 metrics are not shown/);
  assert.match(long, />k1000</);
  assert.doesNotMatch(headlineSection({ a: metric(1, null) }).map(markupOf).join(""), /not shown/);
});
