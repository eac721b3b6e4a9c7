import type { ComponentChildren } from "preact";
import { refusals } from "../../advice/refusals.ts";
import type { WebhookSource } from "../../model.ts";
import type { Calls, Mapping } from "../calls.ts";
import { Deeds } from "../forms/deed-buttons.tsx";
import { type Page, withoutEmpty } from "../frame/answer.ts";
import { Findings } from "../frame/findings.tsx";
import { Filters, List } from "../frame/list.tsx";
import { Facts, Id, Said, Time } from "../frame/parts.tsx";
import { labelOf } from "./provider-labels.ts";

const path = "/console/mappings";

const choices = [
  { name: "address", label: "Number or mailbox" },
  { name: "locationId", label: "Location" },
];

/** `GET /console/mappings`: numbers and mailboxes, and the locations that they stand for. */
export function mappingsPage(calls: Calls): Page {
  return async ({ caller, query: given }) => {
    const query = withoutEmpty(given);
    const { body: page } = await calls.listMappings(caller, { query });
    return {
      title: "Mappings",
      body: (
        <>
          <h1>Mappings</h1>
          <Deeds caller={caller} deeds={["createMapping", "importMappings"]} about={{}} />
          <div class="actions">
            <a class="button" href="/console/lists/accounts">
              Accounts
            </a>
            <a class="button" href="/console/lists/opt-outs">
              Opt-outs
            </a>
          </div>
          <Filters path={path} query={query} choices={choices} />
          <List
            {...{ path, query, page, columns }}
            keyOf={({ id }) => id}
            empty={<p>No number or mailbox is mapped yet.</p>}
          />
        </>
      ),
    };
  };
}

const columns: Record<string, (mapping: Mapping) => ComponentChildren> = {
  "Number or mailbox": ({ id, address }) => (
    <a href={`${path}/${id}`}>
      <Said>{address}</Said>
    </a>
  ),
  Name: ({ name }) => name && <Said>{name}</Said>,
  Provider: ({ provider }) => labelOf(provider),
  Location: ({ locationId }) => <a href={`/console/locations/${encodeURIComponent(locationId)}`}>{locationId}</a>,
  Added: ({ createdAt }) => <Time at={createdAt} />,
};

/** `GET /console/mappings/{id}`: the URLs to paste, what was refused at them, and, with `?check`, what both sides say. */
export function mappingPage(calls: Calls): Page {
  return async ({ caller, params, query }) => {
    const { body: mapping } = await calls.getMapping(caller, { params });
    const { id, address, name, refused } = mapping;
    const pausing = mapping.pausedAt ? "resumeMapping" : "pauseMapping";
    const checked = query["check"] === undefined ? undefined : (await calls.checkMapping(caller, { params })).body;
    return {
      title: address,
      body: (
        <>
          <h1>
            <Said>{address}</Said>
            {name && (
              <span class="faint">
                {" "}
                <Said>{name}</Said>
              </span>
            )}
          </h1>
          <div class="actions">
            <a class="button primary" href={`${path}/${id}?check`}>
              Check both sides
            </a>
            <a class="button" href={`/console/messages?mappingId=${id}`}>
              Its messages
            </a>
            <a class="button" href={`/console/webhooks?mappingId=${id}`}>
              Its webhooks
            </a>
            <a class="button" href={`/console/lists/conversations?id=${id}`}>
              Who is who
            </a>
          </div>
          {checked && (
            <>
              <h2>What both sides say</h2>
              <Findings checks={checked.checks} />
            </>
          )}
          <Urls mapping={mapping} />
          <Refused refused={refused} />
          <h2>How it is set</h2>
          <Settings mapping={mapping} />
          <Deeds
            caller={caller}
            deeds={["changeMapping", "previewWebhook", "sendTest", pausing, "deleteMapping"]}
            about={mapping}
          />
          <Deeds caller={caller} deeds={["changeAccount"]} about={{ id: mapping.accountId }} />
        </>
      ),
    };
  };
}

/** Where each URL goes. */
function Urls({
  mapping: { webhookUrl, deliveryUrl, provider },
}: {
  mapping: Pick<Mapping, "webhookUrl" | "deliveryUrl" | "provider">;
}) {
  return (
    <>
      <h2>To paste</h2>
      <Facts
        facts={{
          [`At ${labelOf(provider)}`]: <Id id={webhookUrl} />,
          "As the delivery URL in HighLevel": <Id id={deliveryUrl} />,
        }}
      />
    </>
  );
}

/** HighLevel signs by keys of its own, which are no account's. */
const foreignKey = "It is forged, or HighLevel signs by another key: see HIGHLEVEL_PUBLIC_KEYS.";

function Refused({
  refused,
}: {
  refused: { source: WebhookSource; reason: keyof typeof refusals; count: number; firstAt: Date; lastAt: Date }[];
}) {
  if (refused.length === 0) return null;
  return (
    <>
      <h2>Refused at the door</h2>
      {refused.map(({ source, reason, count, firstAt, lastAt }) => (
        <section key={`${source} ${reason}`} class="card bad">
          <div class="head">
            <h3>
              {reason}, at {source === "highlevel" ? "the delivery URL" : "the provider's URL"}
            </h3>
            <span class="state bad">{count}</span>
            <span class="faint">
              first <Time at={firstAt} />, last <Time at={lastAt} />
            </span>
          </div>
          <p>{refusals[reason].means}</p>
          <p>{source === "highlevel" && reason === "no_match" ? foreignKey : refusals[reason].advice}</p>
        </section>
      ))}
    </>
  );
}

function Settings({ mapping }: { mapping: Mapping }) {
  const { id, accountId, locationId, conversationProviderId, callProviderId, type, updatedAt } = mapping;
  const { unknownSender, postAutomatic, postLists, onUnknownOutcome, isDefault, stripQuoted, replyTokens } = mapping;
  const said = (value: boolean) => (value ? "yes" : "no");
  return (
    <Facts
      facts={{
        Location: <a href={`/console/locations/${encodeURIComponent(locationId)}`}>{locationId}</a>,
        Id: <Id id={id} />,
        Account: <Id id={accountId} />,
        conversationProviderId: conversationProviderId ? <Id id={conversationProviderId} /> : "the location's default",
        callProviderId: callProviderId && <Id id={callProviderId} />,
        ...{ type, unknownSender, postLists, onUnknownOutcome },
        ...{ postAutomatic: said(postAutomatic), isDefault: said(isDefault), stripQuoted: said(stripQuoted) },
        replyTokens: said(replyTokens),
        Changed: <Time at={updatedAt} />,
      }}
    />
  );
}
