import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('safety', '0014_talk'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='EscortFollower',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('email', models.EmailField(blank=True, max_length=254, verbose_name='e-mail address')),
                ('language', models.CharField(blank=True, max_length=10, verbose_name='language')),
                ('code', models.BinaryField(max_length=32, null=True, unique=True)),
                ('escort', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='followers', to='safety.escort')),
                ('person', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='who is told')),
            ],
            options={
                'verbose_name': 'follower of a journey',
                'verbose_name_plural': 'followers of a journey',
                'constraints': [models.UniqueConstraint(fields=('escort', 'person'), name='follower_person'), models.UniqueConstraint(condition=models.Q(('email', ''), _negated=True), fields=('escort', 'email'), name='follower_email')],
            },
        ),
    ]
