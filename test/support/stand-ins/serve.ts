import type { AddressInfo } from "node:net";
import express from "express";
import type { TokenGrant } from "../../../src/calls/call-api.ts";
import { type CallApi, callStandIns, createCallApi } from "../../../src/calls/call-api.ts";
import { createTokens, withTokens } from "../../../src/calls/oauth/with-tokens.ts";
import { certificates } from "../certificates.ts";
import { serveMails } from "../kept-mails.ts";
import { tokenOf } from "./read-api.ts";
import type { StandIn } from "./stand-in.ts";

/** Serves the stand-ins on one port, each below the name of its host, with the certificates that are signed by, and calls them there by the real `callApi`. */
export async function serveStandIns(
  standIns: Pick<StandIn, "host" | "router" | "grant">[],
  port = 0,
): Promise<{ url: string; callApi: CallApi; stop(): Promise<void> }> {
  const app = express();
  app.use(serveMails);
  for (const { host, router, grant } of standIns) {
    app.use(`/${host}`, router);
    if (grant) app.post(grant.url.replace("https:/", ""), giveToken(grant));
  }
  for (const [url, pem] of certificates)
    app.get(url.replace("https:/", ""), (_req, res) => void res.type("text/plain").send(pem));
  app.use((req, res) => void res.status(404).json({ message: `no stand-in has ${req.method} ${req.path}` }));
  const server = await new Promise<ReturnType<typeof app.listen>>((resolve, reject) => {
    const listening = app.listen(port, "127.0.0.1", (error) => (error ? reject(error) : resolve(listening)));
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const callApi = createCallApi({ timeoutSeconds: 5, maxSockets: 4 });
  const call = callStandIns(callApi, url);
  return {
    url,
    callApi: withTokens(createTokens(call), call),
    stop: async () => {
      callApi.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A token, for the client's credentials alone. */
const giveToken =
  (grant: TokenGrant): express.RequestHandler =>
  (req, res) => {
    const expected = `Basic ${Buffer.from(`${grant.clientId}:${grant.clientSecret}`).toString("base64")}`;
    if (req.headers.authorization !== expected) return void res.status(401).json({ error: "invalid_client" });
    res.json({ access_token: tokenOf(grant), token_type: "Bearer", expires_in: 3600 });
  };
