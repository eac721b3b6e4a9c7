import { sessionHours } from "../../http/sessions/sessions.ts";

/** Where a key is asked for; `back` is where to go afterwards. */
export function SignIn({ back, complaint }: { back: string; complaint?: string | undefined }) {
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
        <label>
          Key
          <input type="password" name="key" required autocomplete="current-password" autofocus spellcheck={false} />
        </label>
        <button type="submit" class="primary">
          Sign in
        </button>
      </form>
      <p class="hint">
        The value of <code>ADMIN_API_KEY</code>, or an integrator's key, which begins with <code>cb_</code>: the
        operator makes one at Settings, or by <code>POST /admin/keys</code>. What a key reaches by the API it reaches
        here. You stay signed in for {sessionHours} hours, or until the key ends.
      </p>
    </section>
  );
}
