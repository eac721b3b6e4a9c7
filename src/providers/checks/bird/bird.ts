import { z } from "zod";
import type { Finding } from "../../../model.ts";
import { failure, ok } from "../../kit/checks/findings.ts";
import type { Ask, CheckStep } from "../../kit/checks/run-checks.ts";
import { requiredText } from "../../kit/fields.ts";

interface Credentials {
  accessKey: string;
  workspaceId: string;
  channelId: string;
}

/** What Bird tells of a channel: not which number it has. */
export const birdChecks: readonly CheckStep<Credentials>[] = [
  { check: "credentials", find: ({ credentials, ask }) => findChannel(credentials, ask) },
];

export const accessKeyHeader = ({ accessKey }: Pick<Credentials, "accessKey">) => {
  return { authorization: `AccessKey ${accessKey}` };
};

export const channelUrl = ({ workspaceId, channelId }: Pick<Credentials, "workspaceId" | "channelId">) => {
  return `https://api.bird.com/workspaces/${workspaceId}/channels/${channelId}`;
};

/** https://docs.bird.com/api/channels-api/api-reference/channels-management */
async function findChannel(credentials: Credentials, ask: Ask): Promise<Finding[]> {
  const request = { method: "GET" as const, url: channelUrl(credentials), headers: accessKeyHeader(credentials) };
  const { status } = await ask(request, z.object({ id: requiredText, status: requiredText }));
  const taken = ok("credentials", "Bird takes the access key for this channel");
  if (status === "active") return [taken, ok("channel", "the channel is active")];
  return [taken, failure("channel", `the channel is ${status}`, "activate it in Bird under Channels")];
}
