import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ('safety', '0011_exercises'),
    ]

    operations = [
        migrations.AlterField(
            model_name='alert',
            name='door',
            field=models.CharField(choices=[('pole', 'street pole'), ('bus', 'bus'), ('taxi', 'taxi'), ('business', 'business'), ('phone', 'telephone'), ('sms', 'text message'), ('unit', 'unit'), ('centre', 'neighbouring centre')], max_length=10, verbose_name='from'),
        ),
        migrations.CreateModel(
            name='Centre',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, unique=True, verbose_name='name')),
                ('url', models.URLField(verbose_name='address')),
                ('outgoing', models.BinaryField(verbose_name='token, sealed')),
                ('incoming', models.BinaryField(max_length=32, unique=True)),
                ('takes_unanswered', models.BooleanField(default=False, verbose_name='takes what nobody answers')),
                ('enabled', models.BooleanField(default=True, verbose_name='in service')),
            ],
            options={
                'verbose_name': 'neighbouring centre',
                'verbose_name_plural': 'neighbouring centres',
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='Passing',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.CharField(choices=[('queued', 'not delivered yet'), ('delivered', 'delivered, not acknowledged yet'), ('acknowledged', 'acknowledged: they have it'), ('refused', 'refused'), ('failed', 'could not be delivered')], default='queued', max_length=12, verbose_name='state')),
                ('reason', models.CharField(blank=True, max_length=300, verbose_name='reason')),
                ('at', models.DateTimeField(verbose_name='passed on')),
                ('delivered_at', models.DateTimeField(null=True, verbose_name='delivered')),
                ('answered_at', models.DateTimeField(null=True, verbose_name='answered')),
                ('attempts', models.PositiveSmallIntegerField(default=0, verbose_name='attempts')),
                ('alert', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='passings', to='safety.alert')),
                ('by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='who passed it on')),
                ('centre', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='passings', to='safety.centre', verbose_name='centre')),
            ],
            options={
                'verbose_name': 'alert passed on',
                'verbose_name_plural': 'alerts passed on',
                'ordering': ['pk'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('state__in', ['queued', 'delivered', 'acknowledged'])), fields=('alert', 'centre'), name='passed_on_once')],
            },
        ),
        migrations.CreateModel(
            name='Taken',
            fields=[
                ('alert', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='taken', serialize=False, to='safety.alert')),
                ('identifier', models.CharField(max_length=200, verbose_name='their incident')),
                ('answer', models.CharField(blank=True, choices=[('', 'not answered yet'), ('acknowledged', 'acknowledged: we have it'), ('refused', 'given back')], max_length=12, verbose_name='answer')),
                ('reason', models.CharField(blank=True, max_length=300, verbose_name='reason')),
                ('told_at', models.DateTimeField(null=True, verbose_name='answer delivered')),
                ('centre', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='taken', to='safety.centre', verbose_name='centre')),
            ],
            options={
                'verbose_name': 'alert of another centre',
                'verbose_name_plural': 'alerts of other centres',
                'constraints': [models.UniqueConstraint(fields=('centre', 'identifier'), name='taken_once')],
            },
        ),
    ]
