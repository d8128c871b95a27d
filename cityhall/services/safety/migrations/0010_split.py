import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('safety', '0009_premises'),
    ]

    operations = [
        migrations.AddField(
            model_name='alert',
            name='split_from',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='split_off', to='safety.alert'),
        ),
        migrations.AddIndex(
            model_name='alert',
            index=models.Index(condition=models.Q(('split_from__isnull', False)), fields=['split_from'], name='alert_split_from'),
        ),
    ]
