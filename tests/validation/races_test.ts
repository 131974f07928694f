/** Races between the host's look and its reading, at each place of each hook. */
import { testSwaps } from "../sandbox/races.ts";

testSwaps(true);
