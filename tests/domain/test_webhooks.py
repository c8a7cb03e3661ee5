"""Which addresses nobody is sent to, however they are written. Requirement 139: the bridge opens no way inside."""

import pytest

from gateway.domain.webhooks import BadAddressError, check_url, is_public


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "192.0.0.9", "192.0.2.1",
        "192.88.99.1", "192.168.0.1", "198.18.0.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
        "::", "::1", "::127.0.0.1", "::8.8.8.8", "::ffff:10.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b::10.0.0.1",
        "64:ff9b:1::1", "100::1", "2001:db8::1", "2001::1", "2002:7f00:1::", "2002:a00:1::1", "3fff::1", "5f00::1",
        "fc00::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "2a00::5efe:10.0.0.1", "2a00::200:5efe:127.0.0.1",
        "not an address",
    ],
)  # fmt: skip
def test_what_is_none_of_the_public_internet_is_never_connected_to(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2a00:1450:4001::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"])
def test_public_addresses_are(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost./", "http://LOCALHOST/", "http://a.localhost/", "http://127.0.0.1./", "http://0177.0.0.1/",
        "http://0x7f.1/", "http://3232235521/", "http://[::ffff:7f00:1]/", "http://[fe80::1%25eth0]/",
        "http://%31%32%37.0.0.1/", "http://crm.example.com%00.a/", "http://.../", "http://a..b/", "http://-/",
        "http://crm.example.com:25/", "http://crm.example.com:5038/", "http://crm.example.com:0/",
        "http://user@crm.example.com/", "http://@crm.example.com/", "http://crm.example.com\\@10.0.0.1/",
        "http://crm.example.com/#x", "ftp://crm.example.com/", "http+unix://%2Frun%2Fdocker.sock/", "http:///x",
        "http://crm.example.com/\r\nHost: x", "http://крм.example.com/", "http://[::1", "http://crm.example.com:99999/",
    ],
)  # fmt: skip
def test_an_address_that_can_never_be_right_is_refused(url: str) -> None:
    with pytest.raises(BadAddressError):
        check_url(url)


@pytest.mark.parametrize("url", ["http://CRM.local./x?a=%2f", "https://crm.local:8443/", "http://10.0.0.7/"])
def test_a_host_that_the_settings_name_may_lie_inside(url: str) -> None:
    check_url(url, ["crm.local", "10.0.0.7"])


def test_a_name_like_an_allowed_one_is_not_allowed() -> None:
    with pytest.raises(BadAddressError):
        check_url("http://10.0.0.70/", ["10.0.0.7"])
    check_url("https://xn--d1acufc.example.com/hooks/a_b", [])
