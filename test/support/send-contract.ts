import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ApiRequest, CallApi } from "../../src/calls/call-api.ts";
import { Failure } from "../../src/errors.ts";
import type { OutboundMessage } from "../../src/model.ts";
import { outboundMessage, type SendFixture } from "./fixtures.ts";
import type { Provider } from "./providers.ts";

type Sending = Pick<Provider, "name" | "adapter" | "signer" | "sendFixtures" | "refusals">;

/** The contract of `send` and `readError`, tried on every fixture in the provider's `send` folder, at the time `at`. */
export function describeSends({ name: provider, adapter, signer, sendFixtures, refusals }: Sending, at: Date): void {
  const fixtures = sendFixtures;
  const credentialsOf = (fixture: SendFixture) =>
    adapter.credentials.parse(fixture.credentials ?? signer.sendCredentials);

  describe(`${provider} credentials for sending`, () => {
    const toSend = Object.entries((signer.sendCredentials ?? {}) as Record<string, unknown>);
    const onlyForSending = toSend.map(([name]) => name).filter((name) => !(name in (signer.credentials as object)));

    test("are refused when they are given and empty, or not a text", () => {
      for (const name of onlyForSending) {
        for (const wrong of ["", " ", 7, null]) {
          const spoiled = { ...Object.fromEntries(toSend), [name]: wrong };
          expect(adapter.credentials.safeParse(spoiled).success, `${name}: ${JSON.stringify(wrong)}`).toBe(false);
        }
      }
    });

    test("may be missing: then nothing is sent, and the failure names what is missing", async () => {
      const [first] = fixtures;
      if (!first) return expect.unreachable(`there are no sends of ${provider}`);
      for (const name of onlyForSending) {
        const without = adapter.credentials.parse(Object.fromEntries(toSend.filter(([each]) => each !== name)));
        const { callApi, requests } = recordCalls(first.fixture.answer);
        const failure = await failureOf(adapter.send(outboundMessage(first.fixture), without, callApi));
        expect(failure).toMatchObject({ reason: "misconfigured", message: expect.stringContaining(name) });
        expect(requests).toEqual([]);
      }
    });
  });

  describe.each(fixtures)(`${provider} send/$name`, ({ fixture }) => {
    beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: at }));
    afterEach(() => void vi.useRealTimers());
    const send = (callApi: CallApi, message: OutboundMessage = outboundMessage(fixture)) =>
      adapter.send(message, credentialsOf(fixture), callApi);

    test(`is this one request: ${fixture.about}`, async () => {
      const { callApi, requests } = recordCalls(fixture.answer);
      const message = outboundMessage(fixture);
      expect(await send(callApi, message)).toEqual(fixture.sent);
      expect(await Promise.all(requests.map(describeRequest))).toEqual([fixture.request]);
      expect(message, "and leaves the message as it was").toEqual(outboundMessage(fixture));
    });

    test("passes a failure of the call on as it is", async () => {
      const failure = new Failure("throttled", "HTTP 429", { status: 429 });
      expect(await failureOf(send(() => Promise.reject(failure)))).toBe(failure);
    });

    test("knows by a success only what stands in it", async () => {
      for (const body of junkAnswers) {
        const { callApi } = recordCalls({ status: 200, body });
        const outcome = await send(callApi).catch((error: unknown) => error);
        if (outcome instanceof Failure) expect(outcome.reason).toBe("invalid_answer");
        else expect(outcome).toMatchObject({ providerMessageId: expect.stringMatching(/\S/) });
      }
    });
  });

  test.each(refusals)(`${provider} reads a refusal's code and words: $about`, ({ answer, error }) => {
    if (answer.status < 300) expect(adapter.refusesWithin200).toBe(true);
    else expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(adapter.readError(answer.body)).toEqual(error ?? undefined);
  });

  test(`${provider} reads no error out of an answer that holds none`, () => {
    for (const answer of junkAnswers) expect(adapter.readError(answer), JSON.stringify(answer)).toBeUndefined();
    const fields = refusals.flatMap(({ answer }) => spoil(answer.body));
    for (const answer of fields) {
      const error = adapter.readError(answer);
      if (error) expect(error).toEqual({ code: expect.any(String), message: expect.any(String) });
    }
  });
}

const junkAnswers: unknown[] = [undefined, null, [], "", "<html>", {}, { errors: [] }, { errors: [null] }, 7, true];

function recordCalls(answer: SendFixture["answer"]): { callApi: CallApi; requests: ApiRequest[] } {
  const requests: ApiRequest[] = [];
  const callApi: CallApi = async (request) => {
    requests.push(request);
    return { headers: {}, ...answer };
  };
  return { callApi, requests };
}

async function failureOf(sending: Promise<unknown>): Promise<unknown> {
  return sending.then(
    (sent) => expect.unreachable(`it was sent: ${JSON.stringify(sent)}`),
    (error: unknown) => error,
  );
}

/** The request as a fixture writes it. */
async function describeRequest({ body, ...request }: ApiRequest): Promise<unknown> {
  if (body instanceof URLSearchParams) return { ...request, body: [...body] };
  if (body instanceof FormData) return { ...request, body: await Promise.all([...body].map(describeField)) };
  if (Buffer.isBuffer(body) || typeof body === "string") return { ...request, body: JSON.parse(String(body)) };
  return { ...request, body: JSON.parse(JSON.stringify(body)) };
}

async function describeField([name, value]: [string, File | string]): Promise<[string, unknown]> {
  if (typeof value === "string") return [name, value];
  const base64 = Buffer.from(await value.arrayBuffer()).toString("base64");
  return [name, { filename: value.name, type: value.type, base64 }];
}

/** The answer with each of its fields, at any depth, replaced by what does not belong there. */
function spoil(answer: unknown): unknown[] {
  const wrongs = [undefined, null, "", 7, [], {}];
  if (typeof answer !== "object" || answer === null) return wrongs;
  return Object.entries(answer).flatMap(([name, value]) =>
    [...wrongs, ...spoil(value)].map((wrong) =>
      Array.isArray(answer) ? answer.with(Number(name), wrong) : { ...answer, [name]: wrong },
    ),
  );
}
