import type { RequestHandler } from "express";
import twilio from "twilio";
import { publicUrl, twilioAuthToken } from "../webhooks.ts";

/** As Twilio's documentation has it: https://www.twilio.com/docs/usage/security#validating-requests */
export const requireTwilio: RequestHandler = (req, res, next) => {
  const signature = req.get("x-twilio-signature") ?? "";
  if (twilio.validateRequest(twilioAuthToken, signature, `${publicUrl}${req.originalUrl}`, req.body)) return next();
  res.status(403).end();
};
