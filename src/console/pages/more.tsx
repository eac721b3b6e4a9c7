import { kinds } from "../../advice/kinds.ts";
import { describeSpan } from "../../advice/spans.ts";
import type { Caller } from "../../http/caller.ts";
import type { BodyOf, WholeMessage } from "../calls.ts";
import { Said, Time } from "../frame/parts.tsx";
import { PostedWebhook } from "./webhooks.tsx";

interface MoreProps {
  message: WholeMessage;
  /** What was asked for of these: it is long, or has to be made. */
  show: string | undefined;
  webhook: BodyOf<"getWebhook", 200> | undefined;
  posted: BodyOf<"getMessage", 200>["posted"];
}

/** What there is of a message that the caller may look at, by the name of its tab. */
export function tabsOf({ content, webhooks: [first], deliveries }: WholeMessage, { access, isInside }: Caller) {
  const mayRead = access !== "metadata";
  return {
    HTML: mayRead && content?.html,
    Webhook: mayRead && !isInside && first,
    Posted: mayRead && deliveries[0],
    JSON: true,
  };
}

/** Tabs that are links; the HTML of an email stands in a frame without scripts, forms and network. */
export function More({ message, show, webhook, posted, caller }: MoreProps & { caller: Caller }) {
  const tabs = tabsOf(message, caller);
  const names = Object.entries(tabs).flatMap(([name, part]) => (part ? name : []));
  const to = (name: string) => `/console/messages/${message.id}?show=${name}#more`;
  return (
    <>
      <nav class="tabs" id="more" aria-label="More of it">
        {names.map((name) => (
          <a key={name} href={to(name)} aria-current={name === show ? "true" : undefined}>
            {name}
          </a>
        ))}
      </nav>
      {show === "HTML" && tabs.HTML && <iframe title="The email's HTML" sandbox="" srcDoc={tabs.HTML} />}
      {webhook && <PostedWebhook webhook={webhook} />}
      {posted && tabs.Posted && <Told calls={posted} />}
      {show === "JSON" && <pre tabIndex={0}>{JSON.stringify(message, null, 2)}</pre>}
    </>
  );
}

/** What HighLevel is told of a message, and what it answered. */
function Told({ calls }: { calls: NonNullable<MoreProps["posted"]> }) {
  if (calls.length === 0) return <p>HighLevel is told nothing for it.</p>;
  return (
    <>
      <p class="hint">It is composed anew of what is kept: what was posted is not kept word by word.</p>
      {calls.map(({ kind, method, path, body, attempts }) => (
        <section key={kind}>
          <h3>{kinds[kind]}</h3>
          <pre tabIndex={0}>{`${method} ${path}\n\n${JSON.stringify(body, null, 2)}`}</pre>
          <ul>
            {attempts.map(({ startedAt, durationMs, outcome, status, detail }, index) => (
              <li key={String(index)}>
                <Time at={startedAt} />: {status ?? "no answer"} in {describeSpan(durationMs)}, {outcome}.{" "}
                <Said>{detail}</Said>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </>
  );
}
