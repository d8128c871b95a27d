from django.db import migrations, models

import cityhall.kernel.places.point


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Fountain",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200)),
                ("point", cityhall.kernel.places.point.PointField()),
                ("works", models.BooleanField(default=True)),
            ],
        ),
    ]
