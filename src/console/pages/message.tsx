import { choices } from "../../advice/choices.ts";
import { kinds } from "../../advice/kinds.ts";
import { reasons } from "../../advice/reasons.ts";
import type { Calls, WholeMessage } from "../calls.ts";
import { Deeds } from "../forms/deed-buttons.tsx";
import { type Ask, hrefWith, type Page } from "../frame/answer.ts";
import { Facts, Id, Said, State, Time, Ways, Why } from "../frame/parts.tsx";
import { StoryItem } from "../frame/story.tsx";
import { More, tabsOf } from "./more.tsx";

/** `GET /console/messages/{id}`: who, which number, the state in words, everything that happened, and what to press. */
export function messagePage(calls: Calls): Page {
  return async ({ caller, params, query }) => {
    const asked = { steps: "true", posted: String(query["show"] === "Posted") };
    const { steps = [], posted, ...message } = (await calls.getMessage(caller, { params, query: asked })).body;
    // Of an email without a text at once.
    const show = query["show"] ?? (message.content?.text ? undefined : "HTML");
    const brought = show === "Webhook" && tabsOf(message, caller).Webhook;
    const webhook = brought ? (await calls.getWebhook(caller, { params: { id: brought.id } })).body : undefined;
    const { id, address, ownAddress, direction, state, receivedAt } = message;
    return {
      title: `Message ${id}`,
      head: (
        <div class="head">
          <h1>
            {direction === "inbound" ? "From " : "To "}
            <Said>{address}</Said>
          </h1>
          {ownAddress !== null && (
            <span class="faint">
              {direction === "inbound" ? "to" : "by"} <Said>{ownAddress}</Said>
            </span>
          )}
          <State state={state} />
          <Time at={receivedAt} />
        </div>
      ),
      body: (
        <>
          {message.highlevelUrl && <Ways isApart to={{ "Open in HighLevel": message.highlevelUrl }} />}
          <Dead message={message} caller={caller} />
          <h2>What happened</h2>
          <ol class="story">
            {steps.map(({ kind, at, state, what, said, means }, index) => {
              const tone = kind === "wait" ? kind : state;
              return (
                <StoryItem
                  key={String(index)}
                  {...{ tone, what, hint: means }}
                  word={<Time at={at} />}
                  detail={said && <Said>{said}</Said>}
                />
              );
            })}
          </ol>
          <Content message={message} caller={caller} />
          <More {...{ message, show, webhook, posted, caller }} />
          <h2>Where it belongs</h2>
          <Ids message={message} caller={caller} />
          <Ways
            to={{
              "Before it": message.previousId !== null && `/console/messages/${message.previousId}`,
              "After it": message.nextId !== null && `/console/messages/${message.nextId}`,
              "All messages of this person":
                caller.access !== "metadata" &&
                hrefWith("/console/messages", { address, locationId: message.locationId }),
            }}
          />
          <Deeds
            caller={caller}
            deeds={["putConversation", "erasePerson"]}
            about={{ id: message.mappingId, address }}
          />
        </>
      ),
    };
  };
}

function Dead({ message, caller }: { message: WholeMessage; caller: Ask["caller"] }) {
  const dead = message.deliveries.filter(({ state }) => state === "dead");
  const who = { id: message.mappingId, address: message.address };
  return (
    <>
      {dead.map(({ id, kind, reason, detail }) => (
        <section key={id} class="card bad">
          <h2>
            {kinds[kind]}: given up{reason && ` as ${reason}`}
          </h2>
          <Why detail={detail} {...(reason && reasons[reason])} />
          <Deeds caller={caller} deeds={["replayDelivery", "discardDelivery"]} about={{ id, messageId: message.id }} />
          {reason === "unknown_sender" && <Deeds caller={caller} deeds={["putConversation"]} about={who} />}
        </section>
      ))}
    </>
  );
}

/** What it says, with its files. */
function Content({ message: { content }, caller }: { message: WholeMessage; caller: Ask["caller"] }) {
  if (caller.access === "metadata") return <p class="faint">What it says is not shown to your key.</p>;
  if (!content) return <p class="faint">What it said is deleted: content is kept for RETENTION_DAYS.</p>;
  const { subject, text, fromName, to, cc, bcc, attachments, call } = content;
  return (
    <>
      <h2>What it says</h2>
      <Facts
        facts={{
          Subject: subject && <Said>{subject}</Said>,
          Name: fromName && <Said>{fromName}</Said>,
          To: <Said>{to.join(", ")}</Said>,
          Cc: cc.length > 0 && <Said>{cc.join(", ")}</Said>,
          Bcc: bcc.length > 0 && <Said>{bcc.join(", ")}</Said>,
          Call: call && `${call.status}${call.durationSeconds === undefined ? "" : `, ${call.durationSeconds} s`}`,
        }}
      />
      {text && (
        <div class="card said" dir="auto">
          {text}
        </div>
      )}
      {attachments.length > 0 && (
        <ul>
          {attachments.map(({ name, contentType, sizeBytes, refusal }, index) => (
            <li key={String(index)}>
              <Said>{name ?? "a file without a name"}</Said>{" "}
              <span class="faint">
                {contentType} {sizeBytes === undefined ? "" : `${sizeBytes} bytes`}
              </span>{" "}
              {refusal && <span class="state bad">{refusal}</span>}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

/** As in `SPF pass, DKIM pass, DMARC fail`. */
const wordsOf = (verdicts: Record<string, string | undefined> = {}) =>
  Object.entries(verdicts)
    .map(([name, word]) => `${name.toUpperCase()} ${word}`)
    .join(", ");

function Ids({ message, caller }: { message: WholeMessage; caller: Ask["caller"] }) {
  const { webhooks, mappingId, recipients } = message;
  const to = (path: string, id: string | number) =>
    caller.isInside ? <Id id={id} /> : <a href={`/console/${path}/${encodeURIComponent(id)}`}>{id}</a>;
  return (
    <Facts
      facts={{
        Location: to("locations", message.locationId),
        Mapping: mappingId && to("mappings", mappingId),
        Webhook: webhooks.map(({ id }) => to("webhooks", id)),
        Contact: message.contactId && <Id id={message.contactId} />,
        Message: <Id id={message.id} />,
        "Provider's id": message.providerMessageId && <Id id={message.providerMessageId} />,
        "HighLevel's id": message.highlevelMessageId && <Id id={message.highlevelMessageId} />,
        "HighLevel's email id": message.highlevelEmailMessageId && <Id id={message.highlevelEmailMessageId} />,
        "Message-ID": message.rfcMessageId && <Id id={message.rfcMessageId} />,
        "Sent by it as": choices[message.content?.chosenBy ?? ""],
        "By the provider": wordsOf(message.content?.verdicts) || undefined,
        "In-Reply-To": message.content?.inReplyTo.map((id) => <Id key={id} id={id} />),
        Recipients:
          recipients &&
          Object.entries(recipients).map(([recipient, { status, error }]) => (
            <div key={recipient}>
              <Said>{recipient}</Said> <State state={status} /> {error && <Said>{error.message}</Said>}
            </div>
          )),
      }}
    />
  );
}
