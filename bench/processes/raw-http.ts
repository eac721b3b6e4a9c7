import { servePeer } from "./serve.ts";

/** node:http and nothing else: what the client can do at most. */
await servePeer((req, res) => {
  req.resume();
  req.on("end", () => res.end());
});
