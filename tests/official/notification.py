"""Verifies notifications with the library of Standard Webhooks: one JSON object a line in, one id a line out.

A notification is {"body": base64, "headers": object, "secret": text}; "refused" stands for one that
the library does not believe.
"""

import base64
import json
import sys

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

for line in sys.stdin:
    delivery = json.loads(line)
    body = base64.b64decode(delivery["body"])
    try:
        told = Webhook(delivery["secret"]).verify(body, delivery["headers"])
        print(told["id"])
    except WebhookVerificationError:
        print("refused")
