"""Nothing twice: the database's own, whoever writes.

A seat (`unit`) and its time are laid on one line of whole numbers, 2^34 seconds for each unit, so that a plain int8range has
both and PostgreSQL needs no extension (btree_gist is not part of every server). The checks of 0001 keep an interval on
the part of the line that is its unit's. The index of the parts answers what is free.
"""

from django.db import migrations

UNIT_S = 1 << 34
NEVER_TWICE = f"""
ALTER TABLE bookings_taken ADD CONSTRAINT bookings_never_twice EXCLUDE USING gist (
    int8range(unit_id * {UNIT_S} + begins, unit_id * {UNIT_S} + ends) WITH &&
);
CREATE INDEX bookings_part_live ON bookings_part USING gist (
    int8range(resource_id * {UNIT_S} + begins, resource_id * {UNIT_S} + ends)
) WHERE live;
"""
BACK = """
DROP INDEX bookings_part_live;
ALTER TABLE bookings_taken DROP CONSTRAINT bookings_never_twice;
"""


class Migration(migrations.Migration):
    dependencies = [("bookings", "0001_initial")]
    operations = [migrations.RunSQL(NEVER_TWICE, BACK)]
