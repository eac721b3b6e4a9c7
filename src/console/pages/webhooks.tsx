import type { ComponentChildren } from "preact";
import { layOut, toCurl } from "../../advice/show-request.ts";
import type { BodyOf, Calls, ListedWebhook } from "../calls.ts";
import { Deeds } from "../forms/deed-buttons.tsx";
import { hrefWith, type Page } from "../frame/answer.ts";
import { Filters, List, when, whose } from "../frame/list.tsx";
import { Facts, Id, Said, SaidLink, State, Time } from "../frame/parts.tsx";

const path = "/console/webhooks";

const choices = [
  { name: "state", label: "State", words: ["received", "processed", "failed", "ignored"] },
  { name: "source", label: "From", words: ["provider", "highlevel"] },
  { name: "reason", label: "Reason has", placeholder: "no mapping for" },
  { name: "address", label: "Person", placeholder: "phone or mailbox" },
  ...when,
  ...whose,
];

/** `GET /console/webhooks`: what providers and HighLevel posted, newest first. */
export function webhooksPage(calls: Calls): Page {
  return async ({ caller, query }) => {
    const { body: page } = await calls.listWebhooks(caller, { query });
    return {
      title: "Webhooks",
      body: (
        <>
          <Filters path={path} query={query} choices={choices} />
          <List
            {...{ path, query, page, columns }}
            keyOf={({ id }) => id}
            empty={<p>Nobody has called yet. What is refused at the door stands with its mapping.</p>}
          />
        </>
      ),
    };
  };
}

const columns: Record<string, (webhook: ListedWebhook) => ComponentChildren> = {
  When: ({ id, receivedAt }) => (
    <a href={`${path}/${id}`}>
      <Time at={receivedAt} />
    </a>
  ),
  From: ({ source }) => (source === "provider" ? "a provider" : "HighLevel"),
  State: ({ state }) => <State state={state} />,
  Reason: ({ reason }) => reason && <Said>{reason}</Said>,
  Brought: broughtBy,
};

function broughtBy({ messages }: Pick<ListedWebhook, "messages">) {
  return messages.map(({ id, address }) => (
    <div key={id}>
      <SaidLink to={`/console/messages/${id}`}>{address}</SaidLink>
    </div>
  ));
}

/** `GET /console/webhooks/{id}`: as it came, without what proves it. */
export function webhookPage(calls: Calls): Page {
  return async ({ caller, params }) => {
    const { body: webhook } = await calls.getWebhook(caller, { params });
    const { id, state, reason, receivedAt, accountId, url } = webhook;
    const mayReplay = state === "failed" || state === "ignored";
    return {
      title: `Webhook ${id}`,
      head: (
        <div class="head">
          <h1>Webhook {id}</h1>
          <State state={state} />
          <Time at={receivedAt} />
        </div>
      ),
      body: (
        <>
          {reason && (
            <section class={`card ${state === "failed" ? "bad" : ""}`}>
              <h2>{state === "failed" ? "It was not understood" : "It was passed over"}</h2>
              <p>
                <Said>{reason}</Said>
              </p>
              {mayReplay && (
                <Deeds
                  caller={caller}
                  deeds={state === "failed" ? ["replayWebhook", "discardWebhook"] : ["replayWebhook"]}
                  about={webhook}
                />
              )}
            </section>
          )}
          <Facts
            facts={{
              Account: accountId && <a href={hrefWith(path, { accountId })}>{accountId}</a>,
              Brought: broughtBy(webhook),
              URL: <Id id={url} />,
            }}
          />
          {caller.access === "metadata" ? (
            <p class="faint">What was posted is not shown to your key.</p>
          ) : (
            <PostedWebhook webhook={webhook} />
          )}
        </>
      ),
    };
  };
}

/** As it came, laid out, raw, and as a line for a shell. */
export function PostedWebhook({ webhook }: { webhook: BodyOf<"getWebhook", 200> }) {
  const { headers, bodyBase64 } = webhook;
  return (
    <>
      <h2>Headers</h2>
      <pre tabIndex={0}>{Object.entries(headers).map(([name, value]) => `${name}: ${value}\n`)}</pre>
      <h2>Body</h2>
      <pre tabIndex={0}>{cut(layOut(textOf(bodyBase64), headers["content-type"]))}</pre>
      <details>
        <summary>Raw, and as curl</summary>
        <pre tabIndex={0}>{cut(textOf(bodyBase64))}</pre>
        <pre tabIndex={0}>{bodyBase64.length > maxShown ? "It is too long for a line." : toCurl(webhook)}</pre>
      </details>
    </>
  );
}

const maxShown = 100_000;

const textOf = (base64: string) => Buffer.from(base64, "base64").toString("utf8");
const cut = (text: string) =>
  text.length > maxShown ? `${text.slice(0, maxShown)}\n… and ${text.length - maxShown} more` : text;
