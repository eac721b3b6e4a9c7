import type { Log } from "../log.ts";
import { type CallApi, callStandIns, createCallApi } from "./call-api.ts";
import { createFetchFile, createFetchWhole, type FetchFile, type FetchWhole } from "./fetch-file.ts";
import { createImap, type OpenMailboxOf } from "./mail/imap.ts";
import { createSmtp } from "./mail/smtp.ts";
import { createTokens, fetchWithTokens, withTokens } from "./oauth/with-tokens.ts";
import { createTargets } from "./targets.ts";

/** The ways out: to HighLevel, to providers or their stand-ins, and to wherever a file is said to lie. */
export interface Doors {
  /** To HighLevel. */
  callApi: CallApi;
  /** To providers, servers of mail among them. An integrator's own may be anywhere, as long as its address is public. */
  callProvider: CallApi;
  /** To mailboxes, which may be anywhere, as long as their address is public; undefined where stand-ins are. */
  openMailbox: OpenMailboxOf | undefined;
  /** To the endpoints of events, which may be anywhere, as long as their address is public. */
  callEndpoint: CallApi;
  /** For files that a provider keeps. */
  fetchMedia: FetchFile;
  /** For mails that a provider keeps: whole. */
  fetchWhole: FetchWhole;
  /** For files that anybody may have named. */
  fetchPublic: FetchFile;
  close(): void;
}

export interface DoorOptions {
  timeoutSeconds: number;
  /** How many conversations are delivered to at once: calls, and files that are fetched, are shared out of it by target. */
  concurrency: number;
  log: Log;
  /** As in `localhost:8080`: what may be called although its address is not public. */
  allowedPrivateHosts: readonly string[];
  /** Where stand-ins of the providers are, instead of the providers. */
  providersUrl: string | undefined;
  /** A certificate that servers of mail may be signed by, beside those that Node knows. */
  mailCa?: string | undefined;
}

/** What sees each call on its way, traces say. A path is shown only where paths hold nothing but ids. */
export type WrapCalls = <Request extends { url: string; method?: string }, Answer extends { status: number }>(
  call: (request: Request) => Promise<Answer>,
  paths: "shown" | "hidden",
) => (request: Request) => Promise<Answer>;

/**
 * A slow provider, or a slow place of files, takes nothing from the others. HighLevel is one host for all locations: its
 * limits are by location, and elsewhere.
 */
export function createDoors(options: DoorOptions, wrap: WrapCalls = (call) => call): Doors {
  const { allowedPrivateHosts, providersUrl, timeoutSeconds, concurrency, mailCa } = options;
  const limits = { timeoutSeconds, maxSockets: concurrency * 2 };
  const callApi = createCallApi(limits);
  const guarded = createCallApi({ ...limits, guard: "public", allow: allowedPrivateHosts });
  const mail = { timeoutSeconds, allow: allowedPrivateHosts, ca: mailCa };
  const [smtp, imap] = [createSmtp(mail), createImap(mail)];
  const callAny: CallApi = (request) => (wayOf(request.url, { smtp, imap: imap.look }) ?? guarded)(request);
  const callProvider = providersUrl === undefined ? callAny : callStandIns(callApi, providersUrl);
  const openMedia = providersUrl === undefined ? guarded.open : callStandIns(callApi.open, providersUrl);
  // Apart, so that nobody can close the way to a provider by the files or the endpoints that they name.
  const guardProviders = createTargets(options);
  const guardFiles = createTargets(options);
  const guardEndpoints = createTargets(options);
  const provider = wrap(guardProviders(callProvider), "hidden");
  const tokens = createTokens(provider);
  const fetchMedia = fetchWithTokens(tokens, createFetchFile(wrap(guardFiles(openMedia), "hidden")));
  return {
    callApi: wrap(callApi, "shown"),
    callProvider: withTokens(tokens, provider),
    openMailbox: providersUrl === undefined ? withTokens(tokens, imap.open) : undefined,
    callEndpoint: wrap(guardEndpoints(guarded), "hidden"),
    fetchMedia,
    fetchWhole: createFetchWhole(fetchMedia),
    fetchPublic: createFetchFile(wrap(guardFiles(guarded.open), "hidden")),
    close() {
      callApi.close();
      guarded.close();
      smtp.close();
    },
  };
}

/** By the URL's protocol; none for what is HTTP. */
function wayOf(url: string, ways: Record<"smtp" | "imap", CallApi>): CallApi | undefined {
  const [, protocol] = /^(smtp|imap)s?:/i.exec(url) ?? [];
  return protocol === undefined ? undefined : ways[protocol.toLowerCase() as keyof typeof ways];
}
