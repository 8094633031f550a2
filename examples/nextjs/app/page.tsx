// Free: this page is there also while Tollgate is not.

import Link from "next/link";
import { currentUser } from "../lib/session";
import { type Access, accessIfKnown } from "../lib/tollgate";
import { NOTES, planSentence } from "../lib/words";
import { manageBilling, signIn } from "./actions";
import { BuyButton, Frame } from "./frame";

export default async function Home({ searchParams }: PageProps<"/">) {
  const user = await currentUser();
  if (!user) return <SignIn />;
  const known = await accessIfKnown(user);
  const { checkout } = await searchParams;
  return (
    <Frame user={user} known={known}>
      <h1>Your notes</h1>
      {checkout === "canceled" && <p className="notice" role="status">You bought nothing, and nothing was charged.</p>}
      <ul className="notes">{NOTES.map((note) => <li key={note}>{note}</li>)}</ul>
      <Plan known={known} />
    </Frame>
  );
}

function Plan({ known }: { known?: Access }) {
  return (
    <section className="card">
      <h2>Your plan</h2>
      <p>{known ? planSentence(known) : "Your plan can't be looked up at the moment."}</p>
      <div className="actions">
        <Link className="button" href="/export">Export</Link>
        {known && !known.granted && <BuyButton className="quiet" />}
        {known?.customer_id && <form action={manageBilling}><button className="quiet">Manage billing</button></form>}
      </div>
    </section>
  );
}

function SignIn() {
  return (
    <Frame>
      <h1>A place for small thoughts</h1>
      <p className="soft">Writing is free. Taking everything with you is part of Pro.</p>
      <form className="card" action={signIn}>
        <label htmlFor="name">Your name</label>
        <input id="name" name="name" required maxLength={40} autoComplete="username" autoCapitalize="none" />
        <p className="soft">This is a demo: there is no password.</p>
        <div className="actions"><button>Sign in</button></div>
      </form>
    </Frame>
  );
}
