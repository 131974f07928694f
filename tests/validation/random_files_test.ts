/** 2,000 random files a format, others than those of `tests/oracles/`. */
import { testRandomFiles } from "../oracles/random_files.ts";

await testRandomFiles(2000, 2);
