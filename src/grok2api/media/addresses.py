"""Where a URL of a client may lead: its strict reading, and the addresses that nobody is sent to (I4).

Pure. `parse` accepts what every reader of URLs understands in the same way and refuses the rest: whatever two parsers
could take for two hosts is not fetched at all. `trouble` judges an address, be it written in the URL or the answer of
a name server; whoever connects must connect to the very address that was judged.
"""

import re
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import quote, urljoin

import msgspec

MAX_URL = 8192

_URL = re.compile(r"(?i)(https?)://([^/?#]*)([^?#]*)(\?[^#]*)?(?:#.*)?\Z", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\Z")
_NUMBER = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)\Z")
_PORT = re.compile(r"[0-9]{1,5}\Z")
_SAFE = "%!$&'()*+,/:;=@~-._?[]|"

_DEFAULT_PORTS = {"http": 80, "https": 443}
#: High ports on which services listen that read anything as commands; browsers do not go there either.
_OTHER_SERVICES = frozenset(
    {
        1719,
        1720,
        1723,
        2049,
        3659,
        4045,
        4190,
        5060,
        5061,
        6000,
        6379,
        6566,
        *range(6665, 6670),
        6679,
        6697,
        10080,
        11211,
    }
)
#: Names that lead nowhere but into the own machine or network; not even looked up.
_INNER_NAMES = ("localhost", "local", "localdomain", "internal", "intranet", "lan", "home.arpa")


class BadUrl(ValueError):  # noqa: N818 - the reason of a refusal, not a failure of ours
    """Why a URL is not fetched, in words for the caller that follow the field's name."""


class Target(msgspec.Struct, frozen=True):
    """A URL, read. `host` is ASCII and lower-case; `literal` says that it is an address and not a name."""

    scheme: str
    host: str
    port: int
    path: str
    literal: bool = False

    @property
    def url(self) -> str:
        """The URL as it is asked for, written so that it can be read in one way only."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"


def parse(url: str) -> Target:
    """The URL's parts. Raises `BadUrl`."""
    if len(url) > MAX_URL:
        raise BadUrl(f"is longer than {MAX_URL} characters")
    if _CONTROL.search(url):
        raise BadUrl("holds a control character")
    if "\\" in url:
        raise BadUrl("holds a backslash")
    found = _URL.match(url.strip(" "))
    if found is None:
        raise BadUrl("must be an http:// or https:// URL")
    scheme, authority = found[1].lower(), found[2]
    host, port, literal = _authority(authority, _DEFAULT_PORTS[scheme])
    path = quote(found[3] or "/", safe=_SAFE) + quote(found[4] or "", safe=_SAFE)
    return Target(scheme, host, port, path, literal)


def follow(target: Target, location: str) -> Target:
    """Where a redirect leads. Raises `BadUrl`."""
    if _CONTROL.search(location) or "\\" in location or len(location) > MAX_URL:
        raise BadUrl("redirects to something that is no URL")
    try:
        return parse(urljoin(target.url, location))
    except ValueError as error:
        reason = f": it {error}" if isinstance(error, BadUrl) else ""
        raise BadUrl(f"redirects to something that is not fetched{reason}") from None


def _authority(authority: str, default_port: int) -> tuple[str, int, bool]:
    if "@" in authority:
        raise BadUrl("must not hold a user name or password")
    if authority.startswith("["):
        inner, closed, rest = authority[1:].partition("]")
        if not closed or (rest and not rest.startswith(":")):
            raise BadUrl("has no valid host")
        return _ipv6(inner), _port(rest[1:], default_port), True
    host, _, port = authority.partition(":")
    name, literal = _host(host)
    return name, _port(port, default_port), literal


def _port(text: str, default: int) -> int:
    if not text:
        return default
    if not _PORT.match(text):
        raise BadUrl("has no valid port")
    port = int(text)
    if port in _DEFAULT_PORTS.values() or (1024 <= port <= 65535 and port not in _OTHER_SERVICES):
        return port
    raise BadUrl(f"names the port {port}, which is not fetched from: use 80, 443, or a higher one of a web server")


def _ipv6(text: str) -> str:
    if "%" in text:
        raise BadUrl("holds an address with a zone")
    try:
        return str(IPv6Address(text))
    except AddressValueError:
        raise BadUrl("has no valid host") from None


