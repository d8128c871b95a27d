from django.db import migrations, models

# As `createcachetable` makes it (django.core.cache.backends.db), so that it is there when the program first runs.
CACHE = """
CREATE TABLE limits_cache (cache_key varchar(255) PRIMARY KEY, value text NOT NULL, expires timestamptz NOT NULL);
CREATE INDEX limits_cache_expires ON limits_cache (expires);
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Spent",
            fields=[
                ("key", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("until", models.DateTimeField()),
            ],
            options={"indexes": [models.Index(fields=["until"], name="limits_until")]},
        ),
        migrations.RunSQL(CACHE, "DROP TABLE limits_cache"),
    ]
