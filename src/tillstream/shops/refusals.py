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
    """Unknown e-mail address or wrong password: it does not say which."""

    def __init__(self) -> None:
        super().__init__("The e-mail address or the password is wrong.")


class AccountUnknown(Refusal):
    """No account has that e-mail address."""

    def __init__(self, email: str) -> None:
        super().__init__(f"There is no account with the e-mail address {email}.")


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


class TimezoneUnknown(Refusal):
    """The text is no time zone of the IANA database."""

    def __init__(self) -> None:
        super().__init__("A time zone is a name of the IANA database, such as Europe/Berlin.")


class CurrencyMalformed(Refusal):
    """The text is no currency code."""

    def __init__(self) -> None:
        super().__init__("A currency is an ISO 4217 code of three letters, such as EUR.")
