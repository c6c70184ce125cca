"""Settings come from the environment, and nothing in it is silently ignored."""

from __future__ import annotations

from pathlib import Path

import pytest

from fhir_server.settings import OPTIONS, Settings, SettingsError, load

KEY = "0123456789abcdef0123456789abcdef"


def test_without_variables_the_defaults_hold():
    assert load({"PATH": "/bin"}) == Settings()


def test_each_kind_of_option_is_read():
    settings = load(
        {
            "HESTIA_PORT": "9000",
            "HESTIA_HOME": "/data",
            "HESTIA_REFERENTIAL_INTEGRITY": "true",
            "HESTIA_TENANTS": "north, south",
            "HESTIA_VALIDATION": "off",
        }
    )
    assert settings.port == 9000
    assert settings.home == Path("/data")
    assert settings.referential_integrity is True
    assert settings.tenants == ("north", "south")
    assert settings.validation == "off"


def test_any_option_can_come_from_a_file(tmp_path: Path):
    secret = tmp_path / "key"
    secret.write_text(KEY + "\n")
    assert load({"HESTIA_KEY_FILE": str(secret)}).key == KEY


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"HESTIA_PROT": "1"}, "HESTIA_PROT"),
        ({"HESTIA_PROT_FILE": "x"}, "HESTIA_PROT_FILE"),
        ({"HESTIA_PORT": "eighty"}, "whole number"),
        ({"HESTIA_PORT": "70000"}, "65535"),
        ({"HESTIA_REFERENTIAL_INTEGRITY": "maybe"}, "true or false"),
        ({"HESTIA_LOG_LEVEL": "loud"}, "debug, info"),
        ({"HESTIA_URL": "https://x.example/base"}, "origin"),
        ({"HESTIA_URL": "ftp://x.example"}, "origin"),
        ({"HESTIA_TENANTS": "North"}, "HESTIA_TENANTS"),
        ({"HESTIA_TENANTS": ""}, "HESTIA_TENANTS"),
        ({"HESTIA_KEY": "short"}, "32"),
        ({"HESTIA_DATABASE_URL": "mysql://x"}, "postgresql://"),
        ({"HESTIA_KEY_FILE": "/does/not/exist"}, "cannot read"),
    ],
    ids=str,
)
def test_what_cannot_be_used_refuses_to_start(environment: dict[str, str], named: str):
    with pytest.raises(SettingsError, match=named):
        load(environment)


def test_an_option_given_twice_is_refused(tmp_path: Path):
    secret = tmp_path / "key"
    secret.write_text(KEY)
    with pytest.raises(SettingsError, match="both"):
        load({"HESTIA_KEY": KEY, "HESTIA_KEY_FILE": str(secret)})


def test_secrets_are_not_shown():
    shown = Settings(key=KEY, database_url="postgresql://u:p@h/d").shown()
    assert shown["HESTIA_KEY"] == "***"
    assert shown["HESTIA_DATABASE_URL"] == "***"


def test_every_option_explains_itself():
    assert all(option.help.endswith(".") for option in OPTIONS)
