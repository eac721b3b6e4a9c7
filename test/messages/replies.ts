/** Replies as mail programs write them, in many languages: made here from what each program puts around what it quotes. */

interface Language {
  /** The line above a quote, as web mail and as desktop programs word it; `#` stands for the mailbox. */
  web: string;
  desk: string;
  /** From, Sent, To, Subject of Outlook's header block. */
  headers: [string, string, string, string];
  original: string;
  sent: string;
}

export const languages: Record<string, Language> = {
  en: {
    web: "On Sat, Nov 21, 2026 at 10:59 AM # wrote:",
    desk: "On 21 Nov 2026, at 10:59, # wrote:",
    headers: ["From", "Sent", "To", "Subject"],
    original: "Original Message",
    sent: "Saturday, November 21, 2026 10:59 AM",
  },
  de: {
    web: "Am Sa., 21. Nov. 2026 um 10:59 Uhr schrieb #:",
    desk: "Am 21.11.2026 um 10:59 schrieb #:",
    headers: ["Von", "Gesendet", "An", "Betreff"],
    original: "Ursprüngliche Nachricht",
    sent: "Samstag, 21. November 2026 10:59",
  },
  fr: {
    web: "Le sam. 21 nov. 2026 à 10:59, # a écrit :",
    desk: "Le 21/11/2026 à 10:59, # a écrit :",
    headers: ["De ", "Envoyé ", "À ", "Objet "],
    original: "Message d'origine",
    sent: "samedi 21 novembre 2026 10:59",
  },
  es: {
    web: "El sáb, 21 nov 2026 a las 10:59, # escribió:",
    desk: "El 21/11/2026 a las 10:59, # escribió:",
    headers: ["De", "Enviado", "Para", "Asunto"],
    original: "Mensaje original",
    sent: "sábado, 21 de noviembre de 2026 10:59",
  },
  it: {
    web: "Il giorno sab 21 nov 2026 alle ore 10:59 # ha scritto:",
    desk: "Il 21/11/2026 10:59, # ha scritto:",
    headers: ["Da", "Inviato", "A", "Oggetto"],
    original: "Messaggio originale",
    sent: "sabato 21 novembre 2026 10:59",
  },
  pt: {
    web: "Em sáb., 21 de nov. de 2026 às 10:59, # escreveu:",
    desk: "Em 21/11/2026 10:59, # escreveu:",
    headers: ["De", "Enviado", "Para", "Assunto"],
    original: "Mensagem original",
    sent: "sábado, 21 de novembro de 2026 10:59",
  },
  nl: {
    web: "Op za 21 nov 2026 om 10:59 schreef #:",
    desk: "Op 21-11-2026 om 10:59 schreef #:",
    headers: ["Van", "Verzonden", "Aan", "Onderwerp"],
    original: "Oorspronkelijk bericht",
    sent: "zaterdag 21 november 2026 10:59",
  },
  sv: {
    web: "Den lör 21 nov. 2026 kl 10:59 skrev #:",
    desk: "Den 2026-11-21 kl. 10:59, skrev #:",
    headers: ["Från", "Skickat", "Till", "Ämne"],
    original: "Ursprungligt meddelande",
    sent: "den 21 november 2026 10:59",
  },
  pl: {
    web: "sob., 21 lis 2026 o 10:59 # napisał(a):",
    desk: "W dniu 21.11.2026 o 10:59, # pisze:",
    headers: ["Od", "Wysłano", "Do", "Temat"],
    original: "Wiadomość oryginalna",
    sent: "sobota, 21 listopada 2026 10:59",
  },
  ru: {
    web: "сб, 21 нояб. 2026 г. в 10:59, #:",
    desk: "21.11.2026 10:59, # пишет:",
    headers: ["От", "Отправлено", "Кому", "Тема"],
    original: "Исходное сообщение",
    sent: "21 ноября 2026 г. 10:59",
  },
  ja: {
    web: "2026年11月21日(土) 10:59 #:",
    desk: "2026/11/21 10:59、#のメール:",
    headers: ["差出人", "送信日時", "宛先", "件名"],
    original: "元のメッセージ",
    sent: "2026年11月21日 10:59",
  },
  zh: {
    web: "# 于2026年11月21日周六 10:59写道：",
    desk: "在 2026/11/21 10:59, # 写道:",
    headers: ["发件人", "发送时间", "收件人", "主题"],
    original: "原始邮件",
    sent: "2026年11月21日 10:59",
  },
  da: {
    web: "Den lør. 21. nov. 2026 kl. 10.59 skrev #:",
    desk: "Den 21-11-2026 kl. 10:59 skrev #:",
    headers: ["Fra", "Sendt", "Til", "Emne"],
    original: "Oprindelig meddelelse",
    sent: "21. november 2026 10:59",
  },
};

