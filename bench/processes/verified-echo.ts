import express from "express";
import helmet from "helmet";
import { requireTwilio } from "./require-twilio.ts";
import { servePeer } from "./serve.ts";

/** The echo with helmet and Twilio's own check of the signature. */
const app = express();
app.use(helmet());
app.use(express.urlencoded({ extended: false }));
app.post("/webhooks/:mappingId", requireTwilio, (_req, res) => void res.type("text/xml").send("<Response/>"));
await servePeer(app);
