import assert from "node:assert/strict";
import { DataError } from "../core/errors.ts";
import { checkPublicUrl, isPublicAddress } from "./addresses.ts";

Deno.test("isPublicAddress() refuses every kind of address that is not of the whole world", () => {
  const closed = [
    ..."127.0.0.1 127.255.255.254 10.1.2.3 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254".split(" "),
    ..."100.64.0.1 100.127.255.255 0.0.0.0 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255".split(" "),
    ..."192.0.2.1 198.18.0.1 198.51.100.7 203.0.113.9".split(" "),
    ...":: ::1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::127.0.0.1 64:ff9b::7f00:1 100::1".split(" "),
    ..."fc00::1 fd12:3456::1 fe80::1 fe80::1%eth0 fec0::1 ff02::1 2001:db8::1 2001::1 2002:7f00:1::1".split(
      " ",
    ),
    ..."localhost 1.2.3 ".split(" "),
  ];
  for (const address of closed) assert.equal(isPublicAddress(address), false, address);
});

Deno.test("isPublicAddress() takes addresses beside those networks", () => {
  const open = "8.8.8.8 1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 172.15.0.1 172.32.0.1 " +
    "169.253.1.1 192.167.1.1 192.169.1.1 223.255.255.255 2606:4700:4700::1111 2a00:1450:4001::200e 2001:4860:4860::8888";
  for (const address of open.split(" ")) assert.equal(isPublicAddress(address), true, address);
});

Deno.test("checkPublicUrl() refuses addresses in every notation, other schemes, and names that lead to them", async () => {
  const resolve = (name: string): Promise<string[]> =>
    Promise.resolve(name === "two.example" ? ["8.8.8.8", "10.0.0.1"] : ["8.8.8.8"]);
  const refused = [
    "http://127.0.0.1/a",
    "http://2130706433/a",
    "http://0x7f.1/a",
    "http://0177.0.0.1/a",
    "http://127.1/a",
    "http://[::1]:8080/a",
    "http://[::ffff:10.0.0.1]/a",
    "https://user:password@192.168.0.1/a",
    "http://two.example/a",
    "http://１２７.0.0.1/a",
    "file:///etc/passwd",
    "data:text/plain,x",
    "blob:x",
    "ftp://example.org/a",
    "HTTP:a b",
    "",
  ];
  for (const url of refused) await assert.rejects(checkPublicUrl("a", url, resolve), DataError, url);
  await checkPublicUrl("a", "https://one.example/a", resolve);
  await assert.rejects(checkPublicUrl("a", "http://localhost/a"), /must have a public address: found /);
  await checkPublicUrl("a", "http://not-known.invalid/a"); // fetch says so
});
