import { adminOperations } from "../../http/admin/operations.ts";
import { nothingAt } from "../../http/problem.ts";
import type { Calls } from "../calls.ts";

/** What is done by a form: how it is called, and the page to which it leads back. */
interface Deed {
  title: string;
  /** `{id}` is that of the form's path. */
  back: string;
  /** Nothing takes it back: a button of it asks first. */
  isFinal?: true;
  /** The first thing to do. */
  isMain?: true;
  /** Without fields, too, what came of it is worth to be seen. */
  isTold?: true;
  /** Of what may be left out that which most need: the rest is folded. */
  shownFirst?: string[] | undefined;
  /** Fields that another deed is for. */
  without?: string[];
}

export type DeedId = keyof Calls & keyof typeof adminOperations;

const mappings = "/console/mappings";
const mapping = `${mappings}/{id}`;
const location = "/console/locations/{locationId}";
const discarding: Omit<Deed, "title"> = { back: "/console/problems", isFinal: true, without: ["cursor"] };
const list = (name: string) => `/console/lists/${name}`;
const whoIsWho = `${list("conversations")}?id={id}`;

/** By the operation's id. What is not here has a page of its own. */
const deeds: Partial<Record<DeedId, Deed>> = {
  createMapping: { title: "Add a number or mailbox", back: mappings, shownFirst: ["conversationProviderId"] },
  changeMapping: { title: "Change the mapping", back: mapping, without: ["credentials"] },
  pauseMapping: { title: "Pause it", back: mapping },
  resumeMapping: { title: "Resume it", back: mapping },
  deleteMapping: { title: "Remove the mapping", back: mappings, isFinal: true },
  importMappings: { title: "Import mappings", back: mappings },
  previewWebhook: { title: "Playground", back: mapping, shownFirst: ["body", "fixture"] },
  sendTest: { title: "Send a test", back: mapping },
  putConversation: { title: "Say who it is in HighLevel", back: whoIsWho },
  deleteConversation: { title: "Forget who it is in HighLevel", back: whoIsWho, isFinal: true },
  putLocation: { title: "Connect a location", back: location },
  resumeLocation: { title: "Resume", back: location },
  deleteLocation: { title: "Remove the location", back: "/console/locations", isFinal: true },
  createAccount: { title: "Add an account", back: list("accounts") },
  changeAccount: { title: "Change the account", back: list("accounts") },
  deleteAccount: { title: "Remove the account", back: list("accounts"), isFinal: true },
  createEndpoint: { title: "Add an endpoint", back: list("endpoints") },
  changeEndpoint: { title: "Change the endpoint", back: list("endpoints") },
  testEndpoint: { title: "Test it", back: list("endpoints"), isTold: true },
  deleteEndpoint: { title: "Remove the endpoint", back: list("endpoints"), isFinal: true },
  putOptOut: { title: "Enter an opt-out", back: list("opt-outs") },
  liftOptOut: { title: "Lift the opt-out", back: list("opt-outs"), isFinal: true },
  importOptOuts: { title: "Import opt-outs", back: list("opt-outs") },
  createKey: { title: "Make a key", back: list("keys") },
  changeKey: { title: "Change the key", back: list("keys") },
  revokeKey: { title: "Revoke the key", back: list("keys"), isFinal: true },
  createProvider: { title: "Declare a provider", back: list("providers") },
  putProvider: { title: "Change the declaration", back: list("providers") },
  deleteProvider: { title: "Remove the declaration", back: list("providers"), isFinal: true },
  putApp: { title: "Enter the marketplace app", back: "/console/first-steps" },
  deleteApp: { title: "Forget the marketplace app", back: "/console/settings", isFinal: true },
  beginHold: { title: "Hold all sends", back: "/console/settings", isFinal: true },
  endHold: { title: "End the hold", back: "/console/settings", isFinal: true },
  erasePerson: { title: "Erase a person", back: "/console/messages", isFinal: true, isTold: true },
  createImport: { title: "Import messages of before", back: list("imports") },
  importHistory: { title: "Import what the provider keeps", back: list("imports") },
  pauseImport: { title: "Pause it", back: list("imports") },
  resumeImport: { title: "Resume it", back: list("imports") },
  stopImport: { title: "Stop it", back: list("imports"), isFinal: true },
  stopReplay: { title: "Stop it", back: "/console/replays/{id}" },
  replayDelivery: { title: "Replay", back: "/console/messages/{messageId}", isMain: true },
  discardDelivery: { title: "Discard it", back: "/console/problems", isFinal: true },
  discardDeliveries: { title: "Discard what was given up", ...discarding },
  discardWebhooks: { title: "Discard what was not understood", ...discarding },
  discardWebhook: { title: "Discard it", back: "/console/webhooks/{id}", isFinal: true },
  replayWebhook: { title: "Read it again", back: "/console/webhooks/{id}" },
};

/** Throws a 404 for what is none. */
export function requireDeed(id: string) {
  const deed = Object.hasOwn(deeds, id) ? deeds[id as DeedId] : undefined;
  if (!deed) throw nothingAt(`/console/do/${id}`);
  return { ...deed, id: id as DeedId, operation: adminOperations[id as DeedId] };
}

/** The names in a path's braces. */
export const paramsOf = (path: string): string[] => [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);

export const fill = (path: string, values: Record<string, unknown>): string =>
  path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(values[name] ?? "")));
