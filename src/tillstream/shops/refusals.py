"""Why shops says no. Each message is a sentence for the person who asked."""

from __future__ import annotations


class Refusal(Exception):
    """A request that cannot be granted as it stands; asking again unchanged does not help."""


class EmailMalformed(Refusal):
    """The text is no e-mail address."""

    def __init__(self) -> None:
        super().__init__("This does not look like an e-mail address.")


class EmailTaken(Refusal):
    """An account with that e-mail address exists."""

    def __init__(self) -> None:
        super().__init__("An account with this e-mail address exists already. Sign in instead.")


class WeakPassword(Refusal):
    """The password policy objects; the message says to what."""


class CredentialsWrong(Refusal):
    """Unknown e-mail address or wrong password: it does not say which.

    ``email`` and ``tenants`` are of the account that somebody tried to enter, if there is one: for
    those tenants' audit logs alone.
    """

    def __init__(self, email: str = "", tenants: tuple[int, ...] = ()) -> None:
        super().__init__("The e-mail address or the password is wrong.")
        self.email = email
        self.tenants = tenants


class AccountUnknown(Refusal):
    """No account has that e-mail address."""

    def __init__(self, email: str) -> None:
        super().__init__(f"There is no account with the e-mail address {email}.")


class RegistrationClosed(Refusal):
    """Nobody may make an account by themselves here."""

    def __init__(self) -> None:
        super().__init__("New accounts are by invitation here. Ask whoever runs this for one.")


class PasswordWrong(Refusal):
    """The person is known, and that is not their present password."""

    def __init__(self) -> None:
        super().__init__("The present password is wrong.")


class LinkDead(Refusal):
    """A link of an invitation or a password reset that leads nowhere (any more)."""

    def __init__(self) -> None:
        super().__init__("This link is not valid, or no longer. Ask for a new one.")


class MemberUnknown(Refusal):
    """The tenant has no such member."""

    def __init__(self) -> None:
        super().__init__("There is no such member in this account.")


class MemberAlready(Refusal):
    """Who is invited belongs to the tenant."""

    def __init__(self, email: str) -> None:
        super().__init__(f"{email} is a member of this account already.")


class LastOwner(Refusal):
    """An account is never without an owner."""

    def __init__(self) -> None:
        super().__init__("This is the account's last owner. Make somebody else an owner first.")


class InvitationUnknown(Refusal):
    """The tenant has no such open invitation."""

    def __init__(self) -> None:
        super().__init__("There is no such open invitation in this account.")


class TooManyInvitations(Refusal):
    """One account's invitations of a day come to an end: our letters must not become spam."""

    def __init__(self, most: int) -> None:
        super().__init__(f"An account can invite {most} people a day. Go on tomorrow.")


class KeyUnknown(Refusal):
    """The tenant has no such key."""

    def __init__(self) -> None:
        super().__init__("There is no such key in this account.")


class SignInUnknown(Refusal):
    """The person has no such sign-in."""

    def __init__(self) -> None:
        super().__init__("There is no such sign-in, or it has ended.")


class TenantUnknown(Refusal):
    """The person belongs to no such tenant."""

    def __init__(self) -> None:
        super().__init__("You are no member of such an account.")


class DomainMalformed(Refusal):
    """The text is no shop domain."""

    def __init__(self) -> None:
        super().__init__(
            "A shop's domain looks like your-shop.myshopify.com: letters, digits and hyphens, "
            "without https:// and without a path."
        )


class DomainTaken(Refusal):
    """Another tenant has connected the shop."""

    def __init__(self, domain: str) -> None:
        super().__init__(
            f"{domain} is connected to another account. It has to be removed there first."
        )


class AlreadyConnected(Refusal):
    """This tenant has connected the shop."""

    def __init__(self, domain: str) -> None:
        super().__init__(f"{domain} is connected to this account already.")


class StoreUnknown(Refusal):
    """The tenant has no such connected store."""

    def __init__(self) -> None:
        super().__init__("There is no such store in this account.")


class SqlLoginUnknown(Refusal):
    """The tenant has no such SQL login."""

    def __init__(self) -> None:
        super().__init__("There is no such SQL login in this account.")


class TooManySqlLogins(Refusal):
    """The tenant has as many SQL logins as it may have."""

    def __init__(self, most: int) -> None:
        super().__init__(f"This account has {most} SQL logins, the most there may be. Remove one.")


class SqlAccessUnavailable(Refusal):
    """The database does not let Tillstream make roles."""

    def __init__(self) -> None:
        super().__init__(
            "This installation cannot make SQL logins: its database role may not create roles. Whoever "
            "runs it can allow that (ALTER ROLE … CREATEROLE, and GRANT tillstream_reader TO … WITH ADMIN "
            "OPTION)."
        )


class TimezoneUnknown(Refusal):
    """The text is no time zone of the IANA database."""

    def __init__(self) -> None:
        super().__init__("A time zone is a name of the IANA database, such as Europe/Berlin.")


class CurrencyMalformed(Refusal):
    """The text is no currency code."""

    def __init__(self) -> None:
        super().__init__("A currency is an ISO 4217 code of three letters, such as EUR.")


class AppKeyMalformed(Refusal):
    """The text is no key of an app."""

    def __init__(self) -> None:
        super().__init__(
            "An app's key is part of its webhook address: up to 63 lower-case letters, digits and "
            "hyphens, such as outlet-store."
        )


class AppTaken(Refusal):
    """An app of that key exists."""

    def __init__(self, key: str) -> None:
        super().__init__(f"There is an app {key} already. Choose another key, or remove it first.")


class AppUnknown(Refusal):
    """There is no app of that key, or not any more."""

    def __init__(self, key: str) -> None:
        super().__init__(f"There is no app {key}. `tillstream app list` shows those there are.")


class ClientIdMalformed(Refusal):
    """The text is no client id."""

    def __init__(self) -> None:
        super().__init__(
            "A client id is what Shopify's dashboard shows next to the app's secret: up to 128 "
            "characters without spaces."
        )


class SecretMalformed(Refusal):
    """The text is no client secret."""

    def __init__(self) -> None:
        super().__init__("A client secret has 8 to 512 characters, none of them a space.")


class SecretUnknown(Refusal):
    """The app has no such secret, or it has been erased."""

    def __init__(self, key: str, secret_id: int) -> None:
        super().__init__(
            f"The app {key} has no secret {secret_id}. `tillstream app list` shows those it has."
        )


class LastSecret(Refusal):
    """Without it the app could verify nothing."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"The app {key} would have no secret left and refuse all its deliveries. Add the new one "
            f"first (tillstream app secret add {key}), or remove the app (tillstream app remove {key})."
        )


class EarlierKeyInUse(Refusal):
    """A process runs that has another key than this one."""

    def __init__(self) -> None:
        super().__init__(
            "Processes with another TILLSTREAM_KEY are connected to the database: they could not read "
            "what is sealed with this one. Start them again with the new key and the old one in "
            "TILLSTREAM_OLD_KEYS, and then run this."
        )


class RotationUnderWay(Refusal):
    """Another process replaces the key just now."""

    def __init__(self) -> None:
        super().__init__(
            "The keys are being rotated already. Wait for that to end, and run it again."
        )
