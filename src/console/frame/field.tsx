interface FieldProps {
  name: string;
  label: string;
  help?: string | undefined;
  value?: string | undefined;
  isSecret?: boolean;
  isRequired?: boolean;
  choices?: readonly string[] | undefined;
}

/** A field of a form with what it is; what is secret is never given back. */
export function Field({ label, help, isRequired, ...input }: FieldProps) {
  return (
    <label>
      {label}
      {!isRequired && <span class="faint"> (may be left out)</span>}
      <Input {...input} required={isRequired ?? false} />
      {help && <small>{help}</small>}
    </label>
  );
}

type InputProps = Pick<FieldProps, "name" | "value" | "isSecret" | "choices"> & { required: boolean };

function Input({ name, value = "", isSecret, choices, required }: InputProps) {
  const shared = { name, required, autocomplete: "off", spellcheck: false, maxLength: 5000 } as const;
  if (isSecret) return <input type="password" {...shared} />;
  if (!choices) return <input type="text" {...shared} value={value} />;
  return (
    <select name={name} required={required}>
      {!required && <option value="" />}
      {choices.map((choice) => (
        <option key={choice} value={choice} selected={choice === value}>
          {choice}
        </option>
      ))}
    </select>
  );
}