def _host(text: str) -> tuple[str, bool]:
    """A name or a dotted address. What only some readers take for an address is neither."""
    if "%" in text:
        raise BadUrl("has a host with percent signs")
    try:
        host = text.encode("idna").decode().lower() if not text.isascii() else text.lower()
    except UnicodeError:
        raise BadUrl("has a host that is no valid name") from None
    host = host.removesuffix(".")
    labels = host.split(".")
    if not host or len(host) > 253 or not all(_LABEL.match(label) for label in labels):
        raise BadUrl("has a host that is no valid name")
    if not _NUMBER.match(labels[-1]):
        return host, False
    try:
        return str(IPv4Address(host)), True
    except AddressValueError:
        raise BadUrl("has an address in a form that is not read: write it as four decimal numbers") from None


class Range(msgspec.Struct, frozen=True):
    """Addresses that are not connected to. `private`: reachable when `media.url_fetch.allow_private` says so."""

    network: IPv4Network | IPv6Network
    what: str
    private: bool = False


def _row(network: str, what: str, *, private: bool = False) -> Range:
    return Range(ip_network(network), what, private)


#: From the registries of special addresses, RFC 6890 and its successors, and the clouds' own.
DENIED: tuple[Range, ...] = (
    _row("0.0.0.0/8",          "this network"),
    _row("10.0.0.0/8",         "private",          private=True),
    _row("100.64.0.0/10",      "carrier-grade NAT"),
    _row("127.0.0.0/8",        "loopback",         private=True),
    _row("168.63.129.16/32",   "a cloud's metadata"),
    _row("169.254.0.0/16",     "link-local and a cloud's metadata"),
    _row("172.16.0.0/12",      "private",          private=True),
    _row("192.0.0.0/24",       "protocol assignments"),
    _row("192.0.2.0/24",       "documentation"),
    _row("192.31.196.0/24",    "AS112"),
    _row("192.52.193.0/24",    "AMT"),
    _row("192.88.99.0/24",     "6to4 relays"),
    _row("192.168.0.0/16",     "private",          private=True),
    _row("192.175.48.0/24",    "AS112"),
    _row("198.18.0.0/15",      "benchmarks"),
    _row("198.51.100.0/24",    "documentation"),
    _row("203.0.113.0/24",     "documentation"),
    _row("224.0.0.0/4",        "multicast"),
    _row("240.0.0.0/4",        "reserved and broadcast"),
    _row("::1/128",            "loopback",         private=True),
    _row("::/8",               "unspecified, IPv4-mapped and IPv4-compatible"),
    _row("100::/8",            "discard"),
    _row("200::/7",            "reserved"),
    _row("400::/6",            "reserved"),
    _row("800::/5",            "reserved"),
    _row("1000::/4",           "reserved"),
    _row("2001::/23",          "Teredo and other protocol assignments"),
    _row("2001:db8::/32",      "documentation"),
    _row("2002::/16",          "6to4"),
    _row("2620:4f:8000::/48",  "AS112"),
    _row("3fff::/20",          "documentation"),
    _row("4000::/2",           "reserved"),
    _row("8000::/2",           "reserved"),
    _row("c000::/3",           "reserved"),
    _row("e000::/4",           "reserved"),
    _row("f000::/5",           "reserved"),
    _row("f800::/6",           "reserved"),
    _row("fd00:ec2::254/128",  "a cloud's metadata"),
    _row("fc00::/7",           "unique local",     private=True),
    _row("fe00::/8",           "link-local and site-local"),
    _row("ff00::/8",           "multicast"),
)  # fmt: skip

#: What a translator between the two protocols makes of a public IPv4 address; judged as that.
_NAT64 = IPv6Network("64:ff9b::/96")


def trouble(address: str, *, allow_private: bool = False) -> str:
    """What stands against connecting to an address, in a word or two; empty when nothing does."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return "no address"
    if isinstance(found, IPv6Address) and found in _NAT64:
        found = IPv4Address(int(found) & 0xFFFFFFFF)
    for row in DENIED:
        if found.version == row.network.version and found in row.network:
            return "" if row.private and allow_private else row.what
    return ""


def is_inner_name(host: str) -> bool:
    """Whether a name leads into the own machine or network by its form alone."""
    return "." not in host or any(host == name or host.endswith(f".{name}") for name in _INNER_NAMES)
