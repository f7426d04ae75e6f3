"""Served to other machines: by TLS, with cookies that no clear connection ever carries."""

import datetime
import ipaddress
import re
import ssl

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.web.served import PIN, serving

DAY = datetime.timedelta(days=1)
YEAR_S = 31536000


@pytest.fixture
def certificate(tmp_path):
    """A self-signed certificate for 127.0.0.1, and its key; as files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a sample station")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + DAY)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = tmp_path / "station.pem", tmp_path / "station.key"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return files


@pytest.fixture
def kiosk(world, certificate):
    with serving(world, certificate=certificate) as served:
        yield served


@pytest.fixture
def client(kiosk, certificate):
    """A browser that trusts this certificate, and no other."""
    trust = ssl.create_default_context(cafile=certificate[0])
    with httpx.Client(base_url=kiosk.url, timeout=10, verify=trust) as client:
        yield client


def sign_in(client, badge, origin):
    token = re.search(r'name="csrf" value="([0-9a-f]{64})"', client.get("/sign-in").text)[1]
    form = {"badge_or_name": badge, "secret": PIN, "csrf": token}
    return client.post("/sign-in", data=form, headers={"Origin": origin})


def test_the_page_comes_by_tls_and_its_cookies_by_tls_alone(kiosk, client):
    assert kiosk.url.startswith("https://127.0.0.1:")
    page = client.get("/sign-in")
    assert page.status_code == 200
    assert page.headers["strict-transport-security"] == f"max-age={YEAR_S}"
    answer = sign_in(client, kiosk.add_operator(), kiosk.url)
    assert answer.status_code == 303, answer.text
    cookies = [*page.headers.get_list("set-cookie"), *answer.headers.get_list("set-cookie")]
    assert len(cookies) == 2
    for cookie in cookies:
        name, *attributes = [part.strip().lower() for part in cookie.split(";")]
        assert name.startswith("__host-dsc-session=")
        assert {"secure", "httponly", "samesite=strict", "path=/"} <= set(attributes)
        assert not any(one.startswith("domain") for one in attributes)
    assert client.get("/bench").status_code == 200


def test_the_language_is_kept_by_tls_alone_too(kiosk, client):
    sign_in(client, kiosk.add_operator(), kiosk.url)
    token = re.search(r'name="csrf" value="([0-9a-f]{64})"', client.get("/cards").text)[1]
    answer = client.post("/language", data={"language": "es", "csrf": token}, headers={"Origin": kiosk.url})
    assert answer.status_code == 303
    (cookie,) = answer.headers.get_list("set-cookie")
    assert cookie.startswith("dsc-language=es") and "secure" in cookie.lower()


def test_a_page_of_the_same_name_in_the_clear_is_another_site(kiosk, client):
    answer = sign_in(client, kiosk.add_operator(), kiosk.url.replace("https:", "http:"))
    assert answer.status_code == 403


def test_in_the_clear_nothing_answers_and_another_certificate_is_not_trusted(kiosk):
    with pytest.raises(httpx.TransportError):
        httpx.get(kiosk.url.replace("https:", "http:") + "/sign-in", timeout=10)
    with pytest.raises(httpx.ConnectError, match="certificate"):
        httpx.get(kiosk.url + "/sign-in", timeout=10)
