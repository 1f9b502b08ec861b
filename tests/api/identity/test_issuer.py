"""Tokens of an identity provider: a real one on this machine, with real keys."""

import base64
import datetime
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from record import serving

from api.identity import issuer as issuers
from api.settings import InvalidSettings, Settings
from api.store import users

AUDIENCE = "corridor"
SUBJECT = "subject-1"


class Provider:
    """Serves discovery and keys, and signs tokens."""

    def __init__(self):
        self.keys, self.asked, self.broken = {}, [], False
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                provider.asked.append(self.path)
                found = provider.document(self.path)
                self.send_response(503 if provider.broken else 200)
                self.end_headers()
                self.wfile.write(json.dumps(found).encode())

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.rotate("first")
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def document(self, path):
        if path == "/keys":
            return {"keys": [self.public(kid, key) for kid, key in self.keys.items()]}
        return {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}

    @staticmethod
    def public(kid, key):
        elliptic = isinstance(key, ec.EllipticCurvePrivateKey)
        maker = jwt.algorithms.ECAlgorithm if elliptic else jwt.algorithms.RSAAlgorithm
        return {**maker.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig"}

    def rotate(self, kid, key=None):
        self.keys = {kid: key or rsa.generate_private_key(public_exponent=65537, key_size=2048)}

    def token(self, key=None, algorithm="RS256", kid=None, **claims):
        now = datetime.datetime.now(datetime.UTC)
        own = {"iss": self.url, "aud": AUDIENCE, "sub": SUBJECT, "iat": now}
        own |= {"exp": now + datetime.timedelta(minutes=5), **claims}
        own = {name: value for name, value in own.items() if value is not None}
        kid = kid or next(iter(self.keys))
        key = self.keys[kid] if key is None else key
        return jwt.encode(own, key, algorithm, headers={"kid": kid})

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def provider():
    found = Provider()
    yield found
    found.close()


@pytest.fixture
def service(database_url, provider, monkeypatch):
    monkeypatch.setattr(issuers, "PAUSE", 0.0)
    with serving(database_url, oidc_issuer=provider.url, oidc_audience=AUDIENCE) as found:
        user_id = found.people.ids["bank-a", "manager"]
        found.store.write(lambda write: users.link(write, user_id, provider.url, SUBJECT))
        yield found


def asked(service, token, path="/v1/me", method="GET"):
    headers = {"Authorization": f"Bearer {token}", "Accept-Language": "en"}
    return service.client.request(method, path, headers=headers)


def seconds(count):
    return datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=count)


def test_a_good_token_is_its_user_with_the_rights_of_that_user(service, provider):
    found = asked(service, provider.token(role="admin", organisation="bank-b"))
    assert found.status_code == 200
    me = found.json()
    assert (me["role"], me["organisation"]["id"], me["branch_id"]) == ("manager", "bank-a", "north")
    assert asked(service, provider.token(), "/v1/audit").status_code == 403
    assert service.ask("GET", "/v1/me").json()["login"] == me["login"]


def test_keys_are_asked_for_once(service, provider):
    for number in range(5):
        assert asked(service, provider.token(jti=str(number))).status_code == 200
    assert provider.asked == ["/.well-known/openid-configuration", "/keys"]


def test_elliptic_keys_work_too(service, provider):
    provider.rotate("curve", ec.generate_private_key(ec.SECP256R1()))
    assert asked(service, provider.token(algorithm="ES256")).status_code == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": -31},
        {"nbf": 60},
        {"iat": 60},
        {"aud": "another"},
        {"iss": "https://issuer.example"},
        {"exp": None},
        {"sub": None},
        {"aud": None},
        {"iss": None},
        {"sub": 7},
    ],
    ids=str,
)
def test_a_token_with_wrong_claims_is_refused(service, provider, claims):
    times = {n: seconds(v) for n, v in claims.items() if n in ("exp", "nbf", "iat") and v}
    answer = asked(service, provider.token(**claims | times))
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_clocks_may_differ_a_little(service, provider):
    assert asked(service, provider.token(exp=seconds(-10))).status_code == 200
    assert asked(service, provider.token(nbf=seconds(10))).status_code == 200


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_no_signature_is_no_token(service, provider):
    _, claims, signature = provider.token().split(".")
    for algorithm in ("none", "None", "NONE"):
        head = part({"alg": algorithm, "kid": "first"})
        assert asked(service, f"{head}.{claims}.").status_code == 401
        assert asked(service, f"{head}.{claims}.{signature}").status_code == 401


