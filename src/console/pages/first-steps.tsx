import type { Calls } from "../calls.ts";
import { Deeds } from "../forms/deed-buttons.tsx";
import type { DeedId } from "../forms/deeds.ts";
import type { Page } from "../frame/answer.ts";
import { Said, Ways } from "../frame/parts.tsx";
import type { Tone } from "../words/states.ts";

/** By the check: how it is called here, and what to press. */
const steps: Record<string, { title: string; deeds?: DeedId[]; ways?: Record<string, string> }> = {
  publicUrl: { title: "An address that others reach" },
  app: { title: "The app in HighLevel's marketplace", deeds: ["putApp"] },
  location: {
    title: "A location",
    deeds: ["putLocation"],
    ways: { "Connect by the app": "/oauth/install" },
  },
  pause: { title: "Nothing holds it up", ways: { "The locations": "/console/locations" } },
  token: { title: "Its token", ways: { "Connect by the app": "/oauth/install" }, deeds: ["putLocation"] },
  scopes: { title: "What the token may do", ways: { "Connect by the app": "/oauth/install" } },
  mapping: { title: "A number or mailbox", deeds: ["createMapping"] },
  webhook: { title: "The provider's first webhook", ways: { "Its URL, and a test": "/console/mappings" } },
  inHighlevel: { title: "A message in HighLevel", ways: { "The problems": "/console/problems" } },
  deliveryUrl: { title: "HighLevel calls the delivery URL", ways: { "The URL": "/console/mappings" } },
  sent: { title: "An answer is sent", ways: { "The messages": "/console/messages" } },
  receipt: { title: "The provider tells what became of it" },
};

const words: Record<string, [word: string, tone: Tone]> = {
  ok: ["done", "ok"],
  warning: ["to do", "busy"],
  failure: ["wrong", "bad"],
};

/** `GET /console/first-steps`: each step with what was seen of it. What happens meanwhile shows by itself. */
export function firstStepsPage(calls: Calls): Page {
  return async ({ caller }) => {
    const { body } = await calls.checkFirstSteps(caller);
    const isDone = body.checks.every(({ state }) => state === "ok");
    const next = body.checks.findIndex(({ state }) => state !== "ok");
    return {
      title: "First steps",
      body: (
        <>
          <h1>First steps</h1>
          <p class="lead">
            {isDone ? "All is connected, and messages go both ways." : "From here to a message that goes both ways."}
          </p>
          <ol class="story" data-renew="/console/live/events">
            {body.checks.map(({ check, state, detail, advice }, index) => {
              const { title, deeds = [], ways = {} } = steps[check] ?? { title: check };
              const [word, tone] = words[state] ?? [state, "quiet"];
              return (
                <li key={check} class={tone}>
                  <span class="what">{title}</span> <span class={`state ${tone}`}>{word}</span>
                  <div>
                    <Said>{detail}</Said>
                  </div>
                  {advice && <div class="hint">{advice}</div>}
                  {(index === next || state === "failure") && (
                    <>
                      <Deeds caller={caller} deeds={deeds} about={{}} />
                      <Ways to={ways} />
                    </>
                  )}
                </li>
              );
            })}
          </ol>
        </>
      ),
    };
  };
}
