"""What the database itself keeps of the books: no row of them changes, and one function writes them.

`ledger_post` takes many movements at once, in their order, and says of each what became of it. It locks the accounts in
the order of their ids, so that no two callers wait on one another for ever; it reckons each movement on what those
before it left; and it writes postings, entries and balances by one statement each.
"""

from django.db import migrations

PROTECT = """
CREATE FUNCTION ledger_protect() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the books are append-only: % of % refused', lower(TG_OP), TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', HINT = 'Post what reverses it.';
END $$;
CREATE TRIGGER ledger_no_change BEFORE UPDATE OR DELETE ON ledger_posting
    FOR EACH ROW EXECUTE FUNCTION ledger_protect();
CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON ledger_posting
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_protect();
CREATE TRIGGER ledger_no_change BEFORE UPDATE OR DELETE ON ledger_entry
    FOR EACH ROW EXECUTE FUNCTION ledger_protect();
CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON ledger_entry
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_protect();
CREATE TRIGGER ledger_no_change BEFORE UPDATE OR DELETE ON ledger_use
    FOR EACH ROW EXECUTE FUNCTION ledger_protect();
CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON ledger_use
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_protect();
"""
UNPROTECT = """
DROP TRIGGER ledger_no_truncate ON ledger_use;
DROP TRIGGER ledger_no_change ON ledger_use;
DROP TRIGGER ledger_no_truncate ON ledger_entry;
DROP TRIGGER ledger_no_change ON ledger_entry;
DROP TRIGGER ledger_no_truncate ON ledger_posting;
DROP TRIGGER ledger_no_change ON ledger_posting;
DROP FUNCTION ledger_protect();
"""

