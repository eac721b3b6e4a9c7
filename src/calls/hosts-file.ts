import { readFileSync, statSync } from "node:fs";
import { isIP } from "node:net";

export interface Address {
  address: string;
  family: 4 | 6;
}

/** The addresses that the hosts file gives a name, none where it does not name it. */
export type FindInHosts = (name: string) => Address[];

const maxAgeMs = 5000;

/**
 * Reads the file anew when it has changed, looking at most every five seconds. It reads at once: a file in memory is
 * quicker than its way through the thread pool, which a slow disk or look-up may hold.
 */
export function createHostsFile(path = "/etc/hosts"): FindInHosts {
  let names = new Map<string, Address[]>();
  let version = "";
  let checkedAt = Number.NEGATIVE_INFINITY;

  return (name) => {
    if (performance.now() - checkedAt > maxAgeMs) {
      checkedAt = performance.now();
      const current = versionOf(path);
      if (current !== version) names = parseHosts(current === "" ? "" : readFileSync(path, "utf8"));
      version = current;
    }
    return names.get(name) ?? [];
  };
}

/** Empty where there is no such file. */
function versionOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat ? `${stat.mtimeMs} ${stat.size}` : "";
}

/** https://man7.org/linux/man-pages/man5/hosts.5.html */
function parseHosts(text: string): Map<string, Address[]> {
  const names = new Map<string, Address[]>();
  for (const line of text.split("\n")) {
    const [address = "", ...aliases] = line.replace(/#.*/, "").trim().split(/\s+/);
    const family = isIP(address);
    if (family !== 4 && family !== 6) continue;
    for (const alias of aliases) {
      const name = alias.toLowerCase();
      names.set(name, [...(names.get(name) ?? []), { address, family }]);
    }
  }
  return names;
}
