"""What the app asks Tollgate. The key stays here, on the server: a browser never sees it."""

import os
import time
from collections import OrderedDict
from urllib.parse import quote

import httpx
from pydantic import BaseModel

# An access check stands in the way of every page; selling waits for Stripe.
CHECK_SECS = 2
SELL_SECS = 30
# How long the last answer stands in while Tollgate is away, and for how many users.
KEPT_SECS = 5 * 60
KEPT_MAX = 10_000


class Access(BaseModel):
    """What a user may use. Tollgate's answer has more; this is what the app looks at."""

    granted: bool
    plan: str
    features: list[str]
    customer_id: str | None
    cancel_at: str | None


class TollgateError(Exception):
    """An answer that is no success. `code` and `details` are Tollgate's, if it answered at all."""

    def __init__(self, message: str, code: str = "unreachable", details: dict | None = None):
        super().__init__(message)
        self.code = code
        self.details = details or {}


class Tollgate:
    """One for the whole app: it keeps its connections."""

    def __init__(self) -> None:
        key = os.environ.get("TOLLGATE_API_KEY")
        if not key:
            raise RuntimeError("TOLLGATE_API_KEY is not set; `tollgate dev` takes the key dev")
        url = os.environ.get("TOLLGATE_URL", "http://127.0.0.1:4242")
        self._http = httpx.AsyncClient(base_url=url, headers={"authorization": f"Bearer {key}"})
        self._kept: OrderedDict[str, tuple[float, Access]] = OrderedDict()

    async def close(self) -> None:
        await self._http.aclose()

    async def access(self, user: str) -> Access:
        """What may this user use?

        Tollgate is asked each time: that is one local read. While it is away, the last answer
        counts for some minutes. After that this raises, and the gate stays closed: an export can
        wait. Where locking out somebody who paid is worse than letting in somebody who did not,
        catch the error and let them in instead.
        """
        try:
            answer = await self._call("GET", f"/access/{quote(user, safe='')}", CHECK_SECS)
        except TollgateError:
            at, last = self._kept.get(user, (0.0, None))
            if last and time.monotonic() - at < KEPT_SECS:
                return last
            raise
        access = Access.model_validate(answer)
        self._keep(user, access)
        return access

    def _keep(self, user: str, access: Access) -> None:
        self._kept[user] = (time.monotonic(), access)
        self._kept.move_to_end(user)
        if len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)

    async def checkout_url(self, user: str, plan: str, period: str, return_to: str) -> str:
        """Where this user pays for a plan. Who has it already is sent to manage it."""
        body = {"user_id": user, "plan": plan, "period": period, "return_to": return_to}
        try:
            return (await self._call("POST", "/billing/checkout-session", SELL_SECS, body))["url"]
        except TollgateError as error:
            portal = error.details.get("portal_url")
            if error.code == "already_subscribed" and portal:
                return portal
            raise

    async def portal_url(self, user: str, return_to: str) -> str:
        """Where this user changes the card, sees invoices, and cancels."""
        body = {"user_id": user, "return_to": return_to}
        return (await self._call("POST", "/billing/portal", SELL_SECS, body))["url"]

    async def _call(self, method: str, path: str, timeout: float, body: dict | None = None) -> dict:
        try:
            response = await self._http.request(method, path, json=body, timeout=timeout)
            answer = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise TollgateError("Tollgate does not answer") from error
        if response.is_success:
            return answer
        raise TollgateError(answer.get("message"), answer.get("error"), answer.get("details"))