export const ownWords = "Thank you!\nIt works: 5 > 4, at 10:59.\n\nBest regards,\nAnn";
const quoted = ["Hello Ann,", "", "does it work?", "From here it does.", "", "Best regards,", "Support"];

const box = "Support <support@example.com>";
const marked = quoted.map((line) => `> ${line}`.trimEnd()).join("\n");
const block = ({ headers: [from, date, to, subject], sent }: Language, bold = "") =>
  [`${from}: ${box}`, `${date}: ${sent}`, `${to}: Ann <ann@example.org>`, `${subject}: RE: x`]
    .map((line) => line.replace(/^([^:]+):/, `${bold}$1:${bold}`))
    .join("\n");
const html = (text: string) =>
  text
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .split("\n")
    .map((line) => `<div>${line || "<br>"}</div>`)
    .join("");
const own = html(ownWords);
const quotedHtml = html(quoted.join("\n"));

export interface Reply {
  text: string;
  html?: string;
}

const web = (language: Language) => language.web.replace("#", box);
const desk = (language: Language) => language.desk.replace("#", box);
const wrapped = (line: string) => line.replace(" <support", " <\nsupport");

/** Each makes a reply in a language. */
export const clients: Record<string, (language: Language) => Reply> = {
  "Gmail, text": (language) => ({ text: `${ownWords}\n\n${web(language)}\n\n${marked}\n` }),
  "Gmail, its line broken": (language) => ({ text: `${ownWords}\n\n${wrapped(web(language))}\n\n${marked}\n` }),
  "Gmail, its line broken before its end": (language) => ({
    text: `${ownWords}\n\n${web(language).replace("com> ", "com>\n")}\n\n${marked}\n`,
  }),
  "Gmail, HTML": (language) => ({
    text: `${ownWords}\n\n${web(language)}\n\n${quoted.join("\n")}\n`,
    html: `<div dir="ltr">${own}</div><br><div class="gmail_quote gmail_quote_container"><div dir="ltr" class="gmail_attr">${html(web(language))}</div><blockquote class="gmail_quote" style="margin:0">${quotedHtml}</blockquote></div>`,
  }),
  "Apple Mail": (language) => ({ text: `${ownWords}\n\n> ${desk(language)}\n> \n${marked}\n` }),
  "Apple Mail, HTML": (language) => ({
    text: `${ownWords}\n\n${desk(language)}\n\n${quoted.join("\n")}`,
    html: `<body>${own}<div><br><blockquote type="cite"><div>${html(desk(language))}</div>${quotedHtml}</blockquote></div></body>`,
  }),
  iPhone: (language) => ({ text: `${ownWords}\n\n${desk(language)}\n\n${marked}\n` }),
  Thunderbird: (language) => ({
    text: `${ownWords}\n\n${desk(language).replace(` <support@example.com>`, "")}\n${marked}\n`,
  }),
  "Thunderbird, HTML": (language) => ({
    text: `${ownWords}\n\n${desk(language)}\n${marked}`,
    html: `<body><p>${own}</p><div class="moz-cite-prefix">${html(desk(language))}</div><blockquote type="cite" cite="mid:1@x">${quotedHtml}</blockquote></body>`,
  }),
  "K-9 Mail": (language) => ({ text: `${ownWords}\n\n${desk(language)}\n${marked.replaceAll("> ", ">")}\n` }),
  "Outlook, text": (language) => ({ text: `${ownWords}\n\n${block(language)}\n\n${quoted.join("\n")}\n` }),
  "Outlook on the web": (language) => ({
    text: `${ownWords}\n\n________________________________\n${block(language)}\n\n${quoted.join("\n")}\n`,
  }),
  "Outlook for Mac, bold": (language) => ({ text: `${ownWords}\n\n${block(language, "*")}\n\n${quoted.join("\n")}\n` }),
  "Outlook of old": (language) => ({
    text: `${ownWords}\n\n-----${language.original}-----\n${block(language)}\n\n${quoted.join("\n")}\n`,
  }),
  "Outlook on the web, HTML": (language) => ({
    text: `${ownWords}\n\n${quoted.join("\n")}`,
    html: `<body><div class="elementToProof">${own}</div><div id="appendonsend"></div><hr tabindex="-1"><div id="divRplyFwdMsg" dir="ltr">${html(block(language))}</div>${quotedHtml}</body>`,
  }),
  "Outlook, HTML": (language) => ({
    text: `${ownWords}\n\n${quoted.join("\n")}`,
    html: `<div class="WordSection1">${own}<div><div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm'>${html(block(language))}</div></div>${quotedHtml}</div>`,
  }),
  "Outlook on a phone, HTML": (language) => ({
    text: `${ownWords}\n\n${quoted.join("\n")}`,
    html: `<body>${own}<div id="ms-outlook-mobile-body-separator-line"><br></div><div id="mail-editor-reference-message-container">${html(block(language))}${quotedHtml}</div></body>`,
  }),
  "Yahoo, HTML": (language) => ({
    text: `${ownWords}\n\n${web(language)}\n\n${quoted.join("\n")}`,
    html: `<div class="ydp1">${own}</div><div id="yahoo_quoted_1" class="yahoo_quoted"><div>${html(web(language))}</div>${quotedHtml}</div>`,
  }),
  "Proton Mail, HTML": (language) => ({
    text: `${ownWords}\n\n${desk(language)}\n\n${marked}`,
    html: `${own}<div class="protonmail_quote">${html(desk(language))}<blockquote class="protonmail_quote" type="cite">${quotedHtml}</blockquote></div>`,
  }),
  "Proton Mail, text": (language) => ({ text: `${ownWords}\n\n${desk(language)}\n\n${marked}\n` }),
  Roundcube: (language) => ({
    text: `${ownWords}\n\n${desk(language).replace(` <support@example.com>`, "")}\n${marked}\n`,
  }),
  "a program that marks nothing": (language) => ({
    text: `${ownWords}\n\n${desk(language)}\n\n${quoted.join("\n")}\n`,
  }),
  "Samsung Email": (language) => ({
    text: `${ownWords}\n\n-------- ${language.original} --------\n${block(language)}\n\n${quoted.join("\n")}\n`,
  }),
};

