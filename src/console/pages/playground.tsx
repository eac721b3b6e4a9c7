import type { Calls } from "../calls.ts";
import { type Page, withoutEmpty } from "../frame/answer.ts";
import { Field } from "../frame/field.tsx";
import { Complaint, tryTo } from "../frame/try.tsx";

/** `GET /console/mappings/{id}/playground`: a webhook is pasted, and nothing of it is stored. */
export function playgroundPage(calls: Calls): Page {
  return async ({ caller, params }) => {
    const { body: mapping } = await calls.getMapping(caller, { params });
    return { title: "Playground", body: <Playground id={mapping.id} given={{}} /> };
  };
}

/** `POST /console/mappings/{id}/playground`: whether it would be accepted, what it is read as, and what HighLevel would get. */
export function previewPage(calls: Calls): Page {
  return async ({ caller, params, form }) => {
    const given = withoutEmpty(form);
    const { contentType, body = "" } = given;
    const sample = { ...(contentType === undefined ? {} : { contentType }), body };
    const tried = await tryTo(calls.previewWebhook(caller, { params, body: sample }));
    const shown = "problem" in tried ? undefined : tried.done.body;
    const problem = "problem" in tried ? tried.problem : undefined;
    return {
      title: "Playground",
      status: problem?.status ?? 200,
      body: (
        <>
          <Playground id={params["id"] ?? ""} given={given} />
          <Complaint problem={problem} />
          {shown && (
            <>
              <h2>What would become of it</h2>
              <p>
                {shown.verified
                  ? "It would be accepted as it is."
                  : "As it is it would be refused, as nothing in it proves who sent it: a sample without its signature always is."}
              </p>
              <pre tabIndex={0}>{JSON.stringify(shown.events, null, 2)}</pre>
            </>
          )}
        </>
      ),
    };
  };
}

function Playground({ id, given }: { id: string; given: Record<string, string> }) {
  return (
    <>
      <h1>Playground</h1>
      <p>
        Paste the body of a webhook as the provider posts it. Nothing is stored, and nobody is called.{" "}
        <a href={`/console/mappings/${encodeURIComponent(id)}`}>To the mapping</a>
      </p>
      <form class="fields" method="post" action={`/console/mappings/${encodeURIComponent(id)}/playground`}>
        <Field
          name="contentType"
          label="Content type"
          help="The provider's first one, if it is left out."
          value={given["contentType"]}
        />
        <label>
          Body
          <textarea name="body" required spellcheck={false}>
            {given["body"] ?? ""}
          </textarea>
        </label>
        <div class="actions">
          <button type="submit" class="primary">
            Read it
          </button>
        </div>
      </form>
    </>
  );
}
