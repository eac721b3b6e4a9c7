import { adminOperations } from "../../http/admin/operations.ts";
import type { Caller } from "../../http/caller.ts";
import { asWritten } from "../../http/openapi/form-fields.ts";
import { hrefWith } from "../frame/answer.ts";
import { isForInside } from "../frame/document.tsx";
import { Action } from "../frame/parts.tsx";
import { type DeedId, paramsOf, requireDeed } from "./deeds.ts";

/** Buttons for who may: one that takes nothing more does it at once, the others lead to a form, or to a question. */
export function Deeds({ caller, deeds, about }: { caller: Caller; deeds: DeedId[]; about: Record<string, unknown> }) {
  const may = deeds.filter(
    (id) =>
      (!caller.isInside || isForInside(`/do/${id}`)) &&
      (caller.who === "admin" || (caller.access === "write" && adminOperations[id].by === "any key")),
  );
  if (may.length === 0) return null;
  return (
    <div class="actions">
      {may.map((id) => {
        const { title, back, isFinal, isMain, operation } = requireDeed(id);
        const fields = Object.fromEntries(
          paramsOf(operation.path + (operation.body ? "" : back)).map((name) => [name, asWritten(about[name])]),
        );
        if (isFinal || operation.body)
          return (
            <a key={id} class="button" href={hrefWith(`/console/do/${id}`, fields)}>
              {title}…
            </a>
          );
        return (
          <Action key={id} to={`/console/do/${id}`} fields={fields} kind={isMain && "primary"}>
            {title}
          </Action>
        );
      })}
    </div>
  );
}
