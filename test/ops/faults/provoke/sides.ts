import { emailProviderId, locationId, smsProviderId } from "../../../support/location.ts";
import { until } from "../../../support/until.ts";
import type { Provocation } from "../provocation.ts";
import { oauth, type Stage, unlimited } from "../stage.ts";

const inbound = "/conversations/messages/inbound";
const newToken = "token-that-works";
const newSecret = "secret-that-works";

/** Until `/readyz` says that something waits for this, which is then so old. */
async function wait(stage: Stage, words: string, minutes: number): Promise<void> {
  await until(stage.readyz, (answer) => answer?.text.includes(words) === true);
  await stage.age(minutes);
}

const untilPaused = ({ bridge }: Stage) =>
  until(
    () => bridge.admin("GET", "/locations?paused=true"),
    ({ body }) => body.items.length > 0,
  );

/** The location's token is one of the app's, which has to be renewed now. */
async function expireToken(stage: Stage): Promise<void> {
  stage.sandbox.expireAccessTokens();
  await stage.text();
  await untilPaused(stage);
}

export const sides: Record<string, Provocation> = {
  "HighLevel does not do what it should": {
    async provoke(stage) {
      stage.sandbox.setFaults([{ kind: "status", status: 503, path: inbound }]);
      await stage.text();
      await wait(stage, '"reason":"failing","provider":"highlevel"', 10);
    },
    mend: async ({ sandbox }) => sandbox.setFaults([]),
  },
  "A provider does not do what it should": {
    async provoke(stage) {
      stage.state.sendFault = { kind: "unavailable" };
      stage.answer();
      await wait(stage, '"reason":"failing","provider":"twilio"', 10);
    },
    async mend({ state, mappings }, run) {
      await run({ ACCOUNT: mappings.twilio });
      state.sendFault = undefined;
    },
  },
  "A mailbox cannot be fetched from": {
    async provoke({ bridge, allowedPrivateHosts, calm, state }) {
      // Where stand-ins are, no mailbox is fetched from.
      const nobody = "127.0.0.1:1";
      await bridge.restart({ providersUrl: undefined, allowedPrivateHosts: [...allowedPrivateHosts, nobody] });
      await calm();
      const credentials = { imapHost: "127.0.0.1", imapPort: "1", user: "box", password: "correct horse battery" };
      const mapping = { provider: "imap-smtp", credentials, address: "box@example.com", isDefault: false };
      state.boxId = await bridge.addMapping({ ...mapping, conversationProviderId: emailProviderId });
      await until(
        () => bridge.logLines,
        (lines) => lines.some(({ what }) => what === "mailbox"),
      );
    },
    async mend({ bridge, allowedPrivateHosts, providersUrl, state }, run) {
      await run({ ACCOUNT: state.boxId });
      await bridge.admin("DELETE", `/mappings/${state.boxId}`);
      await bridge.restart({ providersUrl, allowedPrivateHosts });
    },
  },
  "A provider says that it is too much": {
    async provoke(stage) {
      stage.state.sendFault = { kind: "throttled", retryAfterSeconds: 2 };
      stage.answer();
      await wait(stage, '"reason":"throttled","provider":"twilio"', 40);
    },
    async mend({ state }) {
      state.sendFault = undefined;
    },
  },
  "HighLevel says that it is too much": {
    async provoke(stage) {
      stage.sandbox.setFaults([{ kind: "status", status: 429, path: inbound, retryAfterSeconds: 4 }]);
      await stage.text();
      await wait(stage, '"reason":"throttled"', 40);
    },
    mend: async ({ sandbox }) => sandbox.setFaults([]),
  },
  "A limit that is set here is used up": {
    async provoke(stage) {
      await stage.bridge.restart({ highlevelRequests: { per10Seconds: 1000, perDay: 1 } });
      await stage.calm();
      for (let text = 0; text < 3; text++) await stage.text();
      await wait(stage, '"reason":"own_limit"', 20);
    },
    async mend({ bridge }, run) {
      await bridge.restart({ highlevelRequests: unlimited });
      await run();
    },
  },
  "A location's token does not work": {
    async provoke(stage) {
      stage.sandbox.revokeToken(locationId);
      await stage.text();
      await untilPaused(stage);
    },
    async mend(stage, run) {
      stage.sandbox.putLocation({ id: locationId, token: newToken, providers: stage.conversationProviders });
      await run({ TOKEN: newToken });
    },
  },
  "A location must be connected again": {
    async provoke(stage) {
      await stage.run("curl -sSfL -c cookies -b cookies $BRIDGE/oauth/install", {});
      const body = { error: "invalid_grant", error_description: "This refresh token is invalid" };
      stage.sandbox.setFaults([{ kind: "status", status: 400, path: "/oauth/token", body }]);
      await expireToken(stage);
    },
    async mend({ sandbox }, run) {
      sandbox.setFaults([]);
      await run();
    },
  },
  "The app's id or secret is refused": {
    async provoke(stage) {
      stage.sandbox.setOauth({ clientId: oauth.clientId, clientSecret: newSecret });
      await expireToken(stage);
    },
    mend: ({ bridge, withOauth }) => bridge.restart(withOauth(newSecret)),
  },
  "HighLevel gives a location no token for now": {
    async provoke(stage) {
      const body = { message: "The location is suspended" };
      stage.sandbox.setFaults([{ kind: "status", status: 401, path: "/oauth/token", body }]);
      await expireToken(stage);
    },
    async mend({ sandbox }, run) {
      sandbox.setFaults([]);
      await run();
    },
  },
  "Somebody has changed a location's default provider": {
    async provoke({ sql, bridge }) {
      const former = JSON.stringify({ sms: { id: smsProviderId, name: "Twilio" } });
      // It was known so, and is asked anew, as it is when an hour has passed.
      await sql(`update locations set default_providers = '${former}', defaults_asked_at = '2026-01-01'`);
      await bridge.restart();
      await until(
        () => bridge.logLines,
        (lines) => lines.some(({ event }) => event === "location.default_changed"),
      );
    },
  },
  "An endpoint does not take its events": {
    async provoke(stage) {
      stage.state.endpointStatus = 503;
      const endpoint = { url: stage.endpointUrl, events: ["message.received"] };
      stage.state.endpointId = (await stage.bridge.admin("POST", "/endpoints", endpoint)).body.id;
      await stage.text();
      await wait(stage, '"reason":"failing","provider":"endpoint"', 10);
    },
    async mend({ state }, run) {
      state.endpointStatus = 200;
      await run({ ENDPOINT: state.endpointId });
    },
  },
  "An endpoint is disabled": {
    async provoke(stage) {
      stage.state.endpointStatus = 410;
      await stage.text();
    },
    async mend({ bridge, state }, run) {
      state.endpointStatus = 200;
      await run({ ENDPOINT: state.endpointId });
      await bridge.admin("DELETE", `/endpoints/${state.endpointId}`);
    },
  },
};
