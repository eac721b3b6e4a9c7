import type { Problem } from "../../http/problem.ts";
import { adapterOf, offeredNames } from "../../providers/registry.ts";
import type { Calls } from "../calls.ts";
import { type Page, withoutEmpty } from "../frame/answer.ts";
import { Field } from "../frame/field.tsx";
import { Findings } from "../frame/findings.tsx";
import { Complaint, tryTo } from "../frame/try.tsx";
import { Urls } from "./mappings.tsx";

const path = "/console/mappings";
/** In the form's names, so that no field of a provider meets one of ours. */
const prefix = "credentials.";

/** `GET /console/mappings/new?provider=`: first which provider, then a form made of what the adapter says of itself. */
export function newMappingPage(): Page {
  return async ({ query }) => ({
    title: "Add a number or mailbox",
    body: <NewMapping provider={query["provider"] ?? ""} given={query} problem={undefined} />,
  });
}

/** `POST /console/mappings`: makes it, and shows what to paste where, and whether both sides take it. */
export function createMapping(calls: Calls): Page {
  return async ({ caller, form }) => {
    const given = withoutEmpty(form);
    const fields = Object.entries(given).filter(([name]) => !name.startsWith(prefix));
    const body = { ...Object.fromEntries(fields), credentials: credentialsOf(given) };
    const tried = await tryTo(calls.createMapping(caller, { body }));
    if ("problem" in tried) {
      const { problem } = tried;
      return {
        title: "Add a number or mailbox",
        status: problem.status,
        body: <NewMapping provider={given["provider"] ?? ""} given={given} problem={problem} />,
      };
    }
    const mapping = tried.done.body;
    const { checks = [], replayed = 0 } = mapping;
    return {
      title: mapping.address,
      body: (
        <>
          <h1>{mapping.address} is mapped</h1>
          <Urls mapping={mapping} />
          <p class="hint">{adapterOf(mapping.provider)?.pasteAt}</p>
          {replayed > 0 && <p>{replayed} webhooks that had come for it before are read again.</p>}
          {checks.length > 0 && <h2>What both sides say</h2>}
          <Findings checks={checks} />
          <p>
            <a href={`${path}/${mapping.id}`}>To the mapping</a>
          </p>
        </>
      ),
    };
  };
}

const credentialsOf = (given: Record<string, string>) =>
  Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [],
    ),
  );

interface NewMappingProps {
  provider: string;
  given: Record<string, string>;
  problem: Problem | undefined;
}

function NewMapping({ provider, given, problem }: NewMappingProps) {
  return (
    <>
      <h1>Add a number or mailbox</h1>
      <Complaint problem={problem} />
      <form class="filters" method="get" action={`${path}/new`}>
        <label>
          Provider
          <select name="provider">
            {offeredNames().map((name) => (
              <option key={name} value={name} selected={name === provider}>
                {adapterOf(name)?.label ?? name} ({adapterOf(name)?.channel})
              </option>
            ))}
          </select>
        </label>
        <button type="submit">Choose</button>
      </form>
      {adapterOf(provider) && <MappingForm provider={provider} given={given} />}
    </>
  );
}

function MappingForm({ provider, given }: Omit<NewMappingProps, "problem">) {
  const adapter = adapterOf(provider);
  if (!adapter) return null;
  const isEmail = adapter.channel === "email";
  return (
    <form class="fields" method="post" action={path}>
      <input type="hidden" name="provider" value={provider} />
      <Field
        name="address"
        label={isEmail ? "Mailbox" : "Number"}
        help={isEmail ? "As in support@example.com, or *@example.com for the whole domain." : "As in +15005550006."}
        value={given["address"]}
        isRequired
      />
      <Field name="locationId" label="Location's id" value={given["locationId"]} isRequired />
      <Field
        name="conversationProviderId"
        label="Conversation provider's id"
        help="From HighLevel's app. Left out for the location's default provider."
        value={given["conversationProviderId"]}
      />
      <Field name="name" label="Name" help="For you alone." value={given["name"]} />
      <h2>Credentials at {adapter.label}</h2>
      {adapter.credentialFields.map(({ name, label, help, need, isSecret, choices }) => (
        <Field
          key={name}
          name={`${prefix}${name}`}
          {...{ label, isSecret, choices, isRequired: need === "always" }}
          help={need === "to send" ? `${help} Needed to send.` : help}
          value={given[`${prefix}${name}`]}
        />
      ))}
      <div class="actions">
        <button type="submit" class="primary">
          Add it
        </button>
      </div>
    </form>
  );
}
