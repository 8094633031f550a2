// People come here after paying, and Tollgate knows it by then.

import type { Metadata } from "next";
import Link from "next/link";
import { requireUser } from "../../lib/session";
import { accessIfKnown } from "../../lib/tollgate";
import { planName } from "../../lib/words";
import { Away, Frame } from "../frame";

export const metadata: Metadata = { title: "Welcome" };

export default async function Welcome() {
  const user = await requireUser();
  const known = await accessIfKnown(user);
  if (!known) return <Away user={user} path="/welcome" />;
  if (!known.granted) {
    // Some ways to pay take days. Nothing is wrong, and nothing is granted yet.
    return (
      <Frame user={user} known={known}>
        <meta httpEquiv="refresh" content="3" />
        <h1>Almost there</h1>
        <p className="soft">Your payment is not confirmed yet. This page looks again by itself.</p>
        <Link href="/">Back to the notes</Link>
      </Frame>
    );
  }
  return (
    <Frame user={user} known={known}>
      <h1>Welcome to {planName(known)}</h1>
      <p className="soft">Thank you! Your export is ready.</p>
      <div className="actions">
        <Link className="button" href="/export">Open the export</Link>
        <Link href="/">Back to the notes</Link>
      </div>
    </Frame>
  );
}
