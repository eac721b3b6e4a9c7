import { sampleLocation } from "./sample-location.ts";
import { startSandbox } from "./sandbox.ts";

// biome-ignore lint/style/noProcessEnv: the sandbox's settings, which are where it listens and where the bridge does.
const { PORT = "4010", PUBLIC_URL = "http://127.0.0.1:3000" } = process.env;
const { url, sandbox } = await startSandbox({ port: Number(PORT) });
const location = sampleLocation(PUBLIC_URL);
sandbox.putLocation(location);

process.stdout.write(`The sandbox listens on ${url}, where its inbox is
A bridge takes it for HighLevel with these settings; the key is a new one with each start:
HIGHLEVEL_URL=${url}
HIGHLEVEL_PUBLIC_KEYS=${sandbox.publicKey}
ALLOWED_PRIVATE_HOSTS=${new URL(url).host}
It has the location ${location.id}, whose token is ${location.token}, with the conversation providers
${location.providers.map(({ id }) => id).join(" and ")}; what is answered there is posted to
${location.providers[0]?.deliveryUrl}
`);
