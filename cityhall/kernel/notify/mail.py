"""Notifications as e-mail, plain and HTML."""

from __future__ import annotations

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils import translation

from cityhall.kernel.notify.letters import name
from cityhall.kernel.notify.models import Notification
from cityhall.kernel.notify.sending import language_of
from cityhall.kernel.notify.wording import in_language


def mail(notification: Notification) -> None:
    """Sends a notification to the person's address, in the language they have now.

    Raises OSError or smtplib's errors where the server refuses.
    """
    notification = in_language(notification, language_of(notification.person))
    with translation.override(notification.language):
        try:
            settings_path = reverse("me")
        except NoReverseMatch:
            settings_path = "/"
        context = {
            "notification": notification,
            "city": settings.CITY,
            "link": settings.PUBLIC_URL + notification.url if notification.url else "",
            "settings_link": settings.PUBLIC_URL + settings_path,
        }
        message = EmailMultiAlternatives(
            subject=" ".join(f"{settings.CITY.name}: {notification.title}".split()),
            body=render_to_string("notify/email.txt", context),
            to=[notification.person.email],
            headers={"Auto-Submitted": "auto-generated", "Content-Language": notification.language},
        )
        message.attach_alternative(render_to_string("notify/email.html", context), "text/html")
    name(message, f"notification {notification.pk}")
    message.send()
