import { type CallApi, callStandIns, createCallApi } from "./call-api.ts";
import { createFetchFile, type FetchFile } from "./fetch-file.ts";

/** The ways out: to HighLevel, to providers or their stand-ins, and to wherever a file is said to lie. */
export interface Doors {
  /** To HighLevel. */
  callApi: CallApi;
  /** To providers. An integrator's own may be anywhere, as long as its address is public. */
  callProvider: CallApi;
  /** For files that a provider keeps. */
  fetchMedia: FetchFile;
  /** For files that anybody may have named. */
  fetchPublic: FetchFile;
  close(): void;
}

export interface DoorOptions {
  timeoutSeconds: number;
  maxSockets: number;
  /** As in `localhost:8080`: what may be called although its address is not public. */
  allowedPrivateHosts: readonly string[];
  /** Where stand-ins of the providers are, instead of the providers. */
  providersUrl: string | undefined;
}

/** What sees each call on its way, traces say. A path is shown only where paths hold nothing but ids. */
export type WrapCalls = <Request extends { url: string; method?: string }, Answer extends { status: number }>(
  call: (request: Request) => Promise<Answer>,
  paths: "shown" | "hidden",
) => (request: Request) => Promise<Answer>;

export function createDoors(options: DoorOptions, wrap: WrapCalls = (call) => call): Doors {
  const { allowedPrivateHosts, providersUrl, ...limits } = options;
  const callApi = createCallApi(limits);
  const guarded = createCallApi({ ...limits, guard: "public", allow: allowedPrivateHosts });
  const openMedia = providersUrl === undefined ? guarded.open : callStandIns(callApi.open, providersUrl);
  return {
    callApi: wrap(callApi, "shown"),
    callProvider: wrap(providersUrl === undefined ? guarded : callStandIns(callApi, providersUrl), "hidden"),
    fetchMedia: createFetchFile(wrap(openMedia, "hidden")),
    fetchPublic: createFetchFile(wrap(guarded.open, "hidden")),
    close() {
      callApi.close();
      guarded.close();
    },
  };
}
