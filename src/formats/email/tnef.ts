import { charsetOf, decodeText } from "./charset.ts";

export interface OpenedTnef {
  text: string | undefined;
  html: string | undefined;
  files: TnefFile[];
}

export interface TnefFile {
  name: string | undefined;
  contentType: string;
  contentId: string | undefined;
  content: Buffer;
}

/**
 * The words and files in Outlook's winmail.dat (https://learn.microsoft.com/openspecs/exchange_server_protocols/ms-oxtnef).
 * Undefined for what is none, or holds neither. Words that are there as compressed RTF alone are not read.
 */
export function openTnef(content: Buffer): OpenedTnef | undefined {
  if (content.length < 6 || content.readUInt32LE(0) !== 0x223e9f78) return undefined;
  const opened: OpenedTnef & { codepage?: string | undefined } = { text: undefined, html: undefined, files: [] };
  for (const { id, data } of attributesOf(content)) take(opened, id, data);
  const files = opened.files.filter((file) => file.content.length > 0);
  return opened.text || opened.html || files.length > 0 ? { text: opened.text, html: opened.html, files } : undefined;
}

const maxAttributes = 5_000;
const attribute = {
  codepage: 0x69007,
  body: 0x2800c,
  properties: 0x69003,
  fileBegins: 0x69002,
  fileTitle: 0x18010,
  fileData: 0x6800f,
  fileProperties: 0x69005,
};

function* attributesOf(content: Buffer): Generator<{ id: number; data: Buffer }> {
  let at = 6;
  for (let count = 0; count < maxAttributes && at + 9 <= content.length; count++) {
    const length = content.readUInt32LE(at + 5);
    if (at + 9 + length > content.length) return;
    yield { id: content.readUInt32LE(at + 1), data: content.subarray(at + 9, at + 9 + length) };
    at += 9 + length + 2;
  }
}

function take(opened: OpenedTnef & { codepage?: string | undefined }, id: number, data: Buffer): void {
  const file = opened.files.at(-1);
  const text = () => withoutEnd(decodeText(data, opened.codepage));
  if (id === attribute.codepage && data.length >= 4) opened.codepage = charsetOf(`windows-${data.readUInt32LE(0)}`);
  if (id === attribute.body) opened.text ??= text();
  if (id === attribute.fileBegins)
    opened.files.push({
      name: undefined,
      contentType: "application/octet-stream",
      contentId: undefined,
      content: data.subarray(0, 0),
    });
  if (id === attribute.fileTitle && file) file.name ??= text();
  if (id === attribute.fileData && file) file.content = data;
  if (id !== attribute.properties && id !== attribute.fileProperties) return;
  for (const property of propertiesOf(data)) takeProperty(opened, file, property);
}

interface Property {
  id: number;
  value: Buffer;
  text: string;
}

function takeProperty(opened: OpenedTnef, file: TnefFile | undefined, { id, value, text }: Property): void {
  if (id === 0x1000) opened.text = text || opened.text;
  if (id === 0x1013) opened.html = withoutEnd(decodeText(value)) || undefined;
  if (!file) return;
  if (id === 0x3707) file.name = text || file.name;
  if (id === 0x370e) file.contentType = text || file.contentType;
  if (id === 0x3712) file.contentId = text || undefined;
  if (id === 0x3701 && value.length > 0) file.content = value;
}

const withoutEnd = (text: string) => text.replace(/\0[\s\S]*$/, "").replace(/\r\n?/g, "\n");

const fixedSizes: Partial<Record<number, number>> = {
  ...{ 2: 4, 3: 4, 4: 4, 10: 4, 11: 4, 5: 8, 6: 8, 7: 8, 20: 8, 64: 8, 72: 16 },
};
const variableTypes = new Set([0x1e, 0x1f, 0x102, 0x0d]);
const padded = (length: number) => Math.ceil(length / 4) * 4;

/** https://learn.microsoft.com/openspecs/exchange_server_protocols/ms-oxtnef#msgpropslist, as far as it can be read. */
function* propertiesOf(data: Buffer): Generator<Property> {
  let at = 4;
  for (let count = 0; count < maxAttributes && at + 8 <= data.length; count++) {
    const type = data.readUInt16LE(at) & 0xfff;
    const isMultiple = (data.readUInt16LE(at) & 0x1000) !== 0;
    const id = data.readUInt16LE(at + 2);
    at = afterName(data, at + 4, id);
    const size = fixedSizes[type];
    if (at + 4 > data.length || (size === undefined && !variableTypes.has(type))) return;
    if (size === undefined) {
      const [value = data.subarray(0, 0), end] = readValues(data, at, data.readUInt32LE(at));
      yield { id, value, text: withoutEnd(decodeText(value, type === 0x1f ? "utf-16le" : undefined)) };
      at = end;
    } else at += isMultiple ? 4 + size * data.readUInt32LE(at) : size;
  }
}

/** The first of some values of different lengths, and where they end. */
function readValues(data: Buffer, start: number, count: number): [Buffer | undefined, number] {
  let at = start + 4;
  let first: Buffer | undefined;
  for (let index = 0; index < Math.min(count, maxAttributes) && at + 4 <= data.length; index++) {
    const length = data.readUInt32LE(at);
    first ??= data.subarray(at + 4, at + 4 + length);
    at += 4 + padded(length);
  }
  return [first, at];
}

function afterName(data: Buffer, at: number, id: number): number {
  if (id < 0x8000 || at + 24 > data.length) return at;
  return data.readUInt32LE(at + 16) === 0 ? at + 24 : at + 24 + padded(data.readUInt32LE(at + 20));
}
