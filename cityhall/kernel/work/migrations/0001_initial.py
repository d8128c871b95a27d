from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="SetAside",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("work", models.CharField(max_length=100, verbose_name="work")),
                ("item", models.CharField(max_length=200, verbose_name="item")),
                ("problem", models.CharField(max_length=300, verbose_name="problem")),
                ("times", models.IntegerField(default=1, verbose_name="times")),
                ("last_at", models.DateTimeField(verbose_name="last")),
            ],
            options={
                "verbose_name": "set aside",
                "verbose_name_plural": "set aside",
                "indexes": [models.Index(fields=["last_at"], name="set_aside_last")],
                "constraints": [models.UniqueConstraint(fields=("work", "item"), name="set_aside_once")],
            },
        ),
    ]
