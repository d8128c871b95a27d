"""The tables of the journal."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Entry(models.Model):
    """One event, a CloudEvent 1.0. `sequence`, `position` and `hash` are empty until the sealer has given it order.

    `entry` and `transaction` are only there to order events that are not sealed yet.
    """

    entry = models.BigAutoField(primary_key=True)
    id = models.UUIDField(unique=True)
    stream = models.CharField(max_length=100)
    type = models.CharField(max_length=200)
    source = models.CharField(max_length=200)
    subject = models.CharField(max_length=300, blank=True)
    actor = models.CharField(max_length=200, blank=True)
    time = models.DateTimeField()
    data = models.JSONField()
    transaction = models.BigIntegerField()
    sequence = models.BigIntegerField(null=True)
    position = models.BigIntegerField(null=True, unique=True)
    hash = models.BinaryField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["stream", "sequence"], name="journal_sequence_once"),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["transaction", "entry"],
                name="journal_unsealed",
                condition=models.Q(position__isnull=True),
            ),
            # The history of one thing is read by what the events are about.
            models.Index(fields=["subject", "entry"], name="journal_subject", condition=~models.Q(subject="")),
        ]


class Head(models.Model):
    """Where a stream's chain ends: a cut tail shows against it. The stream "" is all of them: the last position, and
    the hash over the hashes of all events in the order of positions."""

    stream = models.CharField(max_length=100, primary_key=True)
    sequence = models.BigIntegerField()
    hash = models.BinaryField()


class Cursor(models.Model):
    """How far a follower has come: the position of the last event it is done with."""

    name = models.CharField(max_length=100, primary_key=True)
    position = models.BigIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)


class Parked(models.Model):
    """An event that a follower failed on again and again; set aside so that the others go on."""

    follower = models.CharField(max_length=100)
    event = models.UUIDField()
    position = models.BigIntegerField()
    error = models.TextField()
    at = models.DateTimeField(auto_now_add=True)
