"""Where a client's URL may lead (I4): every notation, every range, and what no two readers would read alike."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok2api.media.addresses import DENIED, BadUrl, follow, is_inner_name, parse, trouble

READ = [
    ("https://example.org", "https://example.org/", "example.org", 443),
    ("HTTP://Example.ORG:80/a%2Fb?c=d&e#f", "http://example.org/a%2Fb?c=d&e", "example.org", 80),
    ("https://example.org.:8443/x", "https://example.org:8443/x", "example.org", 8443),
    ("https://example.org/a b/ä.png?q=ü", "https://example.org/a%20b/%C3%A4.png?q=%C3%BC", "example.org", 443),
    ("https://bücher.example/", "https://xn--bcher-kva.example/", "xn--bcher-kva.example", 443),
    ("https://a_b.example.org?x", "https://a_b.example.org/?x", "a_b.example.org", 443),
    ("http://93.184.216.34/a", "http://93.184.216.34/a", "93.184.216.34", 80),
    ("https://[2606:2800:220:1::1]:8443/", "https://[2606:2800:220:1::1]:8443/", "2606:2800:220:1::1", 8443),
    ('https://example.org/<">{}|^`', "https://example.org/%3C%22%3E%7B%7D|%5E%60", "example.org", 443),
]


@pytest.mark.parametrize(("url", "canonical", "host", "port"), READ)
def test_a_url_is_read_in_one_way(url: str, canonical: str, host: str, port: int) -> None:
    target = parse(url)
    assert (target.url, target.host, target.port) == (canonical, host, port)
    assert parse(target.url) == target


NOT_READ = [
    # other schemes, and no URL at all
    "", "example.org", "//example.org/", "ftp://example.org/", "file:///etc/passwd", "gopher://example.org/",
    "data:image/png;base64,AA", "javascript:alert(1)", "http:/example.org", "http:///x", "https://",
    # who is asked, and who is only named
    "http://user@example.org/", "http://user:pass@example.org/", "http://example.org@127.0.0.1/", "http://@example.org/",
    "http://example.org%40127.0.0.1/", "http://127.0.0.1\\@example.org/", "http:\\\\example.org/",
    "http://example.org\\.evil.example/", "http://example.org／@127.0.0.1/", "http://example.org：80@127.0.0.1/",
    # what cannot be in a host
    "http://exa mple.org/", "http://example..org/", "http://.example.org/", "http://-a.example/", "http://a-.example/",
    "http://%31%32%37.0.0.1/", "http://exam%00ple.org/", "http://" + "a" * 64 + ".example/",
    "http://" + "a." * 130 + "b/",
    "http://[::1/", "http://[::1]x/", "http://[fe80::1%25eth0]/", "http://[fe80::1%eth0]/", "http://[::ffff:1.2.3]/",
    "http://[v1.x]/", "http://::1/",
    # control characters, anywhere
    "http://example.org/\r\nHost: x", "http://exa\tmple.org/", "http://example.org/\0", "\x01http://example.org/",
    "http://example.org/\x7f",
    # ports
    "http://example.org:0/", "http://example.org:22/", "http://example.org:25/", "http://example.org:6379/",
    "http://example.org:11211/", "http://example.org:65536/", "http://example.org:99999999/", "http://example.org:-1/",
    "http://example.org:8o/", "http://example.org:+80/", "http://example.org:80:80/", "http://example.org:٨٠/",
    # length
    "http://example.org/" + "a" * 9000,
]  # fmt: skip

#: 127.0.0.1, 169.254.169.254 and friends as only some readers would understand them.
ODD_NOTATIONS = [
    "2130706433", "017700000001", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "127.1", "127.0.1", "0x7f.1", "127.0.0.01",
    "00127.0.0.1", "127.0.0.0x1", "1.2.3.4.5", "256.256.256.256", "0", "0x", "4294967296", "0xA9FEA9FE", "2852039166",
    "169.254.43518", "0251.0376.0251.0376", "１２７.0x1", "①②⑦.1", "127。0。1", "example.1", "a.0x7f",
]  # fmt: skip


@pytest.mark.parametrize("url", [*NOT_READ, *(f"http://{host}/" for host in ODD_NOTATIONS)])
def test_I4_what_readers_could_take_for_two_things_is_not_read(url: str) -> None:
    with pytest.raises(BadUrl):
        parse(url)


@pytest.mark.parametrize("host", ["127.0.0.1", "１２７．０．０．１", "①②⑦.⓪.⓪.①", "127。0。0。1"])
def test_I4_an_address_in_other_digits_is_still_that_address(host: str) -> None:
    target = parse(f"http://{host}/")
    assert (target.host, target.literal) == ("127.0.0.1", True)
    assert trouble(target.host)


REACHED = ["93.184.216.34", "8.8.8.8", "1.1.1.1", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0",
           "192.0.1.1", "198.17.255.255", "223.255.255.255", "2606:4700::1111", "2a00:1450::1", "2001:4860::8888",
           "64:ff9b::808:808"]  # fmt: skip
NOT_REACHED = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254",
    "168.63.129.16", "169.254.169.254", "169.254.0.1", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192",
    "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1",
    "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::2", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1", "::127.0.0.1", "::8.8.8.8",
    "64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1", "2001::1",
    "2001:0:7f00:1::", "2001:db8::1", "2001:10::1", "2001:20::1", "2002:7f00:1::", "2002:808:808::", "3fff::1",
    "fc00::1", "fd00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "febf::1", "fec0::1", "ff02::1", "ff0e::1",
    "4000::1", "1000::1", "200::1",
    "", "localhost", "1.2.3", "1.2.3.4.5", "0x7f.1", "junk",
]  # fmt: skip


@pytest.mark.parametrize("address", REACHED)
def test_public_addresses_are_reached(address: str) -> None:
    assert trouble(address) == ""
    assert trouble(address, allow_private=True) == ""


@pytest.mark.parametrize("address", NOT_REACHED)
def test_I4_others_are_not(address: str) -> None:
    assert trouble(address)


def test_private_networks_can_be_allowed_and_nothing_else() -> None:
    allowed = [address for address in NOT_REACHED if not trouble(address, allow_private=True)]
    assert allowed == [
        "10.0.0.1", "10.255.255.255", "127.0.0.1", "127.255.255.254", "172.16.0.1", "172.31.255.255", "192.168.0.1",
        "::1", "64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "fc00::1", "fd00::1",
    ]  # fmt: skip


@given(st.ip_addresses())
def test_I4_what_the_registries_do_not_call_global_is_not_reached(address: object) -> None:
    """The standard library has a table of its own; ours is at least as strict."""
    known = ip_address(str(address))
    if not known.is_global or known.is_multicast or known.is_reserved:
        mapped = str(known).startswith("64:ff9b::")
        assert mapped or trouble(str(known))


def test_every_denied_range_is_denied_to_its_ends() -> None:
    for row in DENIED:
        assert trouble(str(row.network[0]))
        assert trouble(str(row.network[-1]))


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/b?c", "http://example.org/b?c"),
        ("b", "http://example.org/a/b"),
        ("//other.example/x", "http://other.example/x"),
        ("https://other.example/x#y", "https://other.example/x"),
        ("?x", "http://example.org/a/c?x"),
    ],
)
def test_a_redirect_is_followed_from_where_it_stands(location: str, url: str) -> None:
    assert follow(parse("http://example.org/a/c"), location).url == url


@pytest.mark.parametrize(
    "location",
    ["file:///etc/passwd", "http://user@host.example/", "http://0x7f.1/", "http://[::1", "\\\\evil", "http:\n//x/",
     "gopher://x/", "https://example.org:22/", "x" * 9000],
)  # fmt: skip
def test_I4_a_redirect_leads_nowhere_that_a_request_could_not(location: str) -> None:
    with pytest.raises(BadUrl):
        follow(parse("http://example.org/a/c"), location)


@pytest.mark.parametrize("host", ["localhost", "a.localhost", "printer", "db.internal", "nas.local", "x.home.arpa"])
def test_names_of_the_own_network_are_known(host: str) -> None:
    assert is_inner_name(host)
    assert not is_inner_name(f"{host}.example.org")


@given(st.text(max_size=80))
def test_reading_never_fails_in_another_way(text: str) -> None:
    for url in (text, f"http://{text}", f"https://{text}/x", f"http://example.org/{text}"):
        try:
            target = parse(url)
        except BadUrl:
            continue
        assert parse(target.url) == target
        assert target.host.isascii()
