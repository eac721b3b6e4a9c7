import type { BodyOf, Calls } from "../calls.ts";
import { Deeds } from "../forms/deed-buttons.tsx";
import type { DeedId } from "../forms/deeds.ts";
import type { Ask, Page } from "../frame/answer.ts";
import { Action, Ways, Words } from "../frame/parts.tsx";
import { StoryItem } from "../frame/story.tsx";
import type { Tone } from "../words/states.ts";

const byApp = { "Connect by the app": "/oauth/install" };

/** By the check: how it is called here, and what to press. */
const steps: Record<string, { title: string; deeds?: DeedId[]; ways?: Record<string, string> }> = {
  publicUrl: { title: "An address that others reach" },
  app: { title: "The app in HighLevel's marketplace", deeds: ["putApp"] },
  location: { title: "A location", deeds: ["putLocation"], ways: byApp },
  pause: { title: "Nothing holds it up", ways: { "The locations": "/console/locations" } },
  token: { title: "Its token", ways: byApp, deeds: ["putLocation"] },
  scopes: { title: "What the token may do", ways: byApp },
  mapping: { title: "A number or mailbox", deeds: ["createMapping"] },
  webhook: { title: "The provider's first webhook", ways: { "Its URL, and a test": "/console/mappings" } },
  inHighlevel: { title: "A message in HighLevel", ways: { "The problems": "/console/problems" } },
  deliveryUrl: { title: "HighLevel calls the delivery URL", ways: { "The URL": "/console/mappings" } },
  sent: { title: "An answer is sent", ways: { "The messages": "/console/messages" } },
  receipt: { title: "The provider tells what became of it" },
};

const words: Record<string, [word: string, tone: Tone]> = {
  ok: ["done", "ok"],
  warning: ["later", "quiet"],
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
          <p class="lead" data-renew="">
            {isDone ? "All is connected, and messages go both ways." : "From here to a message that goes both ways."}
          </p>
          {body.sandboxUrl !== undefined && <Sandbox url={body.sandboxUrl} />}
          <ol class="story" data-renew="/console/live/events">
            {body.checks.map((found, index) => (
              <Step key={found.check} {...{ caller, found }} isNext={index === next} />
            ))}
          </ol>
          {body.mayTry && (
            <section class="card">
              <h2>Play it through first</h2>
              <p>
                Another bridge starts on this machine, with a sandbox in HighLevel's and Twilio's place and a database
                of its own. It needs no account, and is gone with this process.
              </p>
              <Action to="/console/first-steps/trial" kind="primary">
                Play it through in the sandbox
              </Action>
            </section>
          )}
        </>
      ),
    };
  };
}

interface StepProps {
  caller: Ask["caller"];
  found: BodyOf<"checkFirstSteps", 200>["checks"][number];
  isNext: boolean;
}

/** Of what comes later only its name. */
function Step({ caller, found: { check, state, detail, advice }, isNext }: StepProps) {
  const { title, deeds = [], ways } = steps[check] ?? { title: check };
  const [word, tone] = words[state] ?? [state, "quiet"];
  const isOpen = isNext || state === "failure";
  return (
    <StoryItem
      tone={isNext || state !== "warning" ? tone : "quiet"}
      what={title}
      word={<span class={`state ${isNext ? "busy" : tone}`}>{isNext ? "next" : word}</span>}
      detail={(isOpen || state === "ok") && <Words>{detail}</Words>}
      hint={isOpen ? advice : undefined}
    >
      {isOpen && (
        <div class="actions">
          {ways && <Ways to={ways} primary={Object.keys(ways)[0]} />}
          <Deeds caller={caller} deeds={deeds} about={{}} />
        </div>
      )}
    </StoryItem>
  );
}

/** What stands around a trial. */
function Sandbox({ url }: { url: string }) {
  return (
    <section class="card">
      <h2>The sandbox</h2>
      <p>
        It stands in for HighLevel and Twilio: the phone has a number for you, which it fills in here by a link, and a
        person who writes to it.
      </p>
      <Ways isApart to={{ "The phone": `${url}/phone`, "The inbox": url }} />
    </section>
  );
}

/** `POST /console/first-steps/trial`: starts it. A form may lead nowhere but here, so there are links to press. */
export function startTrial(calls: Calls): Page {
  return async ({ caller }) => {
    const { consoleUrl, sandboxUrl } = (await calls.startTrial(caller)).body;
    return {
      title: "The trial is up",
      body: (
        <>
          <p>
            Its console has first steps of its own: connect the sandbox's location there, and a number of its phone.
          </p>
          <Ways primary="Open the trial's console" to={{ "Open the trial's console": consoleUrl }} />
          <Sandbox url={sandboxUrl} />
        </>
      ),
    };
  };
}
