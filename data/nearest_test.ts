import assert from "node:assert/strict";
import { nearestName } from "./nearest.ts";

Deno.test("nearestName() finds the name that was meant", () => {
  const known = ["E_MC", "x_MC", "y_MC", "offsets", "celltype"];
  assert.equal(nearestName("offset", known), "offsets"); // 1 insertion
  assert.equal(nearestName("e_mc", known), "E_MC"); // case alone
  assert.equal(nearestName("ofsfets", known), "offsets"); // neighbours swapped
  assert.equal(nearestName("cell_typ", known), "celltype"); // 2 edits of 8 letters
});

Deno.test("nearestName() says nothing when no name is near", () => {
  assert.equal(nearestName("momentum", ["E_MC", "offsets"]), undefined);
  assert.equal(nearestName("x", []), undefined);
});
