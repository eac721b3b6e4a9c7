export interface WahaServer {
  serverUrl: string;
  apiKey: string;
}

/** A call of the server's API: https://waha.devlike.pro/docs/how-to/security */
export function callOf({ serverUrl, apiKey }: WahaServer, path: string) {
  return { url: `${serverUrl.replace(/\/+$/, "")}/api/${path}`, headers: { "x-api-key": apiKey } };
}
