import cityhall.kernel.places.point
from django.db import migrations, models

VIEW = """
CREATE VIEW reports_publicreport AS
SELECT r.case_id AS id, r.shown AS point, c.slug AS category, c.names, c.color, r.state, r.filed_at AS at,
       r.supporters_count AS supporters
FROM reports_report r JOIN reports_category c ON c.id = r.category_id
WHERE r.public
"""


class Migration(migrations.Migration):
    dependencies = [("reports", "0001_initial")]

    operations = [
        migrations.RunSQL(VIEW, "DROP VIEW reports_publicreport"),
        migrations.CreateModel(
            name='PublicReport',
            fields=[
                ('id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('point', cityhall.kernel.places.point.PointField()),
                ('category', models.CharField(max_length=50)),
                ('names', models.JSONField()),
                ('color', models.CharField(max_length=7)),
                ('state', models.CharField(max_length=10)),
                ('at', models.DateTimeField()),
                ('supporters', models.PositiveIntegerField()),
            ],
            options={
                'db_table': 'reports_publicreport',
                'managed': False,
            },
        ),
    ]
