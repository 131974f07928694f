import assert from "node:assert/strict";
import { cellShare, corner, cornerSlope, PITCH_CM, showerDepth } from "./shower.ts";

const CELLS = Array.from({ length: 49 }, (_, i) => [i % 7 - 3, Math.floor(i / 7) - 3] as const);
const share = (x: number, y: number, [i, j]: readonly [number, number]) =>
  cellShare(x - i * PITCH_CM, y - j * PITCH_CM);

Deno.test("cellShare() adds up to the sum of the weights over a large area", () => {
  let sum = 0;
  for (let i = -200; i <= 200; i++) for (let j = -200; j <= 200; j++) sum += share(0.3, -1.1, [i, j]);
  // the weights sum to .999999; outside of L = 768 cm are sqrt(8)/pi sum(a b) / L = .9003 x .1480 / 768 = 1.735e-4
  assert.ok(Math.abs(sum - 0.999999 + 1.735e-4) < 1e-6, `${sum}`);
});

Deno.test("cellShare() has the containment of the published profile", () => {
  // 85 % in the central cell of a centred hit and 99 % in 7x7, from the calibration of the profile at this pitch
  assert.ok(Math.abs(cellShare(0, 0) - 0.85) < 0.01);
  const contained = CELLS.reduce((sum, cell) => sum + share(0, 0, cell), 0);
  assert.ok(contained > 0.985 && contained < 1, `${contained}`);
});

Deno.test("cellShare() spreads the square of shares as published over the cell", () => {
  // <sum f^2> = .519 for hits uniform in a cell: 40 x 40 positions
  let total = 0;
  for (let i = 0; i < 40; i++) {
    for (let j = 0; j < 40; j++) {
      const [x, y] = [(i + 0.5) / 40 - 0.5, (j + 0.5) / 40 - 0.5].map((u) => u * PITCH_CM) as [
        number,
        number,
      ];
      total += CELLS.reduce((sum, cell) => sum + share(x, y, cell) ** 2, 0);
    }
  }
  assert.ok(Math.abs(total / 1600 - 0.519) < 0.002, `${total / 1600}`);
});

Deno.test("cellShare() is symmetric", () => {
  for (const [x, y] of [[0.4, 1.2], [2.5, -3.1]] as const) {
    assert.ok(Math.abs(cellShare(x, y) - cellShare(-x, y)) < 1e-15);
    assert.ok(Math.abs(cellShare(x, y) - cellShare(y, x)) < 1e-15);
  }
});

Deno.test("cornerSlope() is the derivative of corner()", () => {
  const h = 1e-5;
  for (const [x, y] of [[0.2, 0.9], [-1.7, 0.3], [3, -4], [0, 2]] as const) {
    const numeric = (corner(x + h, y) - corner(x - h, y)) / (2 * h);
    assert.ok(Math.abs(numeric - cornerSlope(x, y)) < 1e-9, `${x}, ${y}`); // central differences: h^2
  }
});

Deno.test("showerDepth() grows by a radiation length when the energy grows e-fold", () => {
  assert.ok(Math.abs(showerDepth(10 * Math.E) - showerDepth(10) - 1.7) < 1e-12);
  assert.ok(Math.abs(showerDepth(0.009) - 0.85) < 1e-12);
});