# Arrays are read by place: p_ are the movements, a_ the accounts (sorted, each once), l_ the legs in the order of their
# movements, with the places of movement and account and what they change of posted and held.
POST = """
CREATE FUNCTION ledger_post(
    p_uid uuid[], p_kind text[], p_subject text[], p_effective timestamptz[], p_digest bytea[], p_reverses uuid[],
    p_hold uuid[], p_forced bool[], a_id bigint[], l_place int[], l_account int[], l_amount bigint[], l_held bigint[]
) RETURNS TABLE (place int, outcome text, account bigint, lots bool) LANGUAGE plpgsql AS $$
DECLARE
    known bigint[]; now_sides int[]; now_units text[]; now_posted bigint[]; now_held bigint[]; now_floors bigint[]; now_debts bigint[];
    now_shut bool[]; latest timestamptz; was_uid uuid[]; was_digest bytea[];
    written timestamptz; legs int := coalesce(array_length(l_place, 1), 0); leg int := 1; first int; next int;
    spot int; at_fault bigint; said text; had bigint; has bigint; dues text;
    good bool[]; e_place int[] := '{}'; e_spot int[] := '{}'; e_amount bigint[] := '{}';
    e_posted bigint[] := '{}'; old_posted bigint[]; old_held bigint[]; old_debts bigint[];
BEGIN
    SELECT array_agg(one.id), array_agg(CASE WHEN one.kind IN ('asset', 'expense') THEN 1 ELSE -1 END),
        array_agg(one.unit), array_agg(one.posted), array_agg(one.held), array_agg(one.floor), array_agg(one.debt),
        array_agg(one.closed_at IS NOT NULL), max(one.changed_at), bool_or(one.lots)
    INTO known, now_sides, now_units, now_posted, now_held, now_floors, now_debts, now_shut, latest, lots
    FROM (SELECT * FROM ledger_account a WHERE a.id = ANY (a_id) ORDER BY a.id FOR NO KEY UPDATE) AS one;
    IF known IS DISTINCT FROM a_id THEN
        RAISE EXCEPTION 'there is no such account' USING ERRCODE = 'foreign_key_violation';
    END IF;
    -- Whoever wrote the same key before had the same accounts locked, and is done.
    SELECT array_agg(p.uid), array_agg(p.digest) INTO was_uid, was_digest
    FROM ledger_posting p WHERE p.uid = ANY (p_uid);
    -- No clock that is set back puts an entry before the one that it comes after.
    written := greatest(clock_timestamp(), latest);
    good := array_fill(false, ARRAY[array_length(p_uid, 1)]);
    FOR one IN 1 .. array_length(p_uid, 1) LOOP
        first := leg;
        WHILE leg <= legs AND l_place[leg] = one LOOP leg := leg + 1; END LOOP;
        next := leg;
        spot := array_position(was_uid, p_uid[one]);
        IF spot IS NOT NULL THEN
            place := one; account := NULL;
            outcome := CASE WHEN was_digest[spot] = p_digest[one] THEN 'again' ELSE 'other' END;
            RETURN NEXT;
            CONTINUE;
        END IF;
        said := NULL;
        IF next - first = 2 THEN
            IF l_amount[first] + l_amount[first + 1] <> 0
                OR now_units[l_account[first]] <> now_units[l_account[first + 1]] THEN said := 'unbalanced'; END IF;
        ELSE
            SELECT string_agg(unit, ',') INTO dues FROM (
                SELECT now_units[l_account[n]] AS unit FROM generate_series(first, next - 1) AS n
                GROUP BY 1 HAVING sum(l_amount[n]) <> 0) AS uneven;
            IF dues IS NOT NULL OR next = first THEN said := 'unbalanced'; END IF;
        END IF;
        IF said IS NULL THEN
            old_posted := now_posted; old_held := now_held; old_debts := now_debts;
            FOR n IN first .. next - 1 LOOP
                spot := l_account[n];
                had := now_sides[spot] * now_posted[spot] - now_held[spot];
                now_posted[spot] := now_posted[spot] + l_amount[n];
                now_held[spot] := now_held[spot] + l_held[n];
                has := now_sides[spot] * now_posted[spot] - now_held[spot];
                IF now_shut[spot] THEN said := 'closed'; at_fault := known[spot]; EXIT; END IF;
                IF now_held[spot] < 0 THEN said := 'held'; at_fault := known[spot]; EXIT; END IF;
                IF now_floors[spot] IS NOT NULL THEN
                    IF has < now_floors[spot] AND has < had AND NOT p_forced[one] THEN
                        said := 'short'; at_fault := known[spot]; EXIT;
                    END IF;
                    IF p_forced[one] THEN now_debts[spot] := greatest(0, now_floors[spot] - has);
                    ELSE now_debts[spot] := least(now_debts[spot], greatest(0, now_floors[spot] - has)); END IF;
                END IF;
            END LOOP;
            IF said IS NOT NULL THEN now_posted := old_posted; now_held := old_held; now_debts := old_debts; END IF;
        END IF;
        place := one;
        IF said IS NOT NULL THEN
            outcome := said; account := CASE WHEN said = 'unbalanced' THEN NULL ELSE at_fault END;
            RETURN NEXT;
            CONTINUE;
        END IF;
        good[one] := true;
        was_uid := was_uid || p_uid[one];
        was_digest := was_digest || p_digest[one];
        FOR n IN first .. next - 1 LOOP
            IF l_amount[n] <> 0 THEN
                e_place := e_place || one; e_spot := e_spot || l_account[n]; e_amount := e_amount || l_amount[n];
                e_posted := e_posted || now_posted[l_account[n]];
            END IF;
        END LOOP;
        outcome := 'posted'; account := NULL;
        RETURN NEXT;
    END LOOP;
    INSERT INTO ledger_posting (uid, kind, subject, at, effective_at, digest, reverses_id, hold_id)
    SELECT m.uid, m.kind, m.subject, written, coalesce(m.effective, written), m.digest, m.reverses, m.hold
    FROM unnest(p_uid, p_kind, p_subject, p_effective, p_digest, p_reverses, p_hold, good)
        AS m (uid, kind, subject, effective, digest, reverses, hold, good) WHERE m.good;
    INSERT INTO ledger_entry (posting_id, account_id, amount, posted, at)
    SELECT p_uid[e.place], known[e.spot], e.amount, e.posted, written
    FROM unnest(e_place, e_spot, e_amount, e_posted) WITH ORDINALITY AS e (place, spot, amount, posted, n) ORDER BY e.n;
    UPDATE ledger_account AS a SET posted = c.posted, held = c.held, debt = c.debt, changed_at = written
    FROM unnest(known, now_posted, now_held, now_debts) AS c (id, posted, held, debt)
    WHERE a.id = c.id AND (a.posted, a.held, a.debt) IS DISTINCT FROM (c.posted, c.held, c.debt);
END $$;
"""
# The same of one movement of two legs, which most are that come alone: nothing is put into arrays and taken out again.
MOVE = """
CREATE FUNCTION ledger_move(
    p_uid uuid, p_kind text, p_subject text, p_effective timestamptz, p_digest bytea, p_reverses uuid, p_forced bool,
    p_debit bigint, p_credit bigint, p_amount bigint
) RETURNS TABLE (outcome text, account bigint, lots bool) LANGUAGE plpgsql AS $$
DECLARE
    debit ledger_account; credit ledger_account; one ledger_account; known bytea; written timestamptz;
    had bigint; has bigint;
BEGIN
    FOR one IN SELECT * FROM ledger_account a WHERE a.id IN (p_debit, p_credit) ORDER BY a.id FOR NO KEY UPDATE LOOP
        IF one.id = p_debit THEN debit := one; ELSE credit := one; END IF;
    END LOOP;
    IF debit.id IS NULL OR credit.id IS NULL THEN
        RAISE EXCEPTION 'there is no such account' USING ERRCODE = 'foreign_key_violation';
    END IF;
    lots := debit.lots OR credit.lots;
    SELECT p.digest INTO known FROM ledger_posting p WHERE p.uid = p_uid;
    IF known IS NOT NULL THEN
        outcome := CASE WHEN known = p_digest THEN 'again' ELSE 'other' END; RETURN NEXT; RETURN;
    END IF;
    IF debit.unit <> credit.unit THEN outcome := 'unbalanced'; RETURN NEXT; RETURN; END IF;
    written := greatest(clock_timestamp(), debit.changed_at, credit.changed_at);
    debit.posted := debit.posted + p_amount;
    credit.posted := credit.posted - p_amount;
    FOREACH one IN ARRAY ARRAY[debit, credit] LOOP
        account := one.id;
        IF one.closed_at IS NOT NULL THEN outcome := 'closed'; RETURN NEXT; RETURN; END IF;
        IF one.floor IS NOT NULL THEN
            has := CASE WHEN one.kind IN ('asset', 'expense') THEN one.posted ELSE -one.posted END - one.held;
            had := has - CASE WHEN (one.kind IN ('asset', 'expense')) = (one.id = p_debit)
                THEN p_amount ELSE -p_amount END;
            IF has < one.floor AND has < had AND NOT p_forced THEN outcome := 'short'; RETURN NEXT; RETURN; END IF;
            has := CASE WHEN p_forced THEN greatest(0, one.floor - has)
                ELSE least(one.debt, greatest(0, one.floor - has)) END;
            IF one.id = p_debit THEN debit.debt := has; ELSE credit.debt := has; END IF;
        END IF;
    END LOOP;
    INSERT INTO ledger_posting (uid, kind, subject, at, effective_at, digest, reverses_id)
    VALUES (p_uid, p_kind, p_subject, written, coalesce(p_effective, written), p_digest, p_reverses);
    INSERT INTO ledger_entry (posting_id, account_id, amount, posted, at)
    VALUES (p_uid, p_debit, p_amount, debit.posted, written), (p_uid, p_credit, -p_amount, credit.posted, written);
    UPDATE ledger_account a SET posted = debit.posted, debt = debit.debt, changed_at = written WHERE a.id = p_debit;
    UPDATE ledger_account a SET posted = credit.posted, debt = credit.debt, changed_at = written WHERE a.id = p_credit;
    outcome := 'posted'; account := NULL; RETURN NEXT;
END $$;
"""
UNMOVE = """
DROP FUNCTION ledger_move(uuid, text, text, timestamptz, bytea, uuid, bool, bigint, bigint, bigint);
"""
UNPOST = """
DROP FUNCTION ledger_post(uuid[], text[], text[], timestamptz[], bytea[], uuid[], uuid[], bool[], bigint[], int[],
    int[], bigint[], bigint[]);
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]
    operations = [
        migrations.RunSQL(PROTECT, UNPROTECT),
        migrations.RunSQL(POST, UNPOST),
        migrations.RunSQL(MOVE, UNMOVE),
    ]
