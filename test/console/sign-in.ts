import type { TestBridge } from "../support/bridge.ts";
import { publicUrl } from "../support/location.ts";

/** The cookie of who has signed in with a key. */
export async function signIn(bridge: TestBridge, key: string): Promise<string> {
  const answer = await fetch(`${bridge.url}/console/sign-in`, {
    ...{ method: "POST", redirect: "manual", headers: { origin: publicUrl } },
    body: new URLSearchParams({ key }),
  });
  const [cookie] = answer.headers.getSetCookie();
  if (answer.status !== 303 || cookie === undefined) throw new Error(`signing in was answered ${answer.status}`);
  return cookie.split(";")[0] ?? "";
}