/** What people write themselves, though it looks like a quote. */
export const lookAlikes = [
  "Hi,\n\nOn Monday Bob wrote:\nwe ship it tomorrow.\nBut nothing came. Please help.",
  "Bonjour,\n\nLe lundi, Paul a écrit :\nje viens demain.\nMais il n'est pas venu.",
  "Hallo,\n\nam Montag schrieb Herr Meier:\nich komme.\nEr kam nicht.",
  "Prices:\n> 100 pieces: 5 EUR\n> 1000 pieces: 4 EUR\nWhich do you want?",
  "Rules:\n\n> be kind\n\nPlease follow them.",
  "I need a taxi.\n\nFrom: Berlin\nTo: Potsdam\nDate: 3 March\n\nThank you",
  "Von: Hamburg\nAn: Bremen\nDatum: 3. März 2026\nwer fährt?",
  "My address changed:\nann@example.org\nPlease use it.",
  "Here is what ann@example.org told me on 12.03.2026:\nall is well.\nCan you confirm?",
  "We met on 21.11.2026 at 10:59:\n- you said yes\n- I said no",
  "She wrote: I come.\nShe did not.",
  "Hello,\nSubject: to change, we come on Friday.\nFrom: Friday on, we are open.\nBye",
  "One\n----\nTwo\n____\nThree",
  "-----\nimportant\n-----",
  "Original message lost, please send again.",
  "Date: 21.11.2026\nSubject: my heating\n\nIt is cold.",
  "El lunes escribió mi jefe:\nno puedo.\n¿Qué hago?",
  "Op maandag schreef u:\nmorgen.\nNiets gekomen.",
  "Em resposta: sim.\nAna escreveu:\nsim também.",
  "Den 3 mars skrev ni:\nvi kommer.\nIngen kom.",
  "One: 3 > 2\n> Two.",
  "A > B\n> C? no.",
  "Sent: yesterday\nTo: you\nanswer: none",
  "On 5 > 4:\nall good",
  "Il giorno dopo Marco ha scritto:\narrivo.\nNon è arrivato.",
  "From what I see:\nTo me it is broken.\nSubject to change.",
  "Best regards,\nAnn\n\nPS: what I wrote:\ncall me.",
  "См. ниже.\nВ понедельник он написал:\nприеду.\nНе приехал.",
  "Please change:\nFrom: 12 Main Street\nTo: 14 Main Street\nSubject: my address\nDate: 3 March 2026",
  "Fahrt:\nVon: Wien\nAn: Graz\nBetreff: Umzug\nDatum: 3.3.2026\n\nHaben Sie Platz?",
  "Here it is:\n-----Original Message-----\nsays the screen, and then nothing comes.",
  "Your ad on 3/1/26 10:59 said:\n> free delivery\nIs it true?",
  "My list:\n> 2x apples\n\n> 3x pears\n\nThanks",
  "昨日彼は書きました。\n明日来ます。",
  "W poniedziałek Jan napisał:\nbędę jutro.\nNie było go.",
];
