import { adminOperations } from "../../http/admin/operations.ts";
import { asWritten, labelOf } from "../../http/openapi/form-fields.ts";
import type { Json } from "../../http/openapi/schemas.ts";
import { nothingAt } from "../../http/problem.ts";
import type { Calls } from "../calls.ts";
import { Deeds } from "../forms/deed-buttons.tsx";
import { type DeedId, paramsOf } from "../forms/deeds.ts";
import { Value } from "../forms/outcome.tsx";
import type { Page } from "../frame/answer.ts";
import { type Choice, Filters, List } from "../frame/list.tsx";

interface Collection {
  title: string;
  about: string;
  list:
    | ("listAccounts" | "listEndpoints" | "listOptOuts" | "listKeys" | "listProviders" | "listConversations")
    | ("listReplays" | "listImports");
  columns: string[];
  choices?: Choice[];
  /** What is done to all, and to each. */
  deeds: DeedId[];
  each: DeedId[];
  /** Where each has a page of its own, by its id. */
  page?: string;
}

const collections: Record<string, Collection> = {
  accounts: {
    title: "Accounts",
    about: "What somebody has at a provider: its credentials are those of all the numbers and mailboxes in it.",
    ...{ list: "listAccounts", columns: ["name", "provider", "locationIds", "id", "webhookUrl"] },
    ...{ deeds: ["createAccount"], each: ["changeAccount", "deleteAccount"] },
  },
  endpoints: {
    title: "Endpoints",
    about: "URLs of yours that are told what happens, by signed webhooks.",
    ...{ list: "listEndpoints", columns: ["name", "url", "events", "format", "locationIds"] },
    ...{ deeds: ["createEndpoint"], each: ["changeEndpoint", "testEndpoint", "deleteEndpoint"] },
  },
  "opt-outs": {
    title: "Opt-outs",
    about: "Who is not to be written to, by location and channel.",
    ...{ list: "listOptOuts", columns: ["address", "channel", "locationId", "description", "optedOutAt", "liftedAt"] },
    choices: [
      { name: "address", label: "Person", placeholder: "phone or mailbox" },
      { name: "channel", label: "Channel", words: ["sms", "email", "whatsapp", "gmb", "fb"] },
      { name: "lifted", label: "Lifted, too", words: ["true", "false"] },
    ],
    ...{ deeds: ["putOptOut", "importOptOuts"], each: ["liftOptOut"] },
  },
  keys: {
    title: "Keys of integrators",
    about: "What a key reaches by the API it reaches in the console, too.",
    ...{ list: "listKeys", columns: ["name", "id", "locationIds", "access", "lastUsedAt", "expiresAt", "revokedAt"] },
    ...{ deeds: ["createKey"], each: ["changeKey", "revokeKey"] },
  },
  providers: {
    title: "Declared providers",
    about: "Providers that a document describes.",
    ...{ list: "listProviders", columns: ["name", "document", "updatedAt"] },
    ...{ deeds: ["createProvider"], each: ["putProvider", "deleteProvider"] },
  },
  replays: {
    title: "Replays",
    about: "What was done again of what was given up, or not understood.",
    ...{ list: "listReplays", columns: ["id", "state", "filter", "counted", "replayed", "createdAt", "finishedAt"] },
    ...{ deeds: [], each: [], page: "/console/replays" },
  },
  imports: {
    title: "Imports",
    about: "What was before the bridge, brought into HighLevel.",
    ...{ list: "listImports", columns: ["id", "mappingId", "state", "reason", "lines", "refused", "people", "begun"] },
    ...{ deeds: ["createImport", "importHistory"], each: ["resumeImport", "pauseImport", "stopImport"] },
  },
  conversations: {
    title: "Conversations",
    about: "Who is which conversation at this mapping.",
    ...{ list: "listConversations", columns: ["address", "contactId", "conversationId", "updatedAt"] },
    ...{ deeds: ["putConversation"], each: ["deleteConversation"] },
  },
};

/** `GET /console/lists/{name}`: what there is of a kind, and what can be done with it. */
export function collectionPage(calls: Calls): Page {
  return async ({ caller, params, query }) => {
    const { name = "" } = params;
    const collection = Object.hasOwn(collections, name) ? collections[name] : undefined;
    if (!collection) throw nothingAt(`/console/lists/${name}`);
    const path = `/console/lists/${name}`;
    const { title, about, list, columns, choices, deeds, each, page: own } = collection;
    const ofPath = paramsOf(adminOperations[list].path);
    const sought = Object.entries(query).filter(([name]) => !ofPath.includes(name));
    const { body: page } = await calls[list](caller, { params: query, query: Object.fromEntries(sought) });
    const items = page.items.map((item): Json => ({ ...query, ...item }));
    const shown = columns.map((column) => [
      labelOf(column),
      (item: Json) =>
        own && column === "id" ? (
          <a href={`${own}/${item[column]}`}>{asWritten(item[column])}</a>
        ) : (
          <Value name={column} value={item[column]} />
        ),
    ]);
    const todo = (item: Json) => (
      <Deeds caller={caller} deeds={item["revokedAt"] || item["liftedAt"] ? [] : each} about={item} />
    );
    return {
      title,
      body: (
        <>
          <p>{about}</p>
          <Deeds caller={caller} deeds={deeds} about={query} />
          {choices && <Filters {...{ path, query, choices }} />}
          <List
            path={path}
            // Without a filter and a further page there is nothing to take away.
            query={sought.length === 0 && page.nextCursor === null ? {} : query}
            page={{ ...page, items }}
            columns={{
              ...Object.fromEntries(shown),
              ...(each.length > 0 && caller.access === "write" ? { "What to do": todo } : {}),
            }}
            keyOf={(item) => asWritten(item["id"] ?? item["name"])}
            empty={<p>There is none yet.</p>}
          />
        </>
      ),
    };
  };
}