def test_the_public_key_is_no_shared_secret(service, provider):
    import hashlib
    import hmac

    public = provider.keys["first"].public_key()
    for encoding, form in (
        (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        (serialization.Encoding.DER, serialization.PublicFormat.PKCS1),
    ):
        secret = public.public_bytes(encoding, form)
        signed = f"{part({'alg': 'HS256', 'kid': 'first'})}.{provider.token().split('.')[1]}"
        made = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
        token = f"{signed}.{base64.urlsafe_b64encode(made).rstrip(b'=').decode()}"
        assert asked(service, token).status_code == 401


def test_the_key_of_somebody_else_is_refused(service, provider):
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert asked(service, provider.token(key=other)).status_code == 401
    head, claims, signature = provider.token().split(".")
    changed = part({"iss": provider.url, "aud": AUDIENCE, "sub": "admin", "exp": 9e9})
    assert asked(service, f"{head}.{changed}.{signature}").status_code == 401
    assert claims != changed


@pytest.mark.parametrize("token", ["a.b.c", "..", "eyJhbGciOiJSUzI1NiJ9..", "é.é.é"])
def test_what_is_no_token_is_refused(service, token):
    headers = {"Authorization": f"Bearer {token}".encode()}
    assert service.client.get("/v1/me", headers=headers).status_code == 401


def test_a_new_key_is_found_and_the_old_one_ends(service, provider):
    old = provider.token()
    assert asked(service, old).status_code == 200
    provider.rotate("second")
    assert asked(service, provider.token()).status_code == 200
    later = provider.token(kid="second", key=provider.keys["second"])
    assert asked(service, later).status_code == 200
    service.client.app.state.callers.forget()
    assert asked(service, old).status_code == 401


def test_unknown_keys_do_not_keep_the_issuer_busy(service, provider, monkeypatch):
    assert asked(service, provider.token()).status_code == 200
    monkeypatch.setattr(issuers, "PAUSE", 3600.0)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for number in range(5):
        assert asked(service, provider.token(key=key, kid=f"k{number}")).status_code == 401
    assert len(provider.asked) == 2


def test_an_issuer_that_is_down_is_503_until_it_is_back(service, provider):
    provider.broken = True
    answer = asked(service, provider.token())
    assert (answer.status_code, answer.json()["code"]) == (503, "issuer_unavailable")
    assert answer.headers["Retry-After"] == "10"
    assert service.ask("GET", "/v1/me").status_code == 200
    provider.broken = False
    assert asked(service, provider.token()).status_code == 200


def test_known_keys_outlast_an_issuer_that_goes_down(service, provider, monkeypatch):
    assert asked(service, provider.token()).status_code == 200
    provider.broken = True
    monkeypatch.setattr(issuers, "FRESH", -1.0)
    assert asked(service, provider.token(jti="2")).status_code == 200
    monkeypatch.setattr(issuers, "STALE", -1.0)
    assert asked(service, provider.token(jti="3")).status_code == 503


def test_discovery_of_another_issuer_is_not_believed(service, provider, monkeypatch):
    monkeypatch.setattr(
        provider, "document", lambda _: {"issuer": "https://other.example", "keys": []}
    )
    assert asked(service, provider.token()).status_code == 503


def test_keys_from_an_unencrypted_place_are_not_believed(service, provider, monkeypatch):
    about = {"issuer": provider.url, "jwks_uri": "http://keys.example/keys"}
    monkeypatch.setattr(provider, "document", lambda _: about)
    assert asked(service, provider.token()).status_code == 503


def test_nobody_becomes_a_user_by_a_token(service, provider):
    answer = asked(service, provider.token(sub="stranger", role="admin"))
    assert (answer.status_code, answer.json()["code"]) == (401, "unknown_identity")
    service.client.app.state.callers.forget()
    user_id = service.people.ids["bank-a", "manager"]
    service.store.write(lambda write: users.unlink(write, user_id, provider.url, SUBJECT))
    assert asked(service, provider.token()).json()["code"] == "unknown_identity"


def test_a_disabled_user_is_turned_away(service, provider):
    user_id = service.people.ids["bank-a", "manager"]
    service.store.write(lambda write: users.disable(write, user_id))
    assert asked(service, provider.token()).status_code == 401


def test_signing_out_is_for_the_issuer(service, provider):
    answer = asked(service, provider.token(), "/v1/sessions", "DELETE")
    assert (answer.status_code, answer.json()["code"]) == (409, "session_elsewhere")


def test_links_are_made_and_undone_on_the_command_line(run, tmp_path):
    store = ("--store", f"sqlite:///{tmp_path / 'a.db'}", "--language", "en")
    names = ("--name-zh", "示例", "--name-en", "Example")
    run("organisations", "add", "bank-a", "--kind", "bank", *names, *store)
    who = ("--organisation", "bank-a", "--role", "manager", "--name", "M")
    run("users", "add", "m@a", *who, *store)
    link = ("m@a", "--issuer", "https://issuer.example", "--subject", "s1", *store)
    assert run("users", "link", *link)[:2] == (0, "Linked s1 to m@a\n")
    code, _, err = run("users", "link", *link)
    assert (code, "already a linked identity" in err) == (2, True)
    assert run("users", "unlink", *link)[:2] == (0, "Unlinked s1 from m@a\n")
    assert run("users", "unlink", *link)[0] == 2


@pytest.mark.parametrize(
    ("environ", "field", "code"),
    [
        ({"CORRIDOR_OIDC_ISSUER": "https://x.example"}, "CORRIDOR_OIDC_AUDIENCE", "oidc_half"),
        ({"CORRIDOR_OIDC_ISSUER": "http://x.example"}, "CORRIDOR_OIDC_ISSUER", "not_issuer"),
        ({"CORRIDOR_OIDC_ALGORITHMS": "HS256"}, "CORRIDOR_OIDC_ALGORITHMS[0]", "not_one_of"),
        ({"CORRIDOR_OIDC_ALGORITHMS": "RS256,none"}, "CORRIDOR_OIDC_ALGORITHMS[1]", "not_one_of"),
        ({"CORRIDOR_TRUSTED_PROXIES": "10.0.0.1,me"}, "CORRIDOR_TRUSTED_PROXIES", "not_address"),
    ],
)
def test_settings_that_cannot_be_are_named(environ, field, code):
    with pytest.raises(InvalidSettings) as caught:
        Settings.read(environ)
    assert (field, code) in {(p.field, p.code) for p in caught.value.problems}
