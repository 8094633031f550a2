// Runs once, when the server starts.

export function register() {
  if (!process.env.TOLLGATE_API_KEY) throw new Error("TOLLGATE_API_KEY is not set; `tollgate dev` takes the key dev");
  // Without a secret of its own, a restart signs everybody out.
  process.env.SESSION_SECRET ??= crypto.randomUUID() + crypto.randomUUID();
}
