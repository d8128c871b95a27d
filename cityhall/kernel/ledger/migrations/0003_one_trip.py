"""One movement of two legs with its event in the journal, in one trip to the database; and by fewer steps in it.

`p_event` is the event's id (null: none is told). With `p_alone`, outside of a transaction, a movement of an account of
lots is not made (outcome "lots"): its lots must be kept in the same transaction. What another caller posted with the
same key at the same moment is found by the key, and not by an error.

Accounts have room on their pages, so that a new balance stays on its page and no index has to be told of it.
"""

from importlib import import_module

from django.db import migrations

before = import_module("cityhall.kernel.ledger.migrations.0002_books")

MOVE = """
CREATE FUNCTION ledger_move(
    p_uid uuid, p_kind text, p_subject text, p_effective timestamptz, p_digest bytea, p_reverses uuid, p_forced bool,
    p_debit bigint, p_credit bigint, p_amount bigint, p_alone bool,
    p_event uuid, p_actor text, p_time timestamptz, p_data jsonb,
    OUT outcome text, OUT account bigint, OUT lots bool
) LANGUAGE plpgsql AS $$
DECLARE
    debit ledger_account; credit ledger_account; known bytea; written timestamptz; has bigint; had bigint;
BEGIN
    -- In the order of their ids, as everybody locks them.
    IF p_debit < p_credit THEN
        SELECT * INTO debit FROM ledger_account a WHERE a.id = p_debit FOR NO KEY UPDATE;
        SELECT * INTO credit FROM ledger_account a WHERE a.id = p_credit FOR NO KEY UPDATE;
    ELSE
        SELECT * INTO credit FROM ledger_account a WHERE a.id = p_credit FOR NO KEY UPDATE;
        SELECT * INTO debit FROM ledger_account a WHERE a.id = p_debit FOR NO KEY UPDATE;
    END IF;
    IF debit.id IS NULL OR credit.id IS NULL THEN outcome := 'missing'; RETURN; END IF;
    lots := debit.lots OR credit.lots;
    IF lots AND p_alone THEN outcome := 'lots'; RETURN; END IF;
    SELECT p.digest INTO known FROM ledger_posting p WHERE p.uid = p_uid;
    IF known IS NOT NULL THEN outcome := CASE WHEN known = p_digest THEN 'again' ELSE 'other' END; RETURN; END IF;
    IF debit.unit <> credit.unit THEN outcome := 'unbalanced'; RETURN; END IF;
    IF debit.closed_at IS NOT NULL THEN outcome := 'closed'; account := p_debit; RETURN; END IF;
    IF credit.closed_at IS NOT NULL THEN outcome := 'closed'; account := p_credit; RETURN; END IF;
    written := greatest(clock_timestamp(), debit.changed_at, credit.changed_at);
    debit.posted := debit.posted + p_amount;
    credit.posted := credit.posted - p_amount;
    IF debit.floor IS NOT NULL THEN
        had := CASE WHEN debit.kind IN ('asset', 'expense') THEN p_amount ELSE -p_amount END;
        has := CASE WHEN had > 0 THEN debit.posted ELSE -debit.posted END - debit.held;
        IF has < debit.floor AND had < 0 AND NOT p_forced THEN outcome := 'short'; account := p_debit; RETURN; END IF;
        debit.debt := CASE WHEN p_forced THEN greatest(0, debit.floor - has)
            ELSE least(debit.debt, greatest(0, debit.floor - has)) END;
    END IF;
    IF credit.floor IS NOT NULL THEN
        had := CASE WHEN credit.kind IN ('asset', 'expense') THEN -p_amount ELSE p_amount END;
        has := CASE WHEN had > 0 THEN -credit.posted ELSE credit.posted END - credit.held;
        IF has < credit.floor AND had < 0 AND NOT p_forced THEN outcome := 'short'; account := p_credit; RETURN; END IF;
        credit.debt := CASE WHEN p_forced THEN greatest(0, credit.floor - has)
            ELSE least(credit.debt, greatest(0, credit.floor - has)) END;
    END IF;
    INSERT INTO ledger_posting (uid, kind, subject, at, effective_at, digest, reverses_id)
    VALUES (p_uid, p_kind, p_subject, written, coalesce(p_effective, written), p_digest, p_reverses)
    ON CONFLICT (uid) DO NOTHING;
    IF NOT FOUND THEN
        -- Committed meanwhile, between other accounts: another movement.
        outcome := 'other'; RETURN;
    END IF;
    INSERT INTO ledger_entry (posting_id, account_id, amount, posted, at)
    VALUES (p_uid, p_debit, p_amount, debit.posted, written), (p_uid, p_credit, -p_amount, credit.posted, written);
    UPDATE ledger_account a SET posted = debit.posted, debt = debit.debt, changed_at = written WHERE a.id = p_debit;
    UPDATE ledger_account a SET posted = credit.posted, debt = credit.debt, changed_at = written WHERE a.id = p_credit;
    IF p_event IS NOT NULL THEN
        PERFORM journal_append(
            p_event, 'ledger', 'posting.made', '/cityhall', 'posting:' || p_uid, p_actor, p_time, p_data
        );
    END IF;
    outcome := 'posted';
END $$;
"""
UNMOVE = """
DROP FUNCTION ledger_move(uuid, text, text, timestamptz, bytea, uuid, bool, bigint, bigint, bigint, bool, uuid, text,
    timestamptz, jsonb);
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_books"), ("journal", "0004_append")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE ledger_account SET (fillfactor = 60)", "ALTER TABLE ledger_account RESET (fillfactor)"
        ),
        migrations.RunSQL(before.UNMOVE, before.MOVE),
        migrations.RunSQL(MOVE, UNMOVE),
    ]
