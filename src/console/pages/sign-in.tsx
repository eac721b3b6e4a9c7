import { sessionHours } from "../../http/sessions/sessions.ts";

type SignInProps = { back: string; complaint?: string | undefined; code?: string | undefined };

/** Where a key is asked for; `back` is where to go afterwards. A link's `code` is in the place of the key. */
export function SignIn({ back, complaint, code }: SignInProps) {
  return (
    <section class="sign-in">
      <h1>Conversation Bridge</h1>
      {complaint !== undefined && (
        <p class="complaint" role="alert">
          {complaint}
        </p>
      )}
      <form method="post" action="/console/sign-in">
        <input type="hidden" name="back" value={back} />
        <input name="username" autocomplete="username" value="Conversation Bridge" hidden />
        {code === undefined ? (
          <label>
            Key
            <input type="password" name="key" required autocomplete="current-password" autofocus spellcheck={false} />
          </label>
        ) : (
          <input type="hidden" name="code" value={code} />
        )}
        <button type="submit" class="primary">
          Sign in
        </button>
      </form>
      <p class="hint">
        {code === undefined ? (
          <>
            The value of <code>ADMIN_API_KEY</code>, or an integrator's key, which begins with <code>cb_</code>: the
            operator makes one at Settings, or by <code>POST /admin/keys</code>. What a key reaches by the API it
            reaches here.
          </>
        ) : (
          "The link that you followed signs you in, once."
        )}{" "}
        You stay signed in for {sessionHours} hours, or until the key ends.
      </p>
    </section>
  );
}

/** What HighLevel's page, in which it stands, is asked for by the script. */
export function Inside({ isRefused }: { isRefused: boolean }) {
  return (
    <section class="sign-in">
      <h1>Conversation Bridge</h1>
      <p role="status">
        {isRefused
          ? "HighLevel's word on who you are says nothing here: the app's shared secret is another one, or this sub-account is not connected."
          : "HighLevel is asked who you are. This page is for its frames alone."}
      </p>
      <form method="post" action="/console/inside" data-ask={isRefused ? undefined : ""}>
        <input type="hidden" name="context" />
      </form>
    </section>
  );
}
