import { startSandbox } from "./sandbox.ts";

// biome-ignore lint/style/noProcessEnv: the sandbox's one setting.
const port = Number(process.env["PORT"] ?? 4010);
const { url } = await startSandbox({ port });
process.stdout.write(`The sandbox listens on ${url}\n`);
