// What surrounds every page.

import Link from "next/link";
import type { ReactNode } from "react";
import type { Access } from "../lib/tollgate";
import { planName } from "../lib/words";
import { buy, signOut } from "./actions";

export function Frame({ user, known, children }: { user?: string; known?: Access; children: ReactNode }) {
  return (
    <>
      <header>
        <Link className="brand" href="/">Notes</Link>
        {user && <span className="who">{user}</span>}
        {known && <span className="badge">{planName(known)}</span>}
        {user && <form action={signOut}><button className="quiet">Sign out</button></form>}
      </header>
      <main>{children}</main>
    </>
  );
}

export function BuyButton({ className }: { className?: string }) {
  return <form action={buy}><button className={className}>Buy Pro</button></form>;
}

export function Away({ user, path }: { user?: string; path: string }) {
  return (
    <Frame user={user}>
      <h1>We can&apos;t look up your plan</h1>
      <p className="soft">That is our fault, not yours. Please try again in a minute.</p>
      <div className="actions"><a className="button" href={path}>Try again</a></div>
    </Frame>
  );
}
