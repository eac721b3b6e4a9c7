/** What was posted, for people to read: JSON is laid out, a form is a line for each of its fields, and anything else as it is. */
export function layOut(text: string, contentType = ""): string {
  if (/^application\/x-www-form-urlencoded\b/i.test(contentType))
    return [...new URLSearchParams(text)].map(([name, value]) => `${name}: ${value}\n`).join("");
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

interface Posted {
  url: string;
  headers: Record<string, string>;
  bodyBase64: string;
}

/** A line of a POSIX shell that posts the same bytes again, whatever is in them. */
export function toCurl({ url, headers, bodyBase64 }: Posted): string {
  const said = Object.entries(headers).filter(([name]) => !/^(host|connection|content-length)$/i.test(name));
  const options = said.map(([name, value]) => `-H ${quote(`${name}: ${value}`)}`);
  return `echo ${bodyBase64} | base64 -d | curl ${options.join(" ")} --data-binary @- ${quote(url)}`;
}

const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
