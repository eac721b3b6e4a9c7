import { jsonBody, type Sample, type Signer } from "./fixtures.ts";

interface Login {
  username: string;
  password: string;
}

interface Encoded {
  contentType: string;
  body: Buffer;
}

const asItIs = (sample: Sample): Encoded => ({ contentType: sample.contentType, body: jsonBody(sample) });

/** How those post who sign nothing, and send the user name and password that stand in the webhook's URL. */
export function signByBasic(own: Login, encode = asItIs): Pick<Signer, "signsBody" | "signsTime" | "sign"> {
  return {
    signsBody: false,
    signsTime: false,
    sign(sample, { url, at, credentials: given }) {
      const { username, password } = (given ?? own) as Login;
      const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
      const { contentType, body } = encode(sample);
      return { url, headers: { ...sample.headers, "content-type": contentType, authorization }, body, receivedAt: at };
    },
  };
}
