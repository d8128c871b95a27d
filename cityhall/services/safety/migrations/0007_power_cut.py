from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('safety', '0006_coverage'),
    ]

    operations = [
        migrations.AlterField(
            model_name='repair',
            name='why',
            field=models.CharField(choices=[('silent', 'silent'), ('battery', 'battery low'), ('power', 'power cut'), ('tamper', 'opened by somebody'), ('place', 'not where the register says')], max_length=10, verbose_name='why'),
        ),
    ]
