import type { FormField } from "../../http/openapi/form-fields.ts";
import { Words } from "./parts.tsx";

type FieldProps = Partial<Omit<FormField, "name" | "label">> & {
  name: string;
  label: string;
  value?: string | undefined;
};

/** A field of a form with what it is; what is secret is never given back. */
export function Field(field: FieldProps) {
  const { label, help, isRequired, kind } = field;
  const Around = kind === "words" ? "fieldset" : "label";
  return (
    <Around>
      {kind === "words" ? <legend>{label}</legend> : label}
      {!isRequired && <span class="faint"> (may be left out)</span>}
      <Input {...field} />
      {help && (
        <small>
          <Words>{help}</Words>
        </small>
      )}
    </Around>
  );
}

function Input({ name, value = "", kind = "text", isSecret, words = [], isRequired: required = false }: FieldProps) {
  const shared = { name, required, autocomplete: "off", spellcheck: false } as const;
  if (kind === "words") return <Ticks name={name} words={words} ticked={value.split(", ")} />;
  if (["long", "csv", "json"].includes(kind)) return <textarea {...shared}>{value}</textarea>;
  if (kind === "number") return <input type="number" {...shared} value={value} />;
  if (kind === "word" || kind === "flag")
    return <Select {...{ name, value, required }} words={kind === "flag" ? ["true", "false"] : words} />;
  if (isSecret) return <input type="password" {...shared} maxLength={5000} />;
  return <input type="text" {...shared} maxLength={5000} value={value} />;
}

type SelectProps = { name: string; value: string; required?: boolean; words: readonly string[]; none?: string } & {
  say?: (word: string) => string;
};

/** One of some words, or `none` of them. */
export function Select({ name, value, required = false, words, none = "", say = String }: SelectProps) {
  return (
    <select name={name} required={required}>
      {!required && <option value="">{none}</option>}
      {words.map((word) => (
        <option key={word} value={word} selected={word === value}>
          {say(word)}
        </option>
      ))}
    </select>
  );
}

function Ticks({ name, words, ticked }: { name: string; words: readonly string[]; ticked: string[] }) {
  return (
    <>
      <input type="hidden" name={name} />
      {words.map((word) => (
        <label key={word} class="tick">
          <input type="checkbox" name={`${name}.${word}`} checked={ticked.includes(word)} /> {word}
        </label>
      ))}
    </>
  );
}
