/** What a call to httpSMS needs. */
export interface HttpSmsAccount {
  apiKey: string;
  serverUrl?: string | undefined;
}

/** Where it is asked, and how. */
export function callOf({ apiKey, serverUrl = "https://api.httpsms.com" }: HttpSmsAccount, path: string) {
  return { url: `${serverUrl.replace(/\/+$/, "")}/v1/${path}`, headers: { "x-api-key": apiKey } };
}
