"""Places of a kind are searched for: by an index."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("places", "0001_initial")]
    operations: ClassVar = [
        migrations.AddIndex("placename", models.Index(fields=["kind"], name="placename_kind")),
    ]
