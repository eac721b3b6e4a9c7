import { type Request, Router } from "express";
import {
  findUnsubscribable,
  isOneClick,
  type UnsubscribableEmail,
  unsubscribe,
} from "../../inbox/consent/unsubscribe.ts";
import type { Log } from "../../log.ts";
import type { Wake } from "../../model.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { BodyMemory } from "../body-memory.ts";
import type { WebhookLimit } from "../limits.ts";
import { declaredBytes, readBody } from "../read-body.ts";
import { type Page, protectPageWithButton, sendPage } from "./plain-page.ts";

export interface UnsubscribeContext {
  db: Db;
  /** Proves the tokens in emails. */
  emailSecret: Buffer;
  log: Log;
  webhookLimit: WebhookLimit;
  bodyMemory: BodyMemory;
  onWork: Wake;
}

/** What a mail program posts is 26 bytes, and a little more as multipart. */
const bodyLimitBytes = 10_000;

/**
 * What an email's header List-Unsubscribe names, for whoever has got that email. The pages show nothing of the person.
 * `GET /unsubscribe/{token}` 200 a page with a button that posts; scanners follow links, so it changes nothing.
 * `POST /unsubscribe/{token}` 200 a page: the person is not written to any more, in one step and without a cookie, as
 * https://www.rfc-editor.org/rfc/rfc8058 has it · 400 a page: it is not that form · 413, 415 as of webhooks.
 * Both 404 a page for a token that we did not write · 429 too many of those from this address · 503 the database is away.
 */
export function unsubscribeRoutes(context: UnsubscribeContext): Router {
  const { db, log, onWork } = context;
  const router = Router();
  router.use(protectPageWithButton);
  router
    .route("/:token")
    .get(async (req, res) => {
      const email = await findEmail(context, req);
      return email ? sendPage(res, 200, question) : sendPage(res, 404, nowhere);
    })
    .post(async (req, res) => {
      const email = await findEmail(context, req);
      if (!email) return sendPage(res, 404, nowhere);
      if (!(await postsOneClick(context, req))) return sendPage(res, 400, question);
      const isNews = await unsubscribe(db, email);
      log("info", "person.unsubscribed", { messageId: email.messageId, mappingId: email.mapping.id, isNews });
      onWork("deliveries");
      sendPage(res, 200, done);
    });
  return router;
}

async function findEmail(
  context: UnsubscribeContext,
  req: Request<{ token: string }>,
): Promise<UnsubscribableEmail | undefined> {
  const email = await findUnsubscribable(context, req.params.token);
  if (!email) await context.webhookLimit.countStranger(req.socket.remoteAddress);
  return email;
}

async function postsOneClick({ bodyMemory }: UnsubscribeContext, req: Request): Promise<boolean> {
  const hold = bodyMemory.begin("unsubscribe", declaredBytes(req));
  try {
    return await isOneClick(req.get("content-type") ?? "", await readBody(req, bodyLimitBytes, hold));
  } finally {
    hold.end();
  }
}

const question: Page = {
  title: "Unsubscribe",
  lines: ["Press the button, and this sender writes you no more emails."],
  button: { name: "List-Unsubscribe", value: "One-Click", text: "Unsubscribe" },
};

const done: Page = {
  title: "You are unsubscribed",
  lines: ["This sender writes you no more emails. You can close this page."],
};

const nowhere: Page = {
  title: "This link leads nowhere",
  lines: ["It may be cut off. Open it from the email once more, or answer that email and say that you want no more."],
};
