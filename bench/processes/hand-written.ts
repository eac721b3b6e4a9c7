import axios from "axios";
import express from "express";
import helmet from "helmet";
import pg from "pg";
import { requireTwilio } from "./require-twilio.ts";
import { servePeer } from "./serve.ts";
import { settingsOf } from "./talk.ts";

/**
 * The bridge as it is usually written: Express, one INSERT per request, and the post to HighLevel within the request.
 * Without `highlevel` it answers after the INSERT.
 */
const { databaseUrl, highlevel } = settingsOf<HandWrittenSettings>();

export interface HandWrittenSettings {
  databaseUrl: string;
  highlevel?: { url: string; locationId: string; token: string; conversationProviderId: string };
}

const pool = new pg.Pool({ connectionString: databaseUrl, max: 20 });
await pool.query(`
  create table if not exists webhooks (
    id bigint generated always as identity primary key,
    message_sid text not null,
    body jsonb not null,
    received_at timestamptz not null default now()
  )`);
const insert = "insert into webhooks (message_sid, body) values ($1, $2)";

const contactIds = new Map<string, Promise<string>>();
const api = axios.create({
  ...(highlevel ? { baseURL: highlevel.url, headers: { authorization: `Bearer ${highlevel.token}` } } : {}),
});

async function findContact(phone: string): Promise<string> {
  const body = { locationId: highlevel?.locationId, phone };
  const answer = await api.post<{ contact: { id: string } }>("/contacts/upsert", body, {
    headers: { version: "2021-07-28" },
  });
  return answer.data.contact.id;
}

async function postToHighlevel(fields: Record<string, string>): Promise<void> {
  const phone = fields["From"] ?? "";
  const known = contactIds.get(phone) ?? findContact(phone);
  contactIds.set(phone, known);
  const body = {
    type: "Custom",
    contactId: await known,
    conversationProviderId: highlevel?.conversationProviderId,
    message: fields["Body"],
    altId: fields["MessageSid"],
    direction: "inbound",
  };
  await api.post("/conversations/messages/inbound", body, { headers: { version: "2021-04-15" } });
}

const app = express();
app.use(helmet());
app.use(express.urlencoded({ extended: false }));
app.post("/webhooks/:mappingId", requireTwilio, async (req, res) => {
  const fields = req.body as Record<string, string>;
  await pool.query(insert, [fields["MessageSid"], JSON.stringify(fields)]);
  if (highlevel) await postToHighlevel(fields);
  res.type("text/xml").send("<Response/>");
});
await servePeer(app);
