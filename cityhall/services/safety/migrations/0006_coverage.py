import cityhall.kernel.places.point
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('safety', '0005_meetings'),
    ]

    operations = [
        migrations.CreateModel(
            name='Coverage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('made_at', models.DateTimeField()),
                ('why', models.CharField(blank=True, choices=[('units', 'no unit is free'), ('streets', 'the city has no street graph')], max_length=10)),
                ('share', models.FloatField(default=0.0)),
                ('residents', models.BooleanField(default=False)),
                ('free', models.PositiveIntegerField(default=0)),
                ('cells', models.JSONField(default=list)),
                ('post', models.CharField(blank=True, max_length=100)),
                ('point', cityhall.kernel.places.point.OptionalPointField(null=True)),
                ('seconds', models.FloatField(null=True)),
                ('gain', models.FloatField(default=0.0)),
                ('share_then', models.FloatField(default=0.0)),
                ('capped', models.BooleanField(default=False)),
                ('unit', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='safety.unit')),
            ],
            options={
                'verbose_name': 'coverage',
                'verbose_name_plural': 'coverage',
            },
        ),
        migrations.CreateModel(
            name='Move',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.CharField(choices=[('offered', 'offered'), ('accepted', 'on its way'), ('there', 'there'), ('refused', 'refused'), ('lapsed', 'no answer'), ('over', 'needed elsewhere')], default='offered', max_length=10, verbose_name='state')),
                ('post', models.CharField(max_length=100, verbose_name='post')),
                ('point', cityhall.kernel.places.point.PointField(verbose_name='position')),
                ('gain', models.FloatField(verbose_name='gain')),
                ('offered_at', models.DateTimeField(verbose_name='offered')),
                ('answered_at', models.DateTimeField(null=True, verbose_name='answered')),
                ('ended_at', models.DateTimeField(null=True, verbose_name='ended')),
                ('unit', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='moves', to='safety.unit', verbose_name='unit')),
            ],
            options={
                'verbose_name': 'move',
                'verbose_name_plural': 'moves',
                'indexes': [models.Index(fields=['offered_at'], name='move_offered')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('state__in', ['offered', 'accepted'])), fields=('unit',), name='move_once')],
            },
        ),
    ]
