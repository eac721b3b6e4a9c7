import type { ComponentChildren } from "preact";
import { refusals } from "../../advice/refusals.ts";
import { labelOf } from "../../providers/registry.ts";
import type { Calls, ListedMapping, Mapping } from "../calls.ts";
import { Deeds } from "../forms/deed-buttons.tsx";
import { Fields } from "../forms/outcome.tsx";
import type { Page } from "../frame/answer.ts";
import { Filters, List } from "../frame/list.tsx";
import { Facts, Id, Said, SaidLink, Time, Ways } from "../frame/parts.tsx";
import { Findings } from "../frame/story.tsx";
import type { Tone } from "../words/states.ts";

const path = "/console/mappings";

const choices = [
  { name: "address", label: "Number or mailbox" },
  { name: "locationId", label: "Location" },
];

/** `GET /console/mappings`: numbers and mailboxes, and the locations that they stand for. */
export function mappingsPage(calls: Calls): Page {
  return async ({ caller, query }) => {
    const { body: page } = await calls.listMappings(caller, { query });
    return {
      title: "Mappings",
      body: (
        <>
          <Deeds caller={caller} deeds={["createMapping", "importMappings"]} about={{}} />
          <Ways
            to={{
              Accounts: "/console/lists/accounts",
              "Opt-outs": "/console/lists/opt-outs",
              Imports: "/console/lists/imports",
            }}
          />
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

const columns: Record<string, (mapping: ListedMapping) => ComponentChildren> = {
  "Number or mailbox": ({ id, address }) => <SaidLink to={`${path}/${id}`}>{address}</SaidLink>,
  Name: ({ name }) => name && <Said>{name}</Said>,
  Provider: ({ provider }) => labelOf(provider),
  Location: ({ locationId }) => <a href={`/console/locations/${encodeURIComponent(locationId)}`}>{locationId}</a>,
  State: (mapping) => <Light of={mapping} />,
  "Last in": ({ lastInAt }) => <Time at={lastInAt} />,
  "Last out": ({ lastOutAt }) => <Time at={lastOutAt} />,
  "Secret unchanged": ({ accountChangedAt }) => <Time at={accountChangedAt} />,
};

function Light({ of }: { of: Signs }) {
  const [word, tone] = lightOf(of);
  return <span class={`state ${tone}`}>{word}</span>;
}

type Signs = Pick<ListedMapping, "pausedAt" | "refusedLately" | "lastInAt" | "lastOutAt" | "hasReceipts">;

function lightOf({ pausedAt, refusedLately, lastInAt, lastOutAt, hasReceipts }: Signs): [string, Tone] {
  if (pausedAt) return ["paused", "bad"];
  if (refusedLately > 0) return [`${refusedLately} refused`, "bad"];
  if (!lastInAt && !lastOutAt) return ["nothing yet", "quiet"];
  return lastOutAt && !hasReceipts ? ["no receipts", "busy"] : ["goes on", "ok"];
}

/** `GET /console/mappings/{id}`: the URLs to paste, what was refused at them, and, with `?check=true`, what both sides say. */
export function mappingPage(calls: Calls): Page {
  return async ({ caller, params, query }) => {
    const { body: mapping } = await calls.getMapping(caller, { params });
    const { id, address, name, locationId, refused } = mapping;
    const pausing = mapping.pausedAt ? "resumeMapping" : "pauseMapping";
    const checked = query["check"] === undefined ? undefined : (await calls.checkMapping(caller, { params })).body;
    return {
      title: address,
      head: (
        <div class="head" data-renew={`/console/live/events?mappingId=${id}`}>
          <h1>
            <Said>{address}</Said>
          </h1>
          <span class="faint">{name && <Said>{name}</Said>}</span> <Light of={mapping} />
          {!mapping.lastInAt && !mapping.pausedAt && <p role="status">Waiting for the first message…</p>}
        </div>
      ),
      body: (
        <>
          <Ways
            primary="Check both sides"
            to={{
              "Check both sides": `${path}/${id}?check=true`,
              "Its messages": `/console/messages?mappingId=${id}`,
              "Its webhooks": `/console/webhooks?mappingId=${id}`,
              "Who is who": `/console/lists/conversations?id=${id}`,
              "Its location": `/console/locations/${encodeURIComponent(locationId)}`,
            }}
          />
          {checked && (
            <>
              <h2>What both sides say</h2>
              <Findings checks={checked.checks} />
            </>
          )}
          <h2>To paste</h2>
          <Facts
            facts={{
              [`At ${labelOf(mapping.provider)}`]: <Id id={mapping.webhookUrl} />,
              "As the delivery URL in HighLevel": <Id id={mapping.deliveryUrl} />,
            }}
          />
          <Refused refused={refused} />
          <h2>How it is set</h2>
          <Deeds
            caller={caller}
            deeds={["changeMapping", "previewWebhook", "sendTest", pausing, "deleteMapping"]}
            about={mapping}
          />
          <Deeds caller={caller} deeds={["changeAccount"]} about={{ id: mapping.accountId }} />
          <Fields of={Object.entries(mapping).filter(([field, value]) => !elsewhere.has(field) && value !== null)} />
        </>
      ),
    };
  };
}

/** HighLevel signs by keys of its own, which are no account's. */
const foreignKey = "It is forged, or HighLevel signs by another key: see HIGHLEVEL_PUBLIC_KEYS.";

function Refused({ refused }: Pick<Mapping, "refused">) {
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

/** What the page shows by itself. */
const elsewhere = new Set(["address", "name", "provider", "locationId", "webhookUrl", "deliveryUrl", "refused"]);
