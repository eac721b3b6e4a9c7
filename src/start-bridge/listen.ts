import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Config } from "../config.ts";
import { ConfigError } from "../errors.ts";

export async function listen(server: Server, { port, host }: Config): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const hint =
        error.code === "EADDRINUSE"
          ? `port ${port} is taken: stop what listens there, or set another PORT`
          : error.message;
      reject(new ConfigError(`HOST ${host}, PORT ${port}: the server cannot listen, ${hint}`));
    });
    server.listen(port, host, resolve);
  });
  return `http://localhost:${(server.address() as AddressInfo).port}`;
}
