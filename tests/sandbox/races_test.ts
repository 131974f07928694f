/** Races between the host's look and its reading; `tests/validation/races_test.ts` has each place of each hook. */
import { testRaces, testSwaps } from "./races.ts";

testRaces();
testSwaps(false);
