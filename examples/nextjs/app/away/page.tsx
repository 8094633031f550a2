// Where a button leads while Tollgate is away.

import { currentUser } from "../../lib/session";
import { Away } from "../frame";

export default async function AwayPage() {
  return <Away user={await currentUser()} path="/" />;
}
