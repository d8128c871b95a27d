"""What the room of people declares."""

from django.utils.translation import gettext_lazy as _

from cityhall.kernel.journal.declares import Follower
from cityhall.kernel.people.declares import Desk, PersonalData, Role, kept
from cityhall.kernel.service import Addresses, Api, Check, Service
from cityhall.kernel.skills.declares import Page
from cityhall.kernel.work.declares import Task

_ACCOUNT = _("until the account is erased")
_HOUSEHOLD = kept(_("to act for one another"), _("until they leave the household"))
_WORK = kept(_("to let officers do their work"), _ACCOUNT)
_AGREED = kept(_("to prove what was agreed to"), _ACCOUNT)
_ADDRESSES = kept(_("to sign in with any of their addresses"), _ACCOUNT)
_PROVIDER = kept(_("to sign in with the city's identity provider"), _ACCOUNT)
_SECOND = kept(_("to sign in with a passkey or a code"), _ACCOUNT)

ROOM = Service(
    slug="people",
    name=_("Accounts"),
    summary="Accounts, roles, households, consents.",
    app="cityhall.kernel.people",
    declares=(
        Addresses("cityhall.kernel.people.urls:urlpatterns", prefix="accounts"),
        Api("cityhall.kernel.people.api:router"),
        Check("cityhall.kernel.people.checks:findings"),
        Follower("people.roles", "cityhall.kernel.people.telling:tell_of_roles", streams=("people",)),
        Task("forget_invitations", "cityhall.kernel.people.tasks:forget_invitations", cron="23 3 * * *", twice=True),
        Task("forget_unconfirmed", "cityhall.kernel.people.tasks:forget_unconfirmed", cron="41 3 * * *", twice=True),
        Task("forget_sessions", "cityhall.kernel.people.tasks:forget_sessions", cron="53 * * * *", twice=True),
        Desk("officers", _("Officers and roles"), "/accounts/officers/", "people.grant_role", icon="user"),
        Page(
            _("Your account"),
            "/accounts/me/",
            _("Your name, your household, how you sign in."),
            (_("sign in, log in, password, profile, settings, passkey, household, register"),),
            icon="user",
        ),
        Page(
            _("What is kept of you, and why"),
            "/accounts/me/data/",
            _("See it, take it along, have it erased."),
            (_("my data, privacy, personal data, delete my account"),),
            icon="user",
        ),
        Role("administrator", _("Administrator of accounts"), ("people.view", "people.grant_role")),
        PersonalData(
            {
                "Person.email": kept(_("to sign in and to be written to"), _ACCOUNT),
                "Person.name": kept(_("to be addressed by, given freely"), _ACCOUNT),
                "Person.language": kept(_("to be written to in it"), _ACCOUNT),
                "Person.last_login": kept(_("to see a stranger's sign-in"), _ACCOUNT),
                "Person.joined_at": kept(_("to tell old accounts from new ones"), _ACCOUNT),
                "Membership.person": _WORK,
                "Membership.role": _WORK,
                "Membership.scope": _WORK,
                "Consent.person": _AGREED,
                "Consent.purpose": _AGREED,
                "Consent.given_at": _AGREED,
                "Consent.withdrawn_at": _AGREED,
                "HouseholdMember.person": _HOUSEHOLD,
                "HouseholdMember.email": kept(_("to send the invitation to"), _("until they leave or it is withdrawn")),
                "HouseholdMember.joined_at": _HOUSEHOLD,
                "account.EmailAddress.user": _ADDRESSES,
                "account.EmailAddress.email": _ADDRESSES,
                "socialaccount.SocialAccount.user": _PROVIDER,
                "socialaccount.SocialAccount.provider": _PROVIDER,
                "socialaccount.SocialAccount.uid": _PROVIDER,
                "mfa.Authenticator.user": _SECOND,
                "mfa.Authenticator.type": _SECOND,
                "mfa.Authenticator.created_at": _SECOND,
            },
            names={
                "socialaccount.SocialAccount.user": _("person"),
                "mfa.Authenticator": _("second factor"),
                "mfa.Authenticator.user": _("person"),
                "mfa.Authenticator.type": _("kind"),
                "mfa.Authenticator.created_at": _("added"),
            },
        ),
    ),
)
