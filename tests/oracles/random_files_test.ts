/** 200 random files a format; `deno task validate` has 2,000. */
import { testRandomFiles } from "./random_files.ts";

await testRandomFiles(200, 1);
