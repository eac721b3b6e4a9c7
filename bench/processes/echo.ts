import express from "express";
import { servePeer } from "./serve.ts";

/** Express 5 that reads the body and answers: no check, no storing. */
const app = express();
app.use(express.raw({ type: () => true }));
app.post("/webhooks/:mappingId", (_req, res) => void res.status(200).end());
await servePeer(app);
