"""The books: accounts, postings and their entries, holds, and the lots that points come in.

Amounts are whole numbers of a unit's smallest part (cents, points). An entry's amount is above zero for a debit and
below for a credit, so that the entries of a posting sum to zero; what an account *has* is its balance on its normal
side. `Posting`, `Entry` and `Use` may only be added to: what was wrong is put right by a posting that reverses it.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Kind(models.TextChoices):
    """The five kinds of accounts."""

    ASSET = "asset", pgettext_lazy("ledger", "asset")
    LIABILITY = "liability", pgettext_lazy("ledger", "liability")
    EQUITY = "equity", pgettext_lazy("ledger", "equity")
    INCOME = "income", pgettext_lazy("ledger", "income")
    EXPENSE = "expense", pgettext_lazy("ledger", "expense")


DEBIT_NORMAL = (Kind.ASSET, Kind.EXPENSE)
"""Accounts that a debit makes more of; the others grow by credits."""


class Account(models.Model):
    """An account in one unit ("MXN", "points").

    `key` names it for whoever owns it ("city:cash", "person:12:points"): never anything personal but a number.
    `posted` is the sum of its entries, debits less credits; `held` what open holds will take from its balance;
    `floor` the least that its balance less what is held may come to (None: no limit) and `debt` how far a posting
    that could not be refused took it below that. `lots`: its balance comes in lots that may expire. `changed_at` is the
    moment of its last entry. All of it is written by the same statement as the entries.
    """

    key = models.CharField(_("account"), max_length=200, unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    unit = models.CharField(_("unit"), max_length=20)
    posted = models.BigIntegerField(default=0)
    held = models.BigIntegerField(_("held"), default=0)
    floor = models.BigIntegerField(_("limit"), null=True)
    debt = models.BigIntegerField(_("debt"), default=0)
    lots = models.BooleanField(default=False)
    opened_at = models.DateTimeField(_("opened"))
    changed_at = models.DateTimeField(_("last entry"), null=True)
    closed_at = models.DateTimeField(_("closed"), null=True)

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        ordering: ClassVar = ["key"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(held__gte=0, debt__gte=0), name="ledger_account_held"),
            # The limit is the database's: whatever the program thinks, no race takes an account below it.
            models.CheckConstraint(
                condition=models.Q(floor=None)
                | models.Q(kind__in=DEBIT_NORMAL, floor__lte=models.F("posted") - models.F("held") + models.F("debt"))
                | (
                    ~models.Q(kind__in=DEBIT_NORMAL)
                    & models.Q(floor__lte=models.F("debt") - models.F("posted") - models.F("held"))
                ),
                name="ledger_account_floor",
            ),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def side(self) -> int:
        """1 where a debit makes it more, -1 where a credit does."""
        return 1 if self.kind in DEBIT_NORMAL else -1

    @property
    def balance(self) -> int:
        """What it has, on its normal side."""
        return self.side * self.posted

    @property
    def available(self) -> int:
        """What may be taken from it, down to a balance of zero."""
        return self.balance - self.held


class Posting(models.Model):
    """One movement, whose entries sum to zero in each unit. `uid` is its idempotency key.

    `kind` says what it was ("recycling.weighed"), `subject` what it is about ("pickup:12"), `effective_at` when it
    counts, `at` when it was written down. `reverses` is what it puts right, `hold` what it settles.
    """

    uid = models.UUIDField(primary_key=True)
    kind = models.CharField(_("kind"), max_length=100)
    subject = models.CharField(_("subject"), max_length=200, blank=True)
    at = models.DateTimeField(_("written"))
    effective_at = models.DateTimeField(_("counts from"))
    digest = models.BinaryField(max_length=16)
    reverses = models.ForeignKey("self", models.PROTECT, null=True, related_name="reversals", db_index=False)
    hold = models.ForeignKey("Hold", models.PROTECT, null=True, related_name="postings", db_index=False)

    class Meta:
        verbose_name = _("posting")
        verbose_name_plural = _("postings")
        indexes: ClassVar = [
            models.Index(fields=["at"], name="ledger_posting_at"),
            models.Index(fields=["subject"], condition=~models.Q(subject=""), name="ledger_posting_subject"),
            # Most reverse nothing and settle no hold.
            models.Index(fields=["reverses"], condition=~models.Q(reverses=None), name="ledger_posting_reverses"),
            models.Index(fields=["hold"], condition=~models.Q(hold=None), name="ledger_posting_hold"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.uid}"

    @property
    def ref(self) -> str:
        """What the journal calls it."""
        return f"posting:{self.uid}"


class Entry(models.Model):
    """A posting's part in one account: debit above zero, credit below. `posted` is the account's sum with it."""

    posting = models.ForeignKey(Posting, models.PROTECT, related_name="entries", db_constraint=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="entries", db_index=False, db_constraint=False)
    amount = models.BigIntegerField(_("amount"))
    posted = models.BigIntegerField(_("balance"))
    at = models.DateTimeField(_("written"))

    class Meta:
        verbose_name = _("entry")
        verbose_name_plural = _("entries")
        # A statement at any past instant is one look here.
        indexes: ClassVar = [models.Index(fields=["account", "at", "id"], name="ledger_entry_account")]
        constraints: ClassVar = [models.CheckConstraint(condition=~models.Q(amount=0), name="ledger_entry_amount")]

    def __str__(self) -> str:
        return f"{self.account_id} {self.amount}"


class State(models.TextChoices):
    """Where a hold stands."""

    HELD = "held", pgettext_lazy("hold", "held")
    POSTED = "posted", pgettext_lazy("hold", "posted")
    VOIDED = "voided", pgettext_lazy("hold", "voided")
    EXPIRED = "expired", pgettext_lazy("hold", "expired")


class Hold(models.Model):
    """A movement that is promised and not made: it is kept from being spent until it is posted, voided or expires.

    `uid` is its idempotency key. `amount` is debited from `debit` and credited to `credit` once it is posted, whole or
    in part; what is left of it is let go then.
    """

    uid = models.UUIDField(primary_key=True)
    kind = models.CharField(_("kind"), max_length=100)
    subject = models.CharField(_("subject"), max_length=200, blank=True)
    debit = models.ForeignKey(Account, models.PROTECT, related_name="+")
    credit = models.ForeignKey(Account, models.PROTECT, related_name="+")
    amount = models.BigIntegerField(_("amount"))
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.HELD)
    made_at = models.DateTimeField(_("made"))
    expires_at = models.DateTimeField(_("expires"), null=True)
    settled_at = models.DateTimeField(_("settled"), null=True)

    class Meta:
        verbose_name = _("hold")
        verbose_name_plural = _("holds")
        indexes: ClassVar = [
            models.Index(fields=["debit"], condition=models.Q(state=State.HELD), name="ledger_hold_debit"),
            models.Index(fields=["credit"], condition=models.Q(state=State.HELD), name="ledger_hold_credit"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="ledger_hold_amount"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.uid}"

    @property
    def ref(self) -> str:
        """What the journal and deadlines call it."""
        return f"hold:{self.uid}"


class Lot(models.Model):
    """Points that came at one time from one source, and go together where they are not spent by `expires_on`.

    `left` is what of `amount` is neither spent nor expired: the sum over an account's lots is its balance, or nothing
    where that is below zero. `origin` says where they come from ("recycling", "gift"); a campaign's are told from
    those that were earned.
    """

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    posting = models.ForeignKey(Posting, models.PROTECT, related_name="lots")
    origin = models.CharField(_("origin"), max_length=100)
    amount = models.BigIntegerField(_("amount"))
    left = models.BigIntegerField(_("left"))
    expires_on = models.DateField(_("expires"), null=True)

    class Meta:
        verbose_name = _("lot")
        verbose_name_plural = _("lots")
        indexes: ClassVar = [
            models.Index(
                fields=["account", "expires_on", "id"], condition=models.Q(left__gt=0), name="ledger_lot_left"
            ),
            models.Index(fields=["expires_on"], condition=models.Q(left__gt=0), name="ledger_lot_expires"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(amount__gt=0, left__gte=0, left__lte=models.F("amount")), name="ledger_lot_left_of"
            )
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.left}/{self.amount}"


class Use(models.Model):
    """What a posting took from a lot; below zero where it gave back."""

    lot = models.ForeignKey(Lot, models.PROTECT, related_name="uses")
    posting = models.ForeignKey(Posting, models.PROTECT, related_name="uses")
    amount = models.BigIntegerField(_("amount"))

    class Meta:
        verbose_name = _("use of a lot")
        verbose_name_plural = _("uses of lots")

    def __str__(self) -> str:
        return f"{self.lot_id} {self.amount}"


class Proof(models.Model):
    """What a night's proof found: how many faults, the first of them as [what, which, by how much]."""

    day = models.DateField(_("day"), unique=True)
    at = models.DateTimeField(_("proved"))
    faults = models.PositiveIntegerField(_("faults"))
    found = models.JSONField(default=list)

    class Meta:
        verbose_name = _("proof")
        verbose_name_plural = _("proofs")

    def __str__(self) -> str:
        return f"{self.at} {self.faults}"
