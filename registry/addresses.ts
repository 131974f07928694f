/**
 * Which addresses of the network are public: what a manifest of somebody else may have fetched without a question. Others
 * are this machine, those beside it, or services that trust whoever can reach them.
 *
 * @module
 */
import { lookup } from "node:dns/promises";
import { BlockList, isIPv4, isIPv6 } from "node:net";
import { DataError } from "../core/errors.ts";

/**
 * IPv4 networks that are not public.
 *
 * @see IANA IPv4 Special-Purpose Address Registry (RFC 6890), and 224.0.0.0/4 (multicast), 240.0.0.0/4 (reserved).
 */
export const CLOSED_IPV4: readonly string[] = [
  "0.0.0.0/8", // this host
  "10.0.0.0/8", // private
  "100.64.0.0/10", // shared, of carriers
  "127.0.0.0/8", // loopback
  "169.254.0.0/16", // link-local; metadata of clouds
  "172.16.0.0/12", // private
  "192.0.0.0/24", // protocol assignments
  "192.0.2.0/24", // documentation
  "192.88.99.0/24", // relays of 6to4
  "192.168.0.0/16", // private
  "198.18.0.0/15", // benchmarks
  "198.51.100.0/24", // documentation
  "203.0.113.0/24", // documentation
  "224.0.0.0/4", // multicast
  "240.0.0.0/4", // reserved, broadcast
];

/**
 * What Deno is to refuse when it connects, whatever a name leads to then. It knows IPv4 networks and single IPv6 addresses,
 * but no IPv6 networks (2.9.6).
 */
export const CLOSED_HOSTS: readonly string[] = [...CLOSED_IPV4, "[::1]"];

/** The IPv6 network of public addresses; all of the closed ones below lie in it. */
const OPEN_IPV6 = "2000::/3";

/** IPv6 networks in it that are not public, or lead to IPv4 addresses that may not be. */
const CLOSED_IPV6: readonly string[] = [
  "2001::/23", // protocol assignments, Teredo
  "2001:db8::/32", // documentation
  "2002::/16", // 6to4
  "3fff::/20", // documentation
];

function blockList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address, prefix] = network.split("/");
    list.addSubnet(address!, Number(prefix), isIPv4(address!) ? "ipv4" : "ipv6");
  }
  return list;
}

let lists: { readonly closed: BlockList; readonly open6: BlockList } | undefined;

/** Whether an address is public; IPv6 without brackets, with or without a zone. */
export function isPublicAddress(address: string): boolean {
  lists ??= { closed: blockList([...CLOSED_IPV4, ...CLOSED_IPV6]), open6: blockList([OPEN_IPV6]) };
  if (isIPv4(address)) return !lists.closed.check(address, "ipv4");
  const plain = address.split("%")[0]!;
  return isIPv6(plain) && lists.open6.check(plain, "ipv6") && !lists.closed.check(plain, "ipv6");
}

/** Resolves a name to all its addresses; none where it is not known. */
export type Resolve = (name: string) => Promise<readonly string[]>;

/** As the system resolves it, `/etc/hosts` included. */
const resolveBySystem: Resolve = async (name) => {
  try {
    return (await lookup(name, { all: true })).map(({ address }) => address);
  } catch {
    return []; // fetch says why; behind a proxy it is the proxy that knows the name
  }
};

/**
 * Checks where a download goes.
 *
 * @param resolve For tests. @default as the system does
 * @throws {DataError} If the scheme is not http or https, or the host is, or has, an address that is not public.
 */
export async function checkPublicUrl(
  file: string,
  url: string,
  resolve: Resolve = resolveBySystem,
): Promise<void> {
  const { hostname } = checkScheme(file, url);
  const name = hostname.replace(/^\[|\]$/g, "");
  const addresses = isIPv4(name) || isIPv6(name) ? [name] : await resolve(name);
  const closed = addresses.find((address) => !isPublicAddress(address));
  if (closed === undefined) return;
  throw new DataError(
    `Cannot fetch "${file}" as its server must have a public address: found ${closed} at ${url}; if this is meant, add --allow-private`,
    file,
  );
}

/** @throws {DataError} If it is no URL, or its scheme is neither http nor https. */
export function checkScheme(file: string, url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed && ["http:", "https:"].includes(parsed.protocol)) return parsed;
  throw new DataError(
    `Cannot fetch "${file}" as its address must begin with http or https: found ${url}`,
    file,
  );
}
