"""Drives a sandbox with Stripe's own library: `sdk.py ORIGIN KEY`.

Every function named `test_…` is run and states facts; one that does not hold ends the program with 1.
"""

import sys
import traceback
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Event, Thread

import stripe

ORIGIN, KEY = sys.argv[1:3]
APRIL = 1806537600
MAY = APRIL + 30 * 86_400
PATIENCE_SECS = 30

client = stripe.StripeClient(KEY, base_addresses={"api": ORIGIN}, max_network_retries=0)
v1 = client.v1
facts = 0


def holds(fact, what=""):
    global facts
    assert fact, what
    facts += 1


def refused(error, call, **wanted):
    try:
        call()
    except error as refusal:
        for name, value in wanted.items():
            holds(getattr(refusal, name) == value, f"{name}: {getattr(refusal, name)!r}")
        return refusal
    raise AssertionError(f"no {error.__name__}")


def payer(card="pm_card_visa", **more):
    customer = v1.customers.create({"email": "ada@example.com", **more})
    method = v1.payment_methods.attach(card, {"customer": customer.id})
    settings = {"default_payment_method": method.id}
    return v1.customers.update(customer.id, {"invoice_settings": settings})


def monthly(unit_amount=1000):
    return v1.prices.create(
        {
            "currency": "usd",
            "unit_amount": unit_amount,
            "recurring": {"interval": "month"},
            "product_data": {"name": "Pro"},
        }
    )


def subscriber(**more):
    clock = v1.test_helpers.test_clocks.create({"frozen_time": APRIL})
    customer = payer(test_clock=clock.id)
    params = {"customer": customer.id, "items": [{"price": monthly().id}], **more}
    return clock, customer, v1.subscriptions.create(params)


def advance(clock, moment):
    v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": moment})
    for _ in range(1000):
        if v1.test_helpers.test_clocks.retrieve(clock.id).status == "ready":
            return
    raise AssertionError("the clock is never ready")


def test_catalog():
    customer = v1.customers.create({"name": "Ada", "metadata": {"user": "7"}})
    holds(v1.customers.retrieve(customer.id).metadata["user"] == "7")
    holds(v1.customers.update(customer.id, {"name": "Grace"}).name == "Grace")
    product = v1.products.create({"name": "Pro"})
    price = v1.prices.create({"currency": "usd", "unit_amount": 500, "product": product.id})
    holds(v1.prices.list({"product": product.id}).data[0].id == price.id)
    coupon = v1.coupons.create({"percent_off": 25, "duration": "once"})
    promotion = {"type": "coupon", "coupon": coupon.id}
    code = v1.promotion_codes.create({"promotion": promotion, "code": "PYTHON"})
    holds(v1.promotion_codes.list({"code": "PYTHON"}).data[0].id == code.id)
    feature = v1.entitlements.features.create({"name": "Export", "lookup_key": "python"})
    given = v1.products.features.create(product.id, {"entitlement_feature": feature.id})
    holds(given.entitlement_feature.id == feature.id)
    holds(v1.coupons.delete(coupon.id).deleted)
    holds(v1.customers.delete(customer.id).deleted)


def test_paging():
    email = "python@example.com"
    made = [v1.customers.create({"email": email}).id for _ in range(25)]
    listed = v1.customers.list({"email": email, "limit": 10})
    holds([it.id for it in listed.auto_paging_iter()] == made[::-1])
    back = v1.customers.list({"email": email, "limit": 10, "ending_before": made[0]})
    holds([it.id for it in back.auto_paging_iter()] == made[1:])


def test_idempotency():
    options = {"idempotency_key": "the-key-of-python"}
    first = v1.customers.create({"name": "Once"}, options)
    holds(v1.customers.create({"name": "Once"}, options).id == first.id)
    refused(stripe.IdempotencyError, lambda: v1.customers.create({"name": "Two"}, options))


def test_errors():
    missing = lambda: v1.customers.retrieve("cus_nobody")
    refused(stripe.InvalidRequestError, missing, http_status=404, code="resource_missing", param="id")
    unknown = lambda: v1.customers.create({"moon": "full"})
    refused(stripe.InvalidRequestError, unknown, code="parameter_unknown", param="moon")
    other = stripe.StripeClient("sk_live_not_for_a_sandbox", base_addresses={"api": ORIGIN})
    refused(stripe.AuthenticationError, lambda: other.v1.customers.list(), http_status=401)
    methods = {"enabled": True, "allow_redirects": "never"}
    paying = {"amount": 100, "currency": "usd", "confirm": True, "automatic_payment_methods": methods}
    paying["payment_method"] = "pm_card_visa_chargeDeclined"
    declined = refused(stripe.CardError, lambda: v1.payment_intents.create(paying), code="card_declined")
    holds(declined.error.decline_code == "generic_decline")


