import type { ComponentChildren } from "preact";
import { reasons } from "../../advice/reasons.ts";
import type { FailureReason } from "../../errors.ts";
import type { Calls, Location } from "../calls.ts";
import { Deeds } from "../forms/deed-buttons.tsx";
import { hrefWith, type Page } from "../frame/answer.ts";
import { Filters, List } from "../frame/list.tsx";
import { Facts, Id, Said, SaidLink, Time, Ways, Why } from "../frame/parts.tsx";
import { Findings } from "../frame/story.tsx";

const path = "/console/locations";
const choices = [{ name: "paused", label: "Paused", words: ["true", "false"] }];
const hrefOf = (id: string) => `${path}/${encodeURIComponent(id)}`;

/** `GET /console/locations`: whose tokens work, and to which nothing goes. */
export function locationsPage(calls: Calls): Page {
  return async ({ caller, query }) => {
    const { body: page } = await calls.listLocations(caller, { query });
    return {
      title: "Locations",
      body: (
        <>
          {caller.access === "write" && (
            <p>
              Connect one by the marketplace app, at <a href="/oauth/install">/oauth/install</a>; or with a private
              integration token:
            </p>
          )}
          <Deeds caller={caller} deeds={["putLocation"]} about={{}} />
          <Filters {...{ path, query, choices }} />
          <List
            {...{ path, query, page, columns }}
            keyOf={({ id }) => id}
            empty={<p>No location is connected yet.</p>}
          />
        </>
      ),
    };
  };
}

const columns: Record<string, (location: Location) => ComponentChildren> = {
  Location: ({ id, name }) => <SaidLink to={hrefOf(id)}>{name ?? id}</SaidLink>,
  Id: ({ id }) => id,
  State: ({ paused, auth }) => <Light paused={paused} auth={auth} />,
  "Token by": ({ auth }) => auth,
  "Token ends": ({ tokenExpiresAt }) => <Time at={tokenExpiresAt} />,
  "Calls left today": ({ callsLeftToday }) => callsLeftToday.toLocaleString("en"),
  Waiting: ({ waiting: { count, isAll } }) => `${count}${isAll ? "" : " or more"}`,
};

type Connected = Pick<Location, "id" | "auth"> & { reason: FailureReason | undefined };

/** Where it gets another token; nowhere while that would not help. */
export function reconnectAt({ id, auth, reason }: Connected) {
  if (auth !== null && reason !== "unauthorized" && reason !== "needs_reauthorization") return false;
  return auth === "token" ? hrefWith("/console/do/putLocation", { locationId: id }) : "/oauth/install";
}

function Light({ paused, auth }: Pick<Location, "paused" | "auth">) {
  if (paused) return <span class="state bad">paused: {paused.reason}</span>;
  return auth === null ? <span class="state bad">no token</span> : <span class="state ok">goes on</span>;
}

/** `GET /console/locations/{id}`: its token, whether it is paused and why, and what to press. */
export function locationPage(calls: Calls): Page {
  return async ({ caller, params, query }) => {
    const { body: location } = await calls.getLocation(caller, { params });
    const { id, name, auth, companyId, tokenExpiresAt, paused, waiting, createdAt, updatedAt } = location;
    const checked = query["check"] === undefined ? undefined : (await calls.checkLocation(caller, { params })).body;
    return {
      title: name ?? id,
      head: (
        <div class="head">
          <h1>
            <Said>{name ?? id}</Said>
          </h1>
          <Light paused={paused} auth={auth} />
        </div>
      ),
      body: (
        <>
          {paused && (
            <section class="card bad">
              <h2>Nothing goes to it: {paused.reason}</h2>
              <Why detail={paused.detail} {...reasons[paused.reason]} />
              {paused.until && (
                <p>
                  It goes on by itself <Time at={paused.until} />.
                </p>
              )}
              <Deeds caller={caller} deeds={["resumeLocation"]} about={{ locationId: id }} />
            </section>
          )}
          <Facts
            facts={{
              Id: <Id id={id} />,
              "Token by": auth,
              Agency: companyId && <Id id={companyId} />,
              "Token ends": tokenExpiresAt && <Time at={tokenExpiresAt} />,
              "Calls left today": location.callsLeftToday.toLocaleString("en"),
              Waiting: [waiting.count, waiting.oldestAt && [" since ", <Time key="since" at={waiting.oldestAt} />]],
              Connected: <Time at={createdAt} />,
              Changed: <Time at={updatedAt} />,
            }}
          />
          <Ways
            primary="Reconnect"
            to={{
              Reconnect: caller.access === "write" && reconnectAt({ id, auth, reason: paused?.reason }),
              "Ask HighLevel": `${hrefOf(id)}?check=true`,
              "Its messages": `/console/messages?locationId=${encodeURIComponent(id)}`,
              "Its mappings": `/console/mappings?locationId=${encodeURIComponent(id)}`,
            }}
          />
          {checked && (
            <>
              <h2>What HighLevel says</h2>
              <Findings checks={checked.checks} />
            </>
          )}
          <h2>What to do</h2>
          <Deeds caller={caller} deeds={["putLocation", "deleteLocation"]} about={{ locationId: id }} />
        </>
      ),
    };
  };
}
