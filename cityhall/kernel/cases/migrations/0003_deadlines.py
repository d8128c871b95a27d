"""When a case must be looked at is a deadline now, and no column of its own."""

from django.db import migrations

SET = """
INSERT INTO deadlines_deadline (kind, subject, level, due_at, next_at, version, attempts, problem, data)
SELECT 'cases.clock', 'case:' || id, 0, moment, moment, 0, 0, '', '{}'
FROM (
    SELECT id, CASE WHEN state = 'resolved' THEN done_at + interval '7 days' ELSE look_at END AS moment
    FROM cases_case
) AS found WHERE moment IS NOT NULL
ON CONFLICT DO NOTHING
"""
BACK = """
UPDATE cases_case SET look_at = d.due_at FROM deadlines_deadline AS d
WHERE d.kind = 'cases.clock' AND d.subject = 'case:' || cases_case.id AND cases_case.state <> 'resolved';
DELETE FROM deadlines_deadline WHERE kind = 'cases.clock'
"""


class Migration(migrations.Migration):
    dependencies = [("cases", "0002_in_order_of_due"), ("deadlines", "0001_initial")]

    operations = [
        migrations.RunSQL(SET, BACK),
        migrations.RemoveIndex("case", "case_look_at"),
        migrations.RemoveIndex("case", "case_resolved"),
        migrations.RemoveField("case", "look_at"),
    ]
