import dns from "node:dns";
import { syncBuiltinESMExports } from "node:module";

/** Before the bridge: it asks the name server in this module's query, and not those that the machine is set to. */
const address = new URL(import.meta.url).search.slice(1);
const { Resolver } = dns;
dns.Resolver = class extends Resolver {
  constructor(options) {
    super(options);
    this.setServers([address]);
  }
};
syncBuiltinESMExports();
