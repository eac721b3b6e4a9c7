import { basic } from "../../kit/proofs.ts";

/** What a call to SMSGate needs. */
export interface SmsGateAccount {
  username: string;
  password: string;
  apiUrl?: string | undefined;
  deviceId?: string | undefined;
  simNumber?: string | undefined;
}

/** Where it is asked, and how. */
export function callOf({ username, password, apiUrl = cloud }: SmsGateAccount, path: string) {
  return { url: `${apiUrl.replace(/\/+$/, "")}/${path}`, headers: basic(username, password) };
}

const cloud = "https://api.sms-gate.app/3rdparty/v1";
