import type { ComponentChildren } from "preact";
import type { AuditEntry, Calls, Key } from "../calls.ts";
import { type Ask, hrefWith, type Page, withoutEmpty } from "../frame/answer.ts";
import { describeReach } from "../frame/document.tsx";
import { Field } from "../frame/field.tsx";
import { List } from "../frame/list.tsx";
import { Action, Facts, Id, Said, Time } from "../frame/parts.tsx";
import { Complaint, tryTo } from "../frame/try.tsx";

const path = "/console/settings";

/** `GET /console/settings`: what this key reaches and has done; for the operator keys and how the process is set, too. */
export function settingsPage(calls: Calls): Page {
  return async (ask) => {
    const { caller, query: given } = ask;
    const query = withoutEmpty(given);
    const { body: page } = await calls.listAudit(caller, { query });
    return {
      title: "Settings",
      body: (
        <>
          <h1>Settings</h1>
          <p>
            You are {caller.who}. {describeReach(caller)}.
          </p>
          {caller.who === "admin" && <Operator {...(await readOperator(calls, ask))} />}
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
  About: ({ ids }) => (
    <Said>
      {Object.entries(ids)
        .map(([name, id]) => `${name} ${id}`)
        .join(", ")}
    </Said>
  ),
};

async function readOperator(calls: Calls, { caller }: Ask) {
  return { status: (await calls.getStatus(caller)).body, keys: (await calls.listKeys(caller)).body.items };
}

function Operator({ status, keys }: Awaited<ReturnType<typeof readOperator>>) {
  const { version, node, startedAt, database, settings, standing } = status;
  return (
    <>
      <h2>Keys of integrators</h2>
      {keys.length > 0 && <Keys keys={keys} />}
      <h2>Make a key</h2>
      <KeyForm given={{}} />
      <h2>This process</h2>
      <Facts
        facts={{
          Version: `${version}, on Node ${node}`,
          Started: <Time at={startedAt} />,
          Database: `${database.version}, ${database.migrations} migrations`,
          "Sends held": standing.sendsHeldSince && <Time at={standing.sendsHeldSince} />,
        }}
      />
      <details>
        <summary>Its configuration</summary>
        <Facts facts={settings} />
      </details>
    </>
  );
}

function Keys({ keys }: { keys: Key[] }) {
  return (
    <div class="table" tabIndex={0} role="region" aria-label="Keys">
      <table>
        <thead>
          <tr>
            {["Name", "Reaches", "May", "Used last", "Ends", ""].map((name) => (
              <th key={name} scope="col">
                {name || <span class="skip">What to do</span>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {keys.map(({ id, name, locationIds, access, lastUsedAt, expiresAt, revokedAt }) => (
            <tr key={id}>
              <td>
                <Said>{name}</Said> <span class="faint">key {id}</span>
              </td>
              <td>{locationIds?.join(", ") ?? "all locations"}</td>
              <td>{access}</td>
              <td>{lastUsedAt ? <Time at={lastUsedAt} /> : "never"}</td>
              <td>{expiresAt ? <Time at={expiresAt} /> : "never"}</td>
              <td>
                {revokedAt ? (
                  <span class="state">revoked</span>
                ) : (
                  <Action to={`${path}/keys/${id}/revoke`}>Revoke {name}</Action>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function KeyForm({ given }: { given: Record<string, string> }) {
  return (
    <form class="fields" method="post" action={`${path}/keys`}>
      <Field name="name" label="Name" help="Whose it is." value={given["name"]} isRequired />
      <Field
        name="locationIds"
        label="Locations"
        help="Their ids, separated by commas. It reaches all where there are none."
        value={given["locationIds"]}
      />
      <Field name="access" label="May" choices={["read", "write"]} value={given["access"]} isRequired />
      <div class="actions">
        <button type="submit" class="primary">
          Make it
        </button>
      </div>
    </form>
  );
}

/** `POST /console/settings/keys`: the key is shown now, and never again. */
export function createKey(calls: Calls): Page {
  return async ({ caller, form }) => {
    const { locationIds, ...given } = withoutEmpty(form);
    const list = locationIds?.split(",").map((id) => id.trim());
    const tried = await tryTo(calls.createKey(caller, { body: { ...given, ...(list ? { locationIds: list } : {}) } }));
    if ("problem" in tried)
      return {
        title: "Make a key",
        status: tried.problem.status,
        body: (
          <>
            <h1>Make a key</h1>
            <Complaint problem={tried.problem} />
            <KeyForm given={form} />
          </>
        ),
      };
    const { name, key } = tried.done.body;
    return {
      title: "A new key",
      body: (
        <>
          <h1>
            The key of <Said>{name}</Said>
          </h1>
          <p>It is shown now, and never again: only its hash is kept.</p>
          <p>
            <Id id={key} />
          </p>
          <p>
            <a href={path}>To the settings</a>
          </p>
        </>
      ),
    };
  };
}

/** `POST /console/settings/keys/{id}/revoke`. */
export function revokeKey(calls: Calls): Page {
  return async ({ caller, params }) => {
    await calls.revokeKey(caller, { params });
    return { to: hrefWith(path) };
  };
}
