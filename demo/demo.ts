import { describeSent, play, print, tell } from "./play.ts";
import { scenes, textToTry } from "./scenes.ts";
import { setStage } from "./stage.ts";

/**
 * Everything before your eyes, on this machine alone: a sandbox in HighLevel's place, stand-ins in the providers', the
 * bridge between them on its embedded database, and then real signed webhooks, answers and receipts.
 * With --once it ends, with 0 only when all arrived as it should; without, it stays up to look around.
 */
const isOnce = process.argv.includes("--once");

let isLookingAround = false;
const stage = await setStage({
  waitMs: () => (isLookingAround ? 1000 : 300),
  notice(provider, message, status) {
    if (!isLookingAround) return;
    if (status) tell("status", provider, `${status} to ${message.to.join(", ")}`);
    else tell("out", provider, describeSent(message));
  },
});

async function stop(exitCode: number): Promise<never> {
  await stage.stop();
  process.exit(exitCode);
}

print("\nConversation Bridge · demo\n");
for (const { provider, address, webhookUrl } of stage.ways) {
  print(`registered  ${provider.padEnd(9)} ${address.padEnd(20)} ${new URL(webhookUrl).pathname}`);
}
print();
let failures = 0;
for (const scene of scenes) failures += (await play(stage, scene)) ? 0 : 1;
print(failures === 0 ? "\nAll of it arrived as it should." : `\n${failures} of ${scenes.length} went wrong.`);
if (isOnce) await stop(failures === 0 ? 0 : 1);

const { url, headers, body } = textToTry.sign(stage.way(textToTry.provider));
const quote = (text: string) => `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
const headerLines = Object.entries(headers).map(([name, value]) => `header = ${quote(`${name}: ${value}`)}`);
const adminFile = stage.keepForCurl("admin.curl", [`header = ${quote(stage.adminHeader)}`]);
const textFile = stage.keepForCurl("text.curl", [
  `url = ${quote(url)}`,
  "include",
  ...headerLines,
  `data-raw = ${quote(body.toString("utf8"))}`,
]);
print(`
Look around; Ctrl+C ends it.
  the inbox        ${stage.sandboxUrl}/  (answer there: it goes out, and its status ticks)
  the console      ${await stage.consoleLink()}  (once; the key: ${stage.adminApiKey})
  the admin route  curl -K ${adminFile} ${stage.bridgeUrl}/admin/messages
  a text to try    curl -K ${textFile}
`);
isLookingAround = true;
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => void stop(0));
