"""Verifies deliveries with Stripe's own library: one JSON object a line in, one event id a line out.

A delivery is {"body": base64, "header": text, "secret": text}; "refused" stands for one that the
library does not believe.
"""

import base64
import json
import sys

import stripe

for line in sys.stdin:
    delivery = json.loads(line)
    body = base64.b64decode(delivery["body"])
    try:
        event = stripe.Webhook.construct_event(body, delivery["header"], delivery["secret"])
        print(event.id)
    except stripe.SignatureVerificationError:
        print("refused")
