// The gate. A page has no status of its own in Next: what a program fetches belongs into a route
// handler, which can answer 402.

import type { Metadata } from "next";
import Link from "next/link";
import { requireUser } from "../../lib/session";
import { accessIfKnown } from "../../lib/tollgate";
import { NOTES } from "../../lib/words";
import { Away, BuyButton, Frame } from "../frame";

export const metadata: Metadata = { title: "Export" };

export default async function Export() {
  const user = await requireUser();
  const known = await accessIfKnown(user);
  if (!known) return <Away user={user} path="/export" />;
  if (!known.features.includes("export")) {
    return (
      <Frame user={user} known={known}>
        <h1>The export is part of Pro</h1>
        <p className="soft">All your notes in one file, whenever you want them.</p>
        <div className="card">
          <p>Pro is paid by the month. Cancel any time, and keep it until the month is over.</p>
          <div className="actions"><BuyButton /><Link href="/">Not now</Link></div>
        </div>
      </Frame>
    );
  }
  return (
    <Frame user={user} known={known}>
      <h1>Your export</h1>
      <p className="soft">{NOTES.length} notes, as Markdown.</p>
      <pre>{NOTES.map((note) => `- ${note}\n`).join("")}</pre>
      <Link href="/">Back to the notes</Link>
    </Frame>
  );
}
