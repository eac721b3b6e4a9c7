import express, { Router } from "express";
import { z } from "zod";
import { ApiError } from "../api-error.ts";
import { protectPage, refuseOtherSites } from "../inbox-page.ts";
import type { Phone } from "./phone.ts";
import { renderPhone } from "./phone-page.ts";

const form = express.urlencoded({ extended: false, limit: "100kb" });
const typed = z.object({ text: z.string().trim().min(1).max(1600) });
const sent = z.object({ To: z.string(), Body: z.string().default(""), StatusCallback: z.url().optional() });

/**
 * `GET /phone`: a number at Twilio, and the telephone of a person who writes to it; `POST /phone/write` has the person write,
 * `POST /phone/webhook` pastes the URL at Twilio. `/phone/api` is what a bridge calls in the providers' place.
 * `bridgeUrl`: where a number is added.
 */
export function phoneRoutes(phone: Phone, bridgeUrl: string): Router {
  const router = Router();
  router.use("/api/api.twilio.com/2010-04-01/Accounts", twilioApi(phone));
  router.get("/", protectPage, (_req, res) => void res.type("html").send(renderPhone(phone, bridgeUrl)));
  router.post("/write", protectPage, form, refuseOtherSites, async (req, res) => {
    await phone.write(textOf(req.body));
    res.redirect(303, "/phone");
  });
  router.post("/webhook", protectPage, form, refuseOtherSites, (req, res) => {
    const text = textOf(req.body);
    // What is signed may be posted to the bridge alone.
    if (!URL.canParse(text) || new URL(text).origin !== new URL(bridgeUrl).origin)
      throw new ApiError(422, `it must be the mapping's webhookUrl, which begins with ${bridgeUrl}`);
    phone.webhookUrl = text;
    res.redirect(303, "/phone");
  });
  return router;
}

function textOf(body: unknown): string {
  const { data } = typed.safeParse(body);
  if (data) return data.text;
  throw new ApiError(422, "text must not be empty");
}

/** As much of it as a bridge calls: https://www.twilio.com/docs/messaging/api/message-resource */
function twilioApi(phone: Phone): Router {
  const { accountSid, authToken, number } = phone;
  const router = Router();
  const authorization = `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString("base64")}`;
  router.use((req, res, next) => {
    if (req.get("authorization") === authorization && req.path.startsWith(`/${accountSid}`)) return next();
    res.status(401).json({ code: 20003, message: "Authenticate", status: 401 });
  });
  router.get("/:sid", (_req, res) => void res.json({ sid: accountSid, status: "active", type: "Full" }));
  router.get("/:sid/IncomingPhoneNumbers.json", (_req, res) => {
    const shown = { phone_number: number, sms_url: phone.webhookUrl ?? "", sms_method: "POST" };
    res.json({ incoming_phone_numbers: [shown] });
  });
  router.post("/:sid/Messages.json", form, (req, res) => {
    const { data } = sent.safeParse(req.body);
    if (data?.To !== phone.person)
      return void res.status(400).json({ code: 21211, message: `The sandbox's phone is ${phone.person}`, status: 400 });
    const { sid } = phone.receive({ text: data.Body, callbackUrl: data.StatusCallback });
    res.status(201).json({ sid, status: "queued" });
  });
  return router;
}
