import { escapeHtml } from "../../formats/escape-html.ts";
import { conversationProviderIds, sampleLocationId } from "../sample-location.ts";
import type { Phone, PhoneText } from "./phone.ts";

/** What one would see at Twilio, and on the telephone of the person. */
export function renderPhone(phone: Phone, bridgeUrl: string): string {
  const { person, number, accountSid, authToken, webhookUrl, texts } = phone;
  const fields = new URLSearchParams({
    ...{ provider: "twilio", locationId: sampleLocationId, address: number },
    ...{ conversationProviderId: conversationProviderIds.sms, "credentials.accountSid": accountSid },
  });
  const add = `${bridgeUrl}/console/do/createMapping?${fields}`;
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Sandbox phone</title><link rel="stylesheet" href="/inbox.css"><script src="/inbox.js" defer></script></head>
<body><main><h1>Sandbox phone</h1><p>This stands in for Twilio, and for a person at a telephone. An agent answers in <a href="/" target="_blank" rel="noopener">the inbox</a>.</p>
<details open id="number"><summary><strong>1 · Your number at Twilio</strong></summary><ol>
<li>Number <code>${number}</code></li><li>Account SID <code>${accountSid}</code></li><li>Auth Token <code>${authToken}</code></li>
<li><a href="${escapeHtml(add)}" target="_blank" rel="noopener">Add it to the bridge</a>: all is filled in but the Auth Token.</li></ol></details>
<details open id="webhook"><summary><strong>2 · A message comes in</strong></summary>${renderForm({
    ...{ action: "/phone/webhook", label: "The mapping's webhook URL, as the bridge shows it", button: "Save" },
  })}<ol><li>${webhookUrl ? `Twilio posts to <code>${escapeHtml(webhookUrl)}</code>` : "No URL is pasted yet."}</li></ol></details>
<details open id="phone"><summary><strong>3 · ${person} writes to ${number}</strong></summary><ol>${texts.map(renderText).join("")}</ol>${renderForm(
    { action: "/phone/write", label: `A text to ${number}`, button: "Send" },
  )}</details></main></body></html>`;
}

function renderText({ sid, side, text, fate }: PhoneText): string {
  // The person's own texts stand where one's own do.
  return `<li id="${sid}" class="bubble ${side === "in" ? "outbound" : "inbound"}"><p dir="auto">${escapeHtml(text)}</p><small>${escapeHtml(fate)}</small></li>`;
}

const renderForm = ({ action, label, button }: { action: string; label: string; button: string }) =>
  `<form method="post" action="${action}"><textarea name="text" rows="1" required aria-label="${escapeHtml(label)}" placeholder="${escapeHtml(label)}"></textarea><button>${button}</button></form>`;