def test_payments():
    methods = {"enabled": True, "allow_redirects": "never"}
    paying = {"amount": 2000, "currency": "usd", "automatic_payment_methods": methods}
    intent = v1.payment_intents.create(paying)
    done = v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    holds(done.status == "succeeded")
    refund = v1.refunds.create({"payment_intent": intent.id, "amount": 500})
    holds(v1.charges.retrieve(refund.charge).amount_refunded == 500)
    kept = {"confirm": True, "payment_method": "pm_card_visa", "automatic_payment_methods": methods}
    holds(v1.setup_intents.create(kept).status == "succeeded")
    v1.payment_intents.create({**paying, "confirm": True, "payment_method": "pm_card_createDispute"})
    dispute = v1.disputes.list({"limit": 1}).data[0]
    holds(v1.disputes.close(dispute.id).status == "lost")


def test_subscriptions():
    clock, customer, subscription = subscriber()
    holds(subscription.status == "active")
    item = subscription["items"].data[0]
    holds(item.current_period_end == MAY)
    change = {"items": [{"id": item.id, "price": monthly(3000).id}], "proration_behavior": "none"}
    preview = v1.invoices.create_preview({"subscription": subscription.id, "subscription_details": change})
    holds(preview.total == 3000)
    v1.subscriptions.update(subscription.id, change)
    advance(clock, MAY + 7200)
    invoices = v1.invoices.list({"subscription": subscription.id}).data
    holds([it.total for it in invoices] == [3000, 1000])
    payment = v1.invoice_payments.list({"invoice": invoices[0].id}).data[0]
    holds(payment.status == "paid")
    schedule = v1.subscription_schedules.create({"from_subscription": subscription.id})
    holds(v1.subscription_schedules.release(schedule.id).status == "released")
    holds(v1.subscriptions.cancel(subscription.id).status == "canceled")
    holds(v1.subscriptions.list({"customer": customer.id}).data == [])


def test_invoices():
    customer = payer()
    v1.invoice_items.create({"customer": customer.id, "amount": 700, "currency": "usd"})
    draft = v1.invoices.create({"customer": customer.id, "pending_invoice_items_behavior": "include"})
    holds(v1.invoices.finalize_invoice(draft.id).status == "open")
    holds(v1.invoices.pay(draft.id).status == "paid")
    holds(v1.invoices.line_items.list(draft.id).data[0].amount == 700)


def test_pages():
    customer = payer()
    params = {"mode": "subscription", "customer": customer.id, "success_url": "https://example.com"}
    session = v1.checkout.sessions.create({**params, "line_items": [{"price": monthly().id, "quantity": 1}]})
    holds(session.url and session.status == "open")
    holds(v1.checkout.sessions.expire(session.id).status == "expired")
    configuration = v1.billing_portal.configurations.create({"features": {"invoice_history": {"enabled": True}}})
    holds(configuration.features.invoice_history.enabled)
    portal = v1.billing_portal.sessions.create({"customer": customer.id, "configuration": configuration.id})
    holds(portal.url and portal.configuration == configuration.id)


class Hook(BaseHTTPRequestHandler):
    """Keeps what comes and answers 200."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.deliveries.append((body, self.headers["stripe-signature"]))
        self.send_response(200)
        self.end_headers()
        self.server.arrived.set()

    def log_message(self, *_):
        pass


def hook():
    server = HTTPServer(("127.0.0.1", 0), Hook)
    server.deliveries, server.arrived = [], Event()
    Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_port}/hook"


def test_webhooks():
    server, url = hook()
    endpoint = v1.webhook_endpoints.create({"url": url, "enabled_events": ["customer.created"]})
    customer = v1.customers.create({"name": "Ada"})
    holds(server.arrived.wait(PATIENCE_SECS), "nothing came")
    body, header = server.deliveries[0]
    event = client.construct_event(body, header, endpoint.secret)
    holds(event.data.object.id == customer.id)
    refused(stripe.SignatureVerificationError, lambda: client.construct_event(body, header, "whsec_another"))
    holds(v1.events.retrieve(event.id).type == "customer.created")
    holds(v1.webhook_endpoints.delete(endpoint.id).deleted)


def test_thin_events():
    server, url = hook()
    destination = client.v2.core.event_destinations.create(
        {
            "name": "thin",
            "type": "webhook_endpoint",
            "event_payload": "thin",
            "enabled_events": ["v1.customer.created"],
            "webhook_endpoint": {"url": url},
            "include": ["webhook_endpoint.signing_secret"],
        }
    )
    customer = v1.customers.create({"name": "Ada"})
    holds(server.arrived.wait(PATIENCE_SECS), "nothing came")
    body, header = server.deliveries[0]
    secret = destination.webhook_endpoint.signing_secret
    notification = client.parse_event_notification(body, header, secret)
    holds(notification.type == "v1.customer.created")
    holds(notification.fetch_related_object().id == customer.id)
    holds(notification.fetch_event().id == notification.id)
    client.v2.core.event_destinations.delete(destination.id)


failed = []
for name, run in [it for it in globals().items() if it[0].startswith("test_")]:
    try:
        run()
    except Exception:
        failed.append(name)
        traceback.print_exc()

print(f"{facts} facts held")
if failed:
    sys.exit(f"failed: {', '.join(failed)}")
