/** How mail programs name what they quote, in the languages that they speak. Data: lower case, and matched as such. */

/** "wrote", in the line above a quote. */
export const wroteWords = [
  ...["wrote", "writes", "schrieb", "schreibt", "geschrieben", "a écrit", "escribió", "escribio", "ha escrito", "va escriure"],
  ...["ha scritto", "scrisse", "escreveu", "schreef", "het volgende geschreven", "skrev", "skreiv", "kirjoitti", "kirjutas"],
  ...["napisał", "napisała", "napisał(a)", "pisze", "napsal", "napsala", "napsal(a)", "napísal", "napísal(a)", "написал", "написала"],
  ...["пишет", "написав", "пише", "írta", "ezt írta", "a scris", "yazdı", "şunu yazdı", "έγραψε", "написа", "napisao", "je napisal"],
  ...["写道", "寫道", "書きました", "のメッセージ", "님이 작성", "님이 다음을 작성", "đã viết", "menulis", "เขียนว่า", "כתב", "כתבה", "كتب"],
];

/** The headers of the quoted mail, as Outlook writes them. */
export const headerWords = {
  from: [
    ...["from", "von", "de", "da", "van", "från", "fra", "lähettäjä", "od", "от", "від", "feladó", "de la", "kimden", "gönderen"],
    ...["από", "发件人", "寄件者", "差出人", "送信元", "보낸 사람", "expéditeur", "remitente"],
  ],
  date: [
    ...["sent", "date", "gesendet", "datum", "envoyé", "envoyé le", "enviado", "enviado el", "enviado em", "fecha", "data"],
    ...["inviato", "verzonden", "skickat", "sendt", "dato", "lähetetty", "päivämäärä", "wysłano", "odesláno", "odoslané"],
    ...["отправлено", "дата", "надіслано", "elküldve", "dátum", "trimis", "tarih", "gönderildi", "gönderme tarihi", "στάλθηκε"],
    ...["发送时间", "日期", "寄件日期", "送信日時", "日付", "보낸 날짜", "날짜", "saatetud"],
  ],
  to: [
    ...["to", "an", "à", "para", "a", "aan", "till", "til", "vastaanottaja", "do", "komu", "pro", "кому", "címzett", "către"],
    ...["kime", "alıcı", "προς", "收件人", "收件者", "宛先", "받는 사람", "destinataire", "destinatario", "per"],
  ],
  subject: [
    ...["subject", "betreff", "objet", "asunto", "assunto", "oggetto", "onderwerp", "ämne", "emne", "aihe", "temat", "předmět"],
    ...["predmet", "тема", "tárgy", "subiect", "konu", "θέμα", "主题", "主旨", "件名", "제목"],
  ],
};

/** What stands between dashes above a quoted mail. */
export const originalWords = [
  ...["original message", "original appointment", "ursprüngliche nachricht", "originalnachricht", "message d'origine"],
  ...["mensaje original", "mensagem original", "messaggio originale", "oorspronkelijk bericht", "originalmeddelande"],
  ...["ursprungligt meddelande", "oprindelig meddelelse", "opprinnelig melding", "alkuperäinen viesti", "wiadomość oryginalna"],
  ...["oryginalna wiadomość", "původní zpráva", "pôvodná správa", "исходное сообщение", "оригінальне повідомлення"],
  ...["eredeti üzenet", "mesaj original", "orijinal mesaj", "原始邮件", "原始郵件", "元のメッセージ", "원본 메시지", "reply message"],
];

/** What a forwarded mail begins by: it is what the person wants to be read. */
export const forwardWords = [
  ...["forwarded message", "begin forwarded message", "weitergeleitete nachricht", "anfang der weitergeleiteten nachricht"],
  ...["message transféré", "début du message réexpédié", "début du message transféré", "mensaje reenviado", "mensagem encaminhada"],
  ...["messaggio inoltrato", "inizio messaggio inoltrato", "doorgestuurd bericht", "begin doorgestuurd bericht"],
  ...["vidarebefordrat meddelande", "videresendt meddelelse", "videresendt melding", "välitetty viesti", "wiadomość przekazana"],
  ...["przekazana wiadomość", "přeposlaná zpráva", "пересылаемое сообщение", "továbbított üzenet", "iletilmiş mesaj"],
  ...["转发邮件", "转发的邮件", "轉寄郵件", "転送メッセージ", "전달된 메시지", "mensaje reenviat", "redirected message"],
];
