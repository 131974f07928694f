import { testComparison, testMissing } from "../../tests/support/comparing.ts";
import { dataColumn } from "../../tests/support/run_folder.ts";
import { compareData } from "./data.ts";

const data = (columns: { readonly [name: string]: unknown }, facts: unknown = { scale: 2 }) => ({
  "data.json": { simulated: true, source: "another trial", tables: { train: { rows: 3, columns } }, facts },
});
const [X, Y] = [dataColumn("cc"), dataColumn("dd", "1")];

testComparison(compareData, {
  "counts equal columns": { state: "equal", detail: "2 columns" },
  "is skipped where nothing was prepared": {
    before: { "data.json": undefined },
    now: { "data.json": undefined },
    state: "skipped",
    detail: "nothing was prepared",
  },
  "names the first column with another digest": {
    now: data({ x: dataColumn("ce"), y: dataColumn("de", "1") }),
    state: "different",
    detail: 'column "x" of "train" differs',
  },
  "names a column with another unit": {
    now: data({ x: X, y: dataColumn("dd", "cm") }),
    state: "different",
    detail: 'column "y" of "train" differs',
  },
  "names a column that is missing": {
    now: data({ x: X }),
    state: "different",
    detail: 'column "y" of "train" differs',
  },
  "compares the metadata of prepare": {
    now: data({ x: X, y: Y }, { scale: 3 }),
    state: "different",
    detail: "facts differs",
  },
  "does not compare where the data come from": {
    now: data({ x: X, y: Y }),
    state: "equal",
    detail: "2 columns",
  },
});
testMissing(compareData, "data.json");
