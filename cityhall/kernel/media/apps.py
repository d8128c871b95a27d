from django.apps import AppConfig


class MediaConfig(AppConfig):
    name = "cityhall.kernel.media"
    label = "media"

    def ready(self) -> None:
        from django.db.models.signals import post_delete

        from cityhall.kernel.media.models import Media
        from cityhall.kernel.media.storing import forget_files

        post_delete.connect(forget_files, sender=Media, dispatch_uid="forget files")
