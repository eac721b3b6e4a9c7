import { expect, test } from "vitest";
import { consentIn } from "../../../src/inbox/consent/consent-words.ts";

test.each([
  ...[
    "STOP",
    "stop",
    "Stop.",
    " stop \n",
    "“STOP”",
    "'stop'",
    "ＳＴＯＰ",
    "STOP!!!",
    "stop 🛑",
    "*stop*",
    "\u200bSTOP\u200b",
    "S\u00adTOP",
  ],
  ...[
    "Stop  all",
    "STOPALL",
    "Unsubscribe",
    "unsubscribe me",
    "opt out",
    "opt-out",
    "opt\u2011out",
    "Opt\u2013Out",
    "OPTOUT",
    "END",
    "quit",
    "Cancel",
    "REVOKE",
  ],
  ...["arrêt", "ARRET", "Arre\u0302t", "désabonner", "BAJA", "alto", "sair", "STOPP", "abmelden", "No más", "afmelden"],
])("%j says that the person wants no more", (text) => {
  expect(consentIn(text)?.change).toBe("stop");
});

test.each(["START", "unstop", "Start!", "subscribe", "opt-in", "Reprendre"])(
  "%j says that they want it again",
  (text) => {
    expect(consentIn(text)?.change).toBe("start");
  },
);

test.each([
  ...[
    "Please stop by at 5",
    "Reply STOP to opt out",
    'Liked "STOP"',
    "Don't stop",
    "stop it there",
    "bus stop",
    "the end",
  ],
  ...[
    "yes",
    "YES",
    "help",
    "info",
    "no",
    "",
    "   ",
    "🛑",
    "s t o p",
    "stop\nthe car",
    "nonstop",
    "startup",
    "END OF MONTH",
  ],
  ...["constructor", "__proto__", "toString", `${" ".repeat(5000)}STOP`, "stop".repeat(30)],
])("%j says nothing of it", (text) => {
  expect(consentIn(text)).toBeUndefined();
});

test("what has no text says nothing of it", () => expect(consentIn(undefined)).toBeUndefined());

test("the word is told as it is looked up", () =>
  expect(consentIn(" «Stop  All» ")).toEqual({ change: "stop", word: "stop all" }));
