import type { ComponentChildren } from "preact";
import { describeReach } from "../../advice/reach.ts";
import { asWritten } from "../../http/openapi/form-fields.ts";
import type { AuditEntry, BodyOf, Calls } from "../calls.ts";
import { Deeds } from "../forms/deed-buttons.tsx";
import type { Ask, Page } from "../frame/answer.ts";
import { List } from "../frame/list.tsx";
import { Facts, Said, Time, Ways } from "../frame/parts.tsx";

const path = "/console/settings";

/** `GET /console/settings`: what this key reaches and has done; for the operator keys and how the process is set, too. */
export function settingsPage(calls: Calls): Page {
  return async ({ caller, query }) => {
    const isOperator = caller.who === "admin";
    const asked = [calls.listAudit(caller, { query }), isOperator && calls.getStatus(caller)] as const;
    const [{ body: page }, status] = await Promise.all(asked);
    return {
      title: "Settings",
      body: (
        <>
          <p>
            You are {caller.who}. {describeReach(caller)}.
          </p>
          <Ways
            to={{
              "First steps": "/console/first-steps",
              Endpoints: "/console/lists/endpoints",
              Keys: isOperator && "/console/lists/keys",
              Providers: isOperator && "/console/lists/providers",
            }}
          />
          {status && <Operator caller={caller} status={status.body} />}
          <h2>Who changed what</h2>
          <List {...{ path, query, page, columns }} keyOf={({ id }) => id} empty={<p>Nothing was changed yet.</p>} />
        </>
      ),
    };
  };
}

const columns: Record<string, (entry: AuditEntry) => ComponentChildren> = {
  When: ({ at }) => <Time at={at} />,
  Who: ({ who }) => who,
  What: ({ method, route }) => `${method} ${route ?? "a route that there is not"}`,
  Status: ({ status }) => <span class={`state ${status < 400 ? "ok" : "bad"}`}>{status}</span>,
  About: ({ ids }) => <Said>{asWritten(Object.entries(ids).map((each) => each.join(" ")))}</Said>,
};

function Operator({ caller, status }: { caller: Ask["caller"]; status: BodyOf<"getStatus", 200> }) {
  const { version, node, startedAt, database, settings, standing } = status;
  return (
    <>
      <h2>This process</h2>
      <Facts
        facts={{
          Version: `${version}, on Node ${node}`,
          Started: <Time at={startedAt} />,
          Database: `${database.version}, ${database.migrations} migrations`,
          "Sends held": standing.sendsHeldSince && <Time at={standing.sendsHeldSince} />,
        }}
      />
      <Deeds
        caller={caller}
        deeds={[standing.sendsHeldSince ? "endHold" : "beginHold", "putApp", "deleteApp"]}
        about={{}}
      />
      <details>
        <summary>Its configuration</summary>
        <Facts facts={settings} />
      </details>
    </>
  );
}
