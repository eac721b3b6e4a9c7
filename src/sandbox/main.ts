import { startSandbox } from "./sandbox.ts";

// biome-ignore lint/style/noProcessEnv: the sandbox's one setting.
const port = Number(process.env["PORT"] ?? 4010);
const { url, sandbox } = await startSandbox({ port });
process.stdout.write(`The sandbox listens on ${url}
A bridge takes it for HighLevel with these settings; the key is a new one with each start:
HIGHLEVEL_URL=${url}
HIGHLEVEL_PUBLIC_KEYS=${sandbox.publicKey}
ALLOWED_PRIVATE_HOSTS=${new URL(url).host}
`);
