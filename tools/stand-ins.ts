import { parseArgs } from "node:util";
import express from "express";
import { bringToLife } from "../demo/providers.ts";
import { providers } from "../test/support/providers.ts";
import { createStandIn } from "../test/support/stand-ins/from-fixtures.ts";
import { serveStandIns } from "../test/support/stand-ins/serve.ts";
import { sampleMapping } from "./samples.ts";

const { values } = parseArgs({ options: { port: { type: "string", default: "4020" } } });
const say = (text: string) => void process.stdout.write(`${text}\n`);

/** Where each provider posts, as somebody pastes it at the real one. */
const webhookUrls = new Map<string, string>();
const paste = express.Router();
paste.put("/:provider", express.text({ type: () => true }), (req, res) => {
  const { provider } = req.params;
  const names = providers.map(({ name }) => name);
  if (!names.includes(provider)) return void res.status(404).send(`${provider} is none of ${names.join(", ")}\n`);
  if (!URL.canParse(req.body)) return void res.status(422).send("the body must be the mapping's webhookUrl\n");
  const url = new URL(req.body);
  // Whoever signs nothing has the credentials in the URL, and sends them in a header.
  url.username = "";
  url.password = "";
  webhookUrls.set(provider, url.href);
  res.send(`${provider} posts receipts to ${url.href}\n`);
});

const standIns = providers.map(({ name }) => createStandIn(name));
const { url } = await serveStandIns([...standIns, { host: "webhooks", router: paste }], Number(values.port));
bringToLife(standIns, {
  webhookUrlOf: (provider) => webhookUrls.get(provider),
  waitMs: () => 500,
  notice: (provider, { to }, status) => say(`${provider} ${status ?? "took a message"} · to ${to.join(", ")}`),
});

say(`The providers' stand-ins listen on ${url}; Ctrl+C ends them. A bridge calls them in the providers' place with:

PROVIDERS_URL=${url}

A mapping for each, by the credentials that they and \`npm run send-sample\` know: test data, nobody's secrets.
`);
for (const provider of providers) say(JSON.stringify(sampleMapping(provider)));
say(`
Paste the webhookUrl of a mapping "at the provider", so that it knows where to post receipts:

curl -X PUT ${url}/webhooks/<provider> -d '<webhookUrl>'
`);
