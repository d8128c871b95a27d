from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "cityhall.kernel.people"
    label = "people"

    def ready(self) -> None:
        from allauth.account.signals import user_signed_up

        from cityhall.kernel.people.signals import keep_language

        user_signed_up.connect(keep_language, dispatch_uid="keep language")
