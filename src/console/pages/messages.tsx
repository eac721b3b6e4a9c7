import type { ComponentChildren } from "preact";
import { failureReasons, isWindowReason } from "../../errors.ts";
import type { Calls, ListedMessage } from "../calls.ts";
import { hrefWith, type Page } from "../frame/answer.ts";
import { Filters, List, when, whose } from "../frame/list.tsx";
import { Said, State, Time } from "../frame/parts.tsx";

const path = "/console/messages";
const states = ["received", "queued", "sent", "delivered", "read", "failed", "complained"];

const choices = [
  { name: "problems", label: "Problems only", words: ["true"] },
  { name: "state", label: "State", words: states },
  { name: "direction", label: "Direction", words: ["inbound", "outbound"] },
  { name: "deliveryState", label: "Delivery", words: ["pending", "delivered", "dead", "discarded"] },
  { name: "address", label: "Person", placeholder: "phone or mailbox" },
  ...when,
  { name: "aside", label: "Not posted", words: ["kept", "held"] },
  { name: "channel", label: "Channel", words: ["sms", "email"] },
  { name: "provider", label: "Provider", placeholder: "its name, as twilio" },
  { name: "reason", label: "Reason", words: failureReasons },
  { name: "hasFiles", label: "With files", words: ["true", "false"] },
  { name: "automatic", label: "By a machine", words: ["true", "false"] },
  ...whose,
];

/** `GET /console/messages`: newest first; the filters are those of the API. */
export function messagesPage(calls: Calls): Page {
  return async ({ caller, query }) => {
    const { deliveryState, problems, cursor: _cursor, ...filter } = query;
    const isOfDead = deliveryState === "dead" || (problems === "true" && !deliveryState);
    const { body: page } = await calls.listMessages(caller, { query });
    return {
      title: "Messages",
      body: (
        <>
          <Filters path={path} query={query} choices={choices} />
          {caller.access !== "metadata" && (
            <p>
              <a href={hrefWith(`${path}/csv`, { ...query, cursor: undefined })}>These as CSV</a>
            </p>
          )}
          <List
            {...{ path, query, page }}
            columns={caller.access === "write" ? { Tick, ...columns } : columns}
            keyOf={({ id }) => id}
            empty={
              <p>
                No message yet: a provider or HighLevel must call a URL of the <a href="/console/mappings">mappings</a>.
              </p>
            }
          />
          {caller.access === "write" && page.items.length > 0 && (
            <form id={ticks} method="get" action="/console/replays/new" class="actions">
              <button type="submit" name="ticked" value="true">
                Replay what was given up of the ticked…
              </button>
              {isOfDead && isOfDeliveries(filter) && (
                <a class="button" href={hrefWith("/console/replays/new", filter)}>
                  Replay all that fit…
                </a>
              )}
            </form>
          )}
        </>
      ),
    };
  };
}

const ticks = "ticks";
const Tick = ({ id, address }: ListedMessage) => (
  <input type="checkbox" form={ticks} name={`m.${id}`} aria-label={`Message ${id} of ${address}`} />
);

/** Is all that is asked of messages known of their deliveries as well? */
const isOfDeliveries = (filter: Record<string, string>) =>
  ["state", "direction", "aside", "channel", "provider", "hasFiles", "automatic"].every((name) => !filter[name]);

/** `GET /console/messages/csv`. */
export function messagesCsv(calls: Calls): Page {
  return async ({ caller, query }) => ({ reply: await calls.exportMessages(caller, { query }) });
}

export const columns: Record<string, (message: ListedMessage) => ComponentChildren> = {
  When: ({ id, receivedAt }) => (
    <a href={`${path}/${id}`}>
      <Time at={receivedAt} />
    </a>
  ),
  Way: ({ direction }) => (direction === "inbound" ? "← in" : "→ out"),
  Person: ({ address }) => <Said>{address}</Said>,
  Mapping: ({ ownAddress }) => <Said>{ownAddress}</Said>,
  State: ({ state }) => <State state={state} />,
  "What else": ({ error, automatic, firstWords, open }) => (
    <span class="words">
      {open?.state === "dead" && `given up: ${open.reason} · `}
      {open?.state === "pending" && (isWindowReason(open.reason) || open.attempts > 0) && (
        <>
          {isWindowReason(open.reason) ? "held until" : `after ${open.attempts} attempts: ${open.reason}, again`}{" "}
          <Time at={open.retryAt} /> ·{" "}
        </>
      )}
      <Said>{error ? error.message : firstWords}</Said>
      {automatic && ` written by a machine (${automatic})`}
    </span>
  ),
  Location: ({ locationId }) => locationId,
};
