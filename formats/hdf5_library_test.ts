import assert from "node:assert/strict";
import { openHdf5 } from "./hdf5.ts";
import { loadReader } from "./hdf5_library.ts";
import { createHdf5 } from "./hdf5_write.ts";

const FIXTURES = new URL("./fixtures/", import.meta.url).pathname;

Deno.test("a filter that breaks down takes along open files, but neither the next one nor writers", async () => {
  const path = await Deno.makeTempFile({ suffix: ".h5" });
  try {
    const writer = await createHdf5(path);
    const before = await openHdf5(`${FIXTURES}cases/group_links.h5`);
    const dataset = before.dataset("d");
    const library = await loadReader();
    const { module, memory } = library;
    const zfp = `${FIXTURES}cases/zfp.h5`;
    const id = library.guard("read", zfp, "it must open", () => module.open(zfp, 0, false, -1, -1));
    // openHdf5() refuses the filter; here it is run.
    assert.throws(
      () =>
        library.guard("read", zfp, "it must be readable", () => {
          const pointer = memory.take(128);
          module.get_dataset_data(id, "/z", [16n], [0n], [1n], pointer);
        }),
      { name: "DataError", message: /^Cannot read ".*zfp\.h5" as it must be readable: / },
    );
    assert.ok(library.isBroken);
    assert.throws(() => dataset.read(), {
      name: "DataError",
      message:
        `Cannot read "${before.path}" as the HDF5 library must be whole: damaged data stopped it; open the file again`,
    });
    before.close();

    const after = await openHdf5(`${FIXTURES}cases/group_links.h5`);
    assert.deepEqual(after.dataset("d").read().data, Float64Array.of(0, 1, 2, 3));
    after.close();
    writer.write("x", { dtype: "uint8", shape: [1], data: Uint8Array.of(5) });
    writer.close();
    const written = await openHdf5(path);
    assert.deepEqual(written.dataset("x").read().data, Uint8Array.of(5));
    written.close();
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("silently() prints nothing and leaves the throwing handler on", async () => {
  const library = await loadReader();
  const { module } = library;
  assert.ok(library.silently(() => module.open("/no/such/file.h5", 0, false, -1, -1)) < 0n);
  assert.throws(() => module.open("/no/such/file.h5", 0, false, -1, -1));
});
