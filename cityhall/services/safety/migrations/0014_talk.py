import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('safety', '0013_handovers'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='alert',
            name='unread_since',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='button',
            name='talk',
            field=models.CharField(blank=True, max_length=200, verbose_name='intercom'),
        ),
        migrations.AddField(
            model_name='line',
            name='key',
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddField(
            model_name='line',
            name='phrase',
            field=models.CharField(blank=True, max_length=20, verbose_name='quick reply'),
        ),
        migrations.AddField(
            model_name='line',
            name='seen_at',
            field=models.DateTimeField(null=True, verbose_name='read'),
        ),
        migrations.AddField(
            model_name='line',
            name='translations',
            field=models.JSONField(blank=True, default=dict, verbose_name='translations'),
        ),
        migrations.AddConstraint(
            model_name='line',
            constraint=models.UniqueConstraint(condition=models.Q(('key', ''), _negated=True), fields=('alert', 'key'), name='line_key'),
        ),
        migrations.CreateModel(
            name='Voice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.CharField(choices=[('asked', 'asking'), ('ringing', 'ringing'), ('speaking', 'speaking'), ('ended', 'ended'), ('failed', 'could not connect')], max_length=10, verbose_name='state')),
                ('hears', models.BooleanField(default=True)),
                ('offer', models.TextField(blank=True)),
                ('answer', models.TextField(blank=True)),
                ('asked_at', models.DateTimeField(verbose_name='asked')),
                ('began_at', models.DateTimeField(null=True, verbose_name='began')),
                ('ended_at', models.DateTimeField(null=True, verbose_name='ended')),
                ('alert', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='voices', to='safety.alert')),
                ('operator', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='operator')),
            ],
            options={
                'verbose_name': 'voice',
                'verbose_name_plural': 'voices',
                'ordering': ['pk'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('alert',), name='one_voice_an_alert')],
            },
        ),
    ]
