"""A stand-in for Stripe's API over HTTP, with the objects of its public fixtures and books of its own.

It keeps idempotency keys as Stripe does: the same key is the same answer.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

FIXTURES = Path(__file__).parents[4] / "shared" / "data" / "money" / "providers" / "stripe-fixtures3.json"
SECRET = "whsec_test"
PREFIX = {"checkout.session": "cs", "payment_intent": "pi", "charge": "ch", "refund": "re", "dispute": "dp"}


def fixture(kind: str) -> dict[str, Any]:
    """An object as Stripe publishes it; its name and id where that file is not here."""
    found = json.loads(FIXTURES.read_text())["resources"] if FIXTURES.exists() else {}
    return dict(found.get(kind, {"object": kind, "created": 1_234_567_890, "metadata": {}, "currency": "usd"}))


def sign(body: bytes, at: int | None = None, secret: str = SECRET) -> str:
    """Stripe-Signature, by its documentation ("Verify webhook signatures manually")."""
    at = int(time.time()) if at is None else at
    made = hmac.new(secret.encode(), str(at).encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={made}"


class Books:
    """What this Stripe knows."""

    def __init__(self) -> None:
        self.of: dict[str, dict[str, dict[str, Any]]] = {}
        self.by_key: dict[str, dict[str, Any]] = {}
        self.asked: list[tuple[str, str]] = []
        self.down = False

    def put(self, kind: str, **values: Any) -> dict[str, Any]:
        prefix = {"checkout.session": "cs", "payment_intent": "pi", "charge": "ch", "refund": "re", "dispute": "dp"}[
            kind
        ]
        mine = self.of.setdefault(kind, {})
        thing = fixture(kind) | {"id": f"{prefix}_{len(mine) + 1}"} | values
        mine[thing["id"]] = thing
        return thing

    def pay(self, session: dict[str, Any], *, fee: int = 30) -> dict[str, Any]:
        """The payer has paid: a PaymentIntent and its charge."""
        pi = self.put(
            "payment_intent",
            status="succeeded",
            amount=session["amount_total"],
            currency=session["currency"],
            metadata=session["metadata"],
        )
        session["payment_intent"], session["status"] = pi["id"], "complete"
        return self.put(
            "charge",
            payment_intent=pi["id"],
            amount=pi["amount"],
            amount_captured=pi["amount"],
            captured=True,
            paid=True,
            status="succeeded",
            currency=pi["currency"],
            metadata=pi["metadata"],
            balance_transaction=fixture("balance_transaction") | {"id": f"txn_{pi['id']}", "fee": fee},
        )

    def answer(self, method: str, path: str, values: dict[str, str], key: str) -> tuple[int, dict[str, Any]]:
        self.asked.append((method, path))
        if self.down:
            return 503, {"error": {"type": "api_error", "message": "down"}}
        if key and key in self.by_key:
            return 200, self.by_key[key]
        status, made = self._do(method, path.removeprefix("/v1/"), values)
        if key and status == 200:
            self.by_key[key] = made
        return status, made

    def _do(self, method: str, path: str, values: dict[str, str]) -> tuple[int, dict[str, Any]]:
        metadata = {name[9:-1]: value for name, value in values.items() if name.startswith("metadata[")}
        match (method, *path.split("/")):
            case ("POST", "checkout", "sessions"):
                price = "line_items[0][price_data]"
                return 200, self.put(
                    "checkout.session",
                    status="open",
                    url="https://checkout.stripe.com/c/pay/1",
                    payment_intent=None,
                    currency=values[f"{price}[currency]"],
                    amount_total=int(values[f"{price}[unit_amount]"]),
                    client_reference_id=values["client_reference_id"],
                    metadata=metadata,
                    expires_at=int(values["expires_at"]),
                )
            case ("GET", "checkout", "sessions", ref):
                session = self.of["checkout.session"][ref]
                pi = self.of.get("payment_intent", {}).get(session["payment_intent"] or "")
                return 200, session | {"payment_intent": pi}
            case ("POST", "checkout", "sessions", ref, "expire"):
                session = self.of["checkout.session"][ref]
                if session["status"] != "open":
                    return 400, {"error": {"type": "invalid_request_error", "message": "not open"}}
                session["status"] = "expired"
                return 200, session
            case ("POST", "refunds"):
                pi, amount = values["payment_intent"], int(values["amount"])
                left = self.of["payment_intent"][pi]["amount"] - sum(
                    one["amount"] for one in self.of.get("refund", {}).values() if one["payment_intent"] == pi
                )
                if amount > left:
                    return 400, {"error": {"type": "invalid_request_error", "code": "charge_already_refunded"}}
                currency = self.of["payment_intent"][pi]["currency"]
                made = self.put(
                    "refund", payment_intent=pi, amount=amount, status="succeeded", metadata=metadata, currency=currency
                )
                return 200, made
            case ("GET", "charges" | "refunds" | "disputes" as many):
                found = self.of.get(many[:-1], {}).values()
                data = [one for one in found if one["payment_intent"] == values["payment_intent"]]
                return 200, {"object": "list", "data": data, "has_more": False, "url": path}
            case ("GET", "payment_intents", ref) if ref in self.of.get("payment_intent", {}):
                return 200, self.of["payment_intent"][ref]
        return 404, {"error": {"type": "invalid_request_error", "message": "no such thing"}}


@contextmanager
def served(books: Books) -> Iterator[str]:
    """The address at which it answers."""

    class Answers(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            values = dict(parse_qsl(body or parts.query, keep_blank_values=True))
            key = self.headers.get("Idempotency-Key", "") if self.command == "POST" else ""
            status, told = books.answer(self.command, parts.path, values, key)
            said = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST = _answer

        def log_message(self, *_arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
